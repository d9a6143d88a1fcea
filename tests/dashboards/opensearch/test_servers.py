"""Every search that a chart or a monitor makes, run on servers of both dialects over documents of ours."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from dashboards.kibana.arithmetic import Absent, Calculation, Gate, Number, Operation, calculation, index_of
from dashboards.kibana.fields import Reading
from dashboards.kibana.store import store_of
from dashboards.measures import MEASURES
from dashboards.opensearch.queries import aggregations, names_of
from dashboards.opensearch.render import render
from dashboards.rendered import Options
from subscribers.signals import Origin, Signal
from subscribers.sinks import index_install, index_templates
from subscribers.sinks.elasticsearch import make_elasticsearch
from subscribers.sinks.elasticsearch import names_of as index_names
from tests.backends.elastic_index import Dialect
from tests.dashboards.kibana.imports import objects_of
from tests.dashboards.kibana.readable import READABLE
from tests.dashboards.opensearch.checks import units
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM, metric
from tests.subscribers.real_servers import free_port, serving
from tests.subscribers.samples import MS, T0, log, span
from tests.subscribers.samples import metric as point
from tests.subscribers.sinks.test_elasticsearch_servers import DIALECTS, SERVERS, ask, deliver

PERIOD_MS = 300_000
#: A function's lines: its own log group is the service's.
_FUNCTION = Origin("123456789012", "eu-west-1", "/aws/lambda/the-function", "s", "submit-claim", "serverless")
_LEGACY = Origin("123456789012", "eu-west-1", "/legacy/claims/access", "s", "claims-legacy", "legacy")


def signals() -> Iterator[Signal]:
    """Four requests a side, of which one failed; four invocations, of which one did; gauges and counts."""
    route = {"http.request.method": "POST", "http.route": "/claims"}
    for number in range(4):
        at = number * 1000
        failed: Literal["error", "ok"] = "error" if number == 0 else "ok"
        for name, origin in (("legacy", _LEGACY), ("serverless", _FUNCTION)):
            key = f"{name}{number}"
            yield span(key, at, at + 100 * (number + 1) + 900, origin=origin, attributes=route, status=failed)
        report = {
            "aws.lambda.duration": 100.0 * (number + 1),
            "aws.lambda.billed_duration": 1000.0,
            "aws.lambda.memory_used": 90.0,
            **({"aws.lambda.init_duration": 200.0} if number == 0 else {}),
            **({"aws.lambda.status": "timeout"} if number == 1 else {}),
        }
        yield log(
            f"report{number}",
            at,
            origin=_FUNCTION,
            dataset="lambda.platform",
            request_id=f"r{number}",
            attributes=report,
        )
        words = "sorry: QueuePool limit of size 5" if number < 2 else "none"
        yield log(f"error{number}", at, origin=_LEGACY, level="ERROR", dataset="text", message=words)
    for name, value in (
        ("db.client.connection.count", 7.0),
        ("db.client.connection.max", 10.0),
        ("system.cpu.utilization", 0.5),
        ("system.memory.utilization", 0.25),
    ):
        found = point(name, value)
        yield type(found)(
            event_id=found.event_id,
            origin=_LEGACY,
            time_unix_nano=T0,
            name=name,
            kind="gauge",
            value=value,
        )


@pytest.fixture(scope="module", params=DIALECTS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dialect, str]]:
    """(dialect, address) of a server that has our templates and documents."""
    dialect: Dialect = request.param
    package, binary, options = SERVERS[dialect]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        pytest.skip(f"the package {package} is not installed")
    port = free_port()
    command = options.format(port=port, folder=tmp_path_factory.mktemp(package)).split()
    with serving([str(Path(spec.origin).parent / binary), *command], port):
        url = f"http://127.0.0.1:{port}"
        cluster = index_install.cluster_of(ask("GET", f"{url}/"))
        assert isinstance(cluster, index_templates.Cluster)
        for asset in index_templates.assets(cluster, index_names({}), has_policy=False):
            ask("PUT", f"{url}/{asset.path}", json.dumps(asset.body).encode())
        (channel,) = make_elasticsearch("elk", {"url": url})
        verdict = deliver(url, list(channel.items(signals())))
        assert not verdict.rejected
        ask("POST", f"{url}/_refresh")
        yield dialect, url


def searched(url: str, index: str, body: dict[str, Any]) -> dict[str, Any]:
    """Return the aggregations of a search, which must succeed."""
    told = ask("POST", f"{url}/{index}/_search", json.dumps(body).encode())
    assert told.status == 200, told.body
    found: dict[str, Any] = json.loads(told.body)["aggregations"]
    return found


def value(found: Calculation, bucket: dict[str, Any], names: dict[Reading, str]) -> float:
    """Return a calculation's value in a bucket, as the scripts and formulas reckon it."""
    match found:
        case Number(value=number):
            return number
        case Operation(operator=operator, left=left, right=right):
            one, two = value(left, bucket, names), value(right, bucket, names)
            if operator == "divide":
                return one / two if two else math.nan
            return one + two if operator == "add" else one * two
        case Gate(of=of, minimum=minimum, then=then):
            return value(then, bucket, names) if value(of, bucket, names) >= minimum else 0.0
        case Reading():
            here = bucket[names[found]]
            if found.aggregate == "count":
                return float(here["doc_count"])
            if found.aggregate == "percentile":
                return float(here["v"]["values"][f"{found.percent:.1f}"])
            return float(here["v"]["value"])


