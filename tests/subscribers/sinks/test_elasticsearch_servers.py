"""The `_bulk` channel against servers of both dialects, and our strict backend against their clients."""

from __future__ import annotations

import importlib
import importlib.util
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from subscribers.http import HttpEdge
from subscribers.sinks import index_install, index_templates
from subscribers.sinks.channel import HttpRequest, Item, Response, Verdict
from subscribers.sinks.elasticsearch import make_elasticsearch, names_of
from tests.backends.elastic import Elastic
from tests.backends.elastic_index import Dialect
from tests.subscribers.real_servers import free_port, serving
from tests.subscribers.samples import log, metric, span

DIALECTS: list[Dialect] = ["elasticsearch", "opensearch"]
#: Dialect -> package that brings a server of it, where its binary is, and what starts it at a port.
SERVERS: dict[Dialect, tuple[str, str, str]] = {
    "opensearch": ("osmem_server", "bin/osmem-server", "-addr 127.0.0.1:{port} -no-stdin-watch"),
    "elasticsearch": (
        "noida_db",
        "noida-db",
        "start --only elasticsearch --elasticsearch-port {port} --data-dir {folder}",
    ),
}


@pytest.fixture(scope="module", params=DIALECTS)
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dialect, str]]:
    """(dialect, address) of a server of each dialect."""
    dialect: Dialect = request.param
    package, binary, options = SERVERS[dialect]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.origin:
        pytest.skip(f"the package {package} is not installed")
    port = free_port()
    command = options.format(port=port, folder=tmp_path_factory.mktemp(package)).split()
    with serving([str(Path(spec.origin).parent / binary), *command], port):
        yield dialect, f"http://127.0.0.1:{port}"


def ask(method: str, url: str, body: bytes = b"", kind: str = "application/json") -> Response:
    """Send one request."""
    return HttpEdge().send(HttpRequest(method=method, url=url, body=body, headers={"Content-Type": kind}))


def deliver(url: str, items: list[Item], **settings: Any) -> Verdict:
    """Send items as the channel of these settings."""
    (one,) = make_elasticsearch("elk", {"url": url, **settings})
    request = one.request(items)
    assert isinstance(request, HttpRequest)
    return one.verdict(items, HttpEdge().send(request))


def test_each_signal_is_there_once(server: tuple[Dialect, str]) -> None:
    """Templates are taken, 3,000 signals are delivered, and all of it again changes nothing."""
    dialect, url = server
    settings = {"index": "once"}
    cluster = index_install.cluster_of(ask("GET", f"{url}/"))
    assert isinstance(cluster, index_templates.Cluster)
    assert cluster.flavor == dialect
    for asset in index_templates.assets(cluster, names_of(settings), has_policy=False):
        assert index_install.step(asset, ask("GET", f"{url}/{asset.path}")).state == "create"
        told = ask("PUT", f"{url}/{asset.path}", json.dumps(asset.body).encode())
        assert index_install.failure(told) == ""
        assert index_install.step(asset, ask("GET", f"{url}/{asset.path}")).state == "unchanged"
    (one,) = make_elasticsearch("elk", {"url": url, **settings})
    signals = [
        each
        for i in range(1000)
        for each in (
            log(str(i), attributes={"claim": {"n": i, "none": None}, "user.x": [True, "a", 1][i % 3]}),
            span(str(i), attributes={"http.response.status_code": [200, "bad"][i % 2]}),
            metric(str(i), tags={"a.b": str(i)}),
        )
    ]
    items = list(one.items(signals))
    for _ in range(2):
        assert deliver(url, items, **settings) == Verdict()
    ask("POST", f"{url}/_refresh")
    told = ask("GET", f"{url}/once-*/_count")
    assert json.loads(told.body)["count"] == 3000


def test_what_is_rejected_is_named(server: tuple[Dialect, str]) -> None:
    """A conflict of mappings costs its own document only."""
    _, url = server
    settings = {"index": "conflicts"}
    (one,) = make_elasticsearch("elk", {"url": url, **settings})
    first = list(one.items([log("a", attributes={"http.a": 1})]))
    assert deliver(url, first, **settings) == Verdict()
    given = [log("b", attributes={"http.a": "x"}), log("c"), log("d", attributes={"http.a.b": 1}), log("a")]
    verdict = deliver(url, list(one.items(given)), **settings)
    assert not verdict.retry
    assert {i: refusal.reason for i, refusal in verdict.rejected.items()} == {
        0: "mapping_conflict",
        2: "mapping_conflict",
    }


