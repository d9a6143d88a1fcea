"""Templates and policies of our indices, and the plan that is made of what is there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.sinks import ecs, index_install
from subscribers.sinks.bulk import Names
from subscribers.sinks.channel import Response
from subscribers.sinks.index_templates import Asset, Cluster, Flavor, assets
from tests.backends.elastic_index import TYPES, Index, Refused, flat
from tests.subscribers.samples import log, metric, span

FLAVORS: list[Flavor] = ["elasticsearch", "elasticsearch_serverless", "opensearch", "aoss"]
NEW = {flavor: Cluster(flavor, (8, 19) if "elastic" in flavor else (3, 1)) for flavor in FLAVORS}
STREAMS = Names(is_stream=True)


def of(cluster: Cluster, names: Names | None = None, **more: Any) -> dict[str, Asset]:
    """The assets by kind; of the two component templates the one of that name."""
    found = assets(cluster, names or Names(), **more)
    return {asset.name if asset.kind == "component" else asset.kind: asset for asset in found}


def mapping(cluster: Cluster) -> dict[str, Any]:
    """The mappings of a cluster."""
    found: dict[str, Any] = of(cluster)["observe-mappings"].body["template"]["mappings"]
    return found


@pytest.mark.parametrize("flavor", FLAVORS)
def test_every_field_that_is_written_is_mapped(flavor: Flavor) -> None:
    """What each kind of signal has is no field of the server's guess, and of a type that it knows."""
    known = dict(flat(mapping(NEW[flavor])["properties"]))
    everything = log("a", level="INFO", keys=("k=1",), error_stack="s", attributes={"x": 1})
    for signal in (everything, span("b", status_message="m"), metric("c", unit="s", tags={"a": "b"})):
        for name in ecs.document(signal):
            assert any(name == one or name.startswith(f"{one}.") for one in known), name
    assert set(ecs._DOTTED.values()) <= set(known) | {"span.links"}
    dialect: Any = "elasticsearch" if flavor.startswith("elastic") else "opensearch"
    assert {one.get("type", "object") for one in known.values()} <= TYPES[dialect]


@pytest.mark.parametrize(
    ("cluster", "type"),
    [
        (NEW["elasticsearch"], "flattened"),
        (Cluster("opensearch", (2, 19)), "flat_object"),
        (Cluster("opensearch", (2, 18)), "object"),
        (NEW["aoss"], "object"),
    ],
)
def test_callers_names_are_one_field(cluster: Cluster, type: str) -> None:
    """Flattened, or kept without being searched where that is not safe."""
    for name in ("attributes", "labels"):
        field = mapping(cluster)["properties"][name]
        assert field["type"] == type
        assert field.get("enabled", True) == (type != "object")


@pytest.mark.parametrize("flavor", FLAVORS)
def test_no_value_of_a_caller_costs_a_document(flavor: Flavor) -> None:
    """A known name with a value of the wrong type, first of one type and then of another, long and deep."""
    dialect: Any = "elasticsearch" if flavor.startswith("elastic") else "opensearch"
    index = Index("i", dialect, mapping(NEW[flavor]), {})
    values: list[Any] = [
        True,
        1,
        2.5,
        "text",
        "x" * 9000,
        None,
        [1, "a"],
        2**70,
        {"a": {"b": [None, {"c": 1}]}},
    ]
    for i, value in enumerate(values):
        attributes = {
            "http.response.status_code": value,
            "user.new": value,
            "http.route": value,
            "claim": value,
        }
        index.put(str(i), ecs.document(log("a", attributes=attributes)))
    assert len(index.documents) == len(values)


def test_an_object_for_a_value_is_still_refused() -> None:
    """What a mapping cannot mend: names that are an object here and a value there."""
    index = Index("i", "elasticsearch", mapping(NEW["elasticsearch"]), {})
    with pytest.raises(Refused):
        index.put("a", {"http.route": {"a": 1}})


def test_policies() -> None:
    """Dated indices are deleted by their age, data streams roll over first."""
    phases = of(NEW["elasticsearch"], retention_days=3)["ilm"].body["policy"]["phases"]
    assert phases["delete"] == {"min_age": "3d", "actions": {"delete": {}}}
    assert "rollover" not in phases["hot"]["actions"]
    phases = of(NEW["elasticsearch"], STREAMS, retention_days=3)["ilm"].body["policy"]["phases"]
    assert phases["hot"]["actions"]["rollover"]["max_age"] == "3d"
    states = of(NEW["opensearch"], retention_days=40)["ism"].body["policy"]["states"]
    assert states[0]["transitions"] == [{"state_name": "delete", "conditions": {"min_index_age": "40d"}}]
    states = of(NEW["opensearch"], STREAMS)["ism"].body["policy"]["states"]
    assert states[0]["actions"][0]["rollover"]["min_index_age"] == "7d"
    assert "min_rollover_age" in states[0]["transitions"][0]["conditions"]
    assert not {"ilm", "ism"} & (set(of(NEW["aoss"])) | set(of(NEW["elasticsearch_serverless"])))


def test_patterns_match_what_is_written() -> None:
    """The template of a prefix is for its indices; a longer prefix wins."""
    short, long = (of(NEW["elasticsearch"], Names(prefix))["index"].body for prefix in ("obs", "obs-prod"))
    assert short["index_patterns"] == ["obs-*"]
    assert short["priority"] < long["priority"]
    streams = of(NEW["elasticsearch"], Names("obs-prod", True, "eu"))["index"].body
    expected = ["logs-obs_prod.*-eu", "metrics-obs_prod-eu", "traces-obs_prod-eu"]
    assert streams["index_patterns"] == expected
    assert streams["data_stream"] == {}


def test_what_a_version_can() -> None:
    """Names beyond the limit cost no document where the version knows how."""
    for version, is_there in (((8, 14), True), ((8, 13), False), ((7, 17), False)):
        settings = of(Cluster("elasticsearch", version))["observe-settings"].body
        assert ("ignore_dynamic_beyond_limit" in json.dumps(settings)) == is_there
    assert of(NEW["aoss"])["observe-settings"].body["template"] == {"settings": {}}


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ({"number": "8.19.3", "build_flavor": "default"}, Cluster("elasticsearch", (8, 19))),
        ({"number": "8.11.0", "build_flavor": "serverless"}, Cluster("elasticsearch_serverless", (8, 11))),
        ({"number": "2.19.1", "distribution": "opensearch"}, Cluster("opensearch", (2, 19))),
        ({"number": "7.10.2", "distribution": "opensearch"}, Cluster("opensearch")),
        ({"number": "9.0.0-SNAPSHOT"}, Cluster("elasticsearch", (9, 0))),
    ],
)
def test_what_answers(version: dict[str, str], expected: Cluster) -> None:
    """Told by GET /."""
    body = json.dumps({"version": version}).encode()
    assert index_install.cluster_of(Response(status=200, body=body)) == expected


@given(st.binary(), st.integers(100, 599), st.sampled_from(["", "reset"]))
def test_any_answer_makes_a_plan(body: bytes, status: int, fault: str) -> None:
    """A law: nothing raises, and what is not known to be absent or ours is not touched."""
    response = Response(status=status, body=body, fault=fault)
    assert isinstance(index_install.cluster_of(response), (str, Cluster))
    index_install.not_put(response)
    for cluster in NEW.values():
        for asset in assets(cluster, Names()):
            state = index_install.step(asset, response).state
            assert (state == "create") == (status == 404 and not fault)
            assert state in ("create", "foreign", "unknown")