#: Measure -> what it is of the documents above.
EXPECTED = {
    "function.invocations": 4,
    "function.errors": 1,
    "function.timeouts": 1,
    "function.cold_starts": 1,
    "function.memory_used": 90,
    "endpoint.requests": 4,
    "endpoint.errors": 1,
    "endpoint.slow": 3,
    "service.requests": 4,
    "service.errors": 1,
    "service.error_lines": 4,
    "service.pool_used": 7,
    "service.pool_max": 10,
    "service.pool_exhausted": 2,
    "service.cpu": 50,
    "service.memory": 25,
}
RANGES = {
    "function.duration": (250, 400),
    "endpoint.duration": (1150, 1300),
    "service.duration": (1150, 1300),
    "function.cost": (1e-7, 1e-2),
}


@pytest.mark.parametrize("measure", [name for name in MEASURES if name in READABLE and "sink." not in name])
def test_each_measure_is_read_from_documents(server: tuple[Dialect, str], measure: str) -> None:
    """What a chart asks for is a number, and the right one."""
    dialect, url = server
    store, _ = store_of(SYSTEM, "elasticsearch")
    # The server that speaks Elasticsearch's dialect knows no percentiles.
    is_mean = MEASURES[measure].shape == "distribution" and dialect == "elasticsearch"
    found = calculation(metric(measure, "avg" if is_mean else None), SYSTEM, store)
    assert not isinstance(found, Absent)
    names = names_of((found,))
    body = {
        "aggs": {"all": {"aggs": aggregations(names), "filters": {"filters": [{"match_all": {}}]}}},
        "size": 0,
    }
    index = store.titles[index_of(found)]
    bucket = searched(url, index, body)["all"]["buckets"][0]
    low, high = RANGES.get(measure) or (EXPECTED[measure],) * 2
    assert low <= value(found, bucket, names) <= high


def _placed(tree: Any) -> Any:
    """What OpenSearch Dashboards puts into a search of Vega before it sends it."""
    if isinstance(tree, dict):
        if "%timefilter%" in tree:
            edge = T0 // MS
            return edge - PERIOD_MS if tree["%timefilter%"] == "min" else edge + PERIOD_MS
        if "%autointerval%" in tree:
            return "5m"
        return {key: _placed(one) for key, one in tree.items()}
    return [_placed(one) for one in tree] if isinstance(tree, list) else tree


SYSTEM_OS = msgspec.structs.replace(
    SYSTEM,
    config=msgspec.structs.replace(
        SYSTEM.config, sinks={"domain": {"type": "opensearch", "url": "https://x"}}
    ),
)


@pytest.mark.parametrize("server", ["opensearch"], indirect=True)
def test_every_search_of_every_chart_runs(server: tuple[Dialect, str]) -> None:
    """The searches in the files are taken as they are, and each has the buckets that the chart reads."""
    _, url = server
    rendered = render(SYSTEM_OS, PAGES, ALARMS, Options())
    ran = 0
    for one in objects_of(rendered):
        if one["type"] != "visualization":
            continue
        state = json.loads(one["attributes"]["visState"])
        if state["type"] != "vega":
            continue
        for unit in units(json.loads(state["params"]["spec"])):
            source = unit["data"].get("url")
            if source is None:
                continue
            found = searched(url, source["index"], _placed(source["body"]))
            name = unit["data"]["format"]["property"].split(".")[1]
            assert found[name]["buckets"]
            ran += 1
    assert ran > 25


@pytest.mark.parametrize("server", ["opensearch"], indirect=True)
def test_every_search_of_every_monitor_runs(server: tuple[Dialect, str]) -> None:
    """Each period of a monitor is a bucket; the requests of the last one are counted."""
    _, url = server
    rendered = render(SYSTEM_OS, PAGES, ALARMS, Options())
    now_ms = T0 // MS + PERIOD_MS
    for name, text in rendered.files.items():
        if not name.startswith("monitors/"):
            continue
        search = json.loads(text.replace("{{period_end}}", str(now_ms)))["inputs"][0]["search"]
        found = searched(url, ",".join(search["indices"]), search["query"])
        buckets = found["periods"]["buckets"]
        assert list(buckets) == list(search["query"]["aggregations"]["periods"]["filters"]["filters"])
        if name == "monitors/every-endpoint-requests.json":
            assert sum(bucket["m0"]["doc_count"] for bucket in buckets.values()) == 4