CREATE = '{"create":{"_index":"same","_id":"%s"}}\n%s\n'
SECOND = CREATE % ("2", '{"n":"x"}') + CREATE % ("3", '{"n":{"a":1}}')
#: Bodies whose answers must be the dialect's; the server for Elasticsearch forgives those of STRICT.
BODIES = [
    CREATE % ("1", '{"n":1}'),
    CREATE % ("1", '{"n":1}') + SECOND + CREATE % ("4", "{}"),
    '{"foo":{"_index":"same"}}\n{}\n',
]
STRICT = [
    "",
    CREATE.rstrip("\n") % ("5", "{}"),
    '"x"\n{}\n',
    CREATE.replace("same", "UPPER") % ("6", "{}"),
]


def told_of(response: Response) -> Any:
    """What counts of an answer: statuses and kinds of errors."""
    tree = json.loads(response.body)
    if "items" not in tree:
        return response.status, tree["error"]["type"]
    return [(one["create"]["status"], one["create"].get("error", {}).get("type")) for one in tree["items"]]


def test_our_backend_answers_as_they_do(server: tuple[Dialect, str]) -> None:
    """The strict backend of the other tests says what these servers say."""
    dialect, url = server
    with Elastic(dialect) as backend:
        for body in BODIES + STRICT * (dialect == "opensearch"):
            answers = [
                told_of(ask("POST", f"{address}/_bulk", body.encode(), "application/x-ndjson"))
                for address in (url, backend.url)
            ]
            assert answers[0] == answers[1], body
        for path in ("_component_template/none", "_index_template/none"):
            told, ours = (ask("GET", f"{address}/{path}") for address in (url, backend.url))
            assert told.status == ours.status == 404
            assert json.loads(told.body)["error"]["type"] == json.loads(ours.body)["error"]["type"]


def test_the_client_of_elasticsearch() -> None:
    """elasticsearch-py takes our backend for the real one, and reads what our channel wrote as its own."""
    elasticsearch = pytest.importorskip("elasticsearch", reason="elasticsearch-py is not installed")
    helpers = importlib.import_module("elasticsearch.helpers")
    with Elastic("elasticsearch", api_key="a2V5") as backend:
        client = elasticsearch.Elasticsearch(backend.url, api_key="a2V5")
        assert client.info()["version"]["number"] == backend.version
        _written_by(helpers, lambda lines: client.bulk(operations=lines.splitlines()), client, backend)
        client.close()


def test_the_client_of_opensearch() -> None:
    """The same with opensearch-py."""
    opensearchpy = pytest.importorskip("opensearchpy", reason="opensearch-py is not installed")
    with Elastic("opensearch", basic=("user", "pass")) as backend:
        client = opensearchpy.OpenSearch([backend.url], http_auth=("user", "pass"), http_compress=True)
        assert client.info()["version"]["distribution"] == "opensearch"
        _written_by(opensearchpy.helpers, lambda lines: client.bulk(body=lines), client, backend)
        client.close()


def _written_by(helpers: Any, send: Any, client: Any, backend: Elastic) -> None:
    """Send our payload by a client, and our items by its own bulk helper: it would write the same."""
    (one,) = make_elasticsearch("elk", {"url": backend.url})
    items = list(one.items([log("a"), span("b"), metric("c")]))
    told = send(b"".join(item.body + b"\n" for item in items))
    assert not told["errors"]
    assert [result["create"]["status"] for result in told["items"]] == [201, 201, 201]
    assert set(backend.documents()) == {"log-a", "span-b", "metric-c"}
    actions = []
    for item in items:
        head, document = map(json.loads, item.body.split(b"\n"))
        actions.append({"_op_type": "create", **head["create"], "_source": document})
    again = [told for ok, told in helpers.streaming_bulk(client, actions, raise_on_error=False) if not ok]
    assert [told["create"]["status"] for told in again] == [409, 409, 409]
    assert set(backend.accepted.values()) == {1}
