"""What requests cost: by endpoint, by a field of the team's own, and by service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from subscribers.config import loads
from subscribers.insight.answer import Question
from subscribers.insight.cost_requests import endpoints, paths, values
from subscribers.signals import Link
from tests.subscribers.insight.invoked import entry, invoked, origin, request, served
from tests.subscribers.insight.test_cost import ONE, costs, stored, table, told
from tests.subscribers.samples import log, metric


def test_requests_are_counted_as_parity_does(tmp_path: Path) -> None:
    """Two requests of one trace are two; one that another calls is part of that; retried lines are one."""
    asked = served("front", 1, 1)
    store = stored(
        tmp_path,
        invoked("front", 1),
        invoked("front", 2, 5),
        asked,
        served("front", 2, 1, at_s=5),
        served("inner", 3, 1, "/inner", 1, parent_span_id=asked.span_id),
    )
    (found,) = (one for one in endpoints(store.query, Question()) if one.endpoint == "POST /claims")
    assert found.requests == 2
    assert found.usd_per_million == pytest.approx(ONE * 1e6)
    assert [one.endpoint for one in endpoints(store.query, Question())] == ["POST /claims"]


def test_requests_that_only_the_platform_told(tmp_path: Path) -> None:
    """They count, and the cost of a million is that of those of which is known what they set off."""
    store = stored(tmp_path, invoked("front", 1), invoked("front", 2, 5), served("front", 1, 1))
    (found,) = (one for one in endpoints(store.query, Question()) if one.endpoint)
    assert found.told == 1
    assert found.usd_per_million == pytest.approx(ONE * 1e6)


def test_only_services_asked_for(tmp_path: Path) -> None:
    """Every table is of the services asked for: endpoints and values have what these cost of them."""
    store = stored(
        tmp_path,
        invoked("front", 1),
        invoked("worker", 2, 10),
        served("front", 1, 1, correlation_id="c-1"),
        served("legacy", 0, 9, "/old"),
        entry("worker", 2, 1, 10, kind="consumer"),
        log("1", origin=origin("front"), request_id=request(1), attributes={"tenant": "x"}),
        log("2", origin=origin("worker"), request_id=request(2), attributes={"tenant": "y"}),
    )
    found = costs(store, services=("worker",), by="tenant")
    assert [(one.endpoint, one.requests) for one in found.endpoints] == [("POST /claims", 1)]
    assert found.endpoints[0].whole_usd == pytest.approx(ONE)
    assert {one.value: one.usd for one in found.values} == {"y": pytest.approx(ONE)}
    assert sum(one.usd for one in found.functions) == pytest.approx(ONE)
    assert "Only what worker cost" in " ".join(told(store, services=("worker",)).notes)


def test_endpoints(tmp_path: Path) -> None:
    """An endpoint costs its function, and as a whole what its requests set off, behind queues too."""
    store = stored(
        tmp_path,
        invoked("front", 1),
        invoked("worker", 2, 10),
        invoked("late", 3, 20),
        invoked("alone", 4),
        served("front", 1, 1, correlation_id="c-1"),
        entry("worker", 2, 1, 10, kind="consumer"),
        entry("late", 3, 7, 20, kind="consumer", correlation_id="c-1"),
        entry("alone", 4, 8, kind="consumer", correlation_id="c-9"),
    )
    by_name = {one.endpoint: one for one in endpoints(store.query, Question())}
    found = by_name["POST /claims"]
    assert (found.requests, found.own_invocations, found.whole_invocations) == (1, 1, 3)
    assert found.own_usd == pytest.approx(ONE)
    assert found.whole_usd == pytest.approx(3 * ONE)
    assert found.inferred_invocations == 1
    assert by_name[None].whole_usd == pytest.approx(ONE)
    assert any("inferred" in note for note in told(store).notes)


def test_endpoint_of_the_first_request(tmp_path: Path) -> None:
    """What a legacy request sets off is its cost; an endpoint called on the way has its own alone."""
    store = stored(
        tmp_path,
        invoked("inner", 1, 1),
        served("legacy", 0, 1, "/old", 0),
        served("inner", 1, 1, "/inner", 1),
    )
    by_name = {one.endpoint: one for one in endpoints(store.query, Question())}
    assert by_name["POST /old"].whole_usd == pytest.approx(ONE)
    assert by_name["POST /inner"].own_usd == pytest.approx(ONE)
    assert by_name["POST /inner"].whole_usd == 0


def test_batch_is_shared(tmp_path: Path) -> None:
    """An invocation for records of two endpoints costs each of them its half."""
    batch: dict[str, Any] = {
        "kind": "consumer",
        "links": (Link(f"{9:032x}", "b" * 16, {"observe.link": "batch"}),),
    }
    store = stored(
        tmp_path,
        invoked("worker", 9, 5),
        served("front", 1, 1, "/one"),
        served("front", 2, 2, "/two"),
        entry("worker", 9, 9, 5, "main", kind="consumer"),
        entry("worker", 9, 1, 5, "r1", **batch),
        entry("worker", 9, 2, 5, "r2", **batch),
    )
    whole = {one.endpoint: one.whole_usd for one in endpoints(store.query, Question())}
    assert whole == {"POST /one": pytest.approx(ONE / 2), "POST /two": pytest.approx(ONE / 2)}


def test_endpoint_asked_for(tmp_path: Path) -> None:
    """Of the endpoints asked for by their names in observe.yaml there are no others."""
    store = stored(tmp_path, served("front", 1, 1, "/one"), served("front", 2, 2, "/two"))
    text = "version: 1\nservices: {s: {side: serverless}}\n"
    text += "endpoints: {first: {route: POST /one, serverless: {service: s}}}\n"
    assert [one.endpoint for one in costs(store, loads(text), endpoints=("first",)).endpoints] == [
        "POST /one"
    ]


def test_endpoint_with_other_names_of_parameters(tmp_path: Path) -> None:
    """What a side calls a parameter makes no other endpoint."""
    store = stored(tmp_path, served("front", 1, 1, "/claims/{id}"), served("front", 2, 2, "/claims"))
    text = "version: 1\nservices: {s: {side: serverless}}\n"
    text += "endpoints: {one: {route: 'POST /claims/{number}', serverless: {service: s}}}\n"
    found = costs(store, loads(text), endpoints=("one",)).endpoints
    assert [one.endpoint for one in found] == ["POST /claims/{id}"]


def test_by_field(tmp_path: Path) -> None:
    """A field of logs, spans or metrics splits the cost; what tells none takes its trace's."""
    store = stored(
        tmp_path,
        *(invoked("a", n, n) for n in range(1, 6)),
        log("1", origin=origin("a"), request_id=request(1), attributes={"tenant": "x"}),
        entry("a", 2, 2, attributes={"tenant": {"id": "deep"}, "other": 1}),
        replace(metric("3", tags={"tenant": "y"}), request_id=request(3)),
        log("4", origin=origin("a"), trace_id=f"{4:032x}", attributes={"tenant": "z"}),
        entry("a", 4, 4),
    )
    found = values(store.query, Question(by="tenant"))
    assert sum(one.usd for one in found) == pytest.approx(5 * ONE)
    named = {one.value: one.usd for one in found if one.value and "deep" not in one.value}
    assert named == {value: pytest.approx(ONE) for value in "xyz"}
    assert {one.value for one in values(store.query, Question(by="tenant.id"))} == {"deep", None}
    assert "Nothing tells nobody" in table(told(store, by="nobody"), "by").empty
    assert not table(told(store, by="nobody"), "by").rows


def test_two_values_share(tmp_path: Path) -> None:
    """An invocation for two values costs each its half."""
    said = [log(v, origin=origin("a"), request_id=request(1), attributes={"tenant": v}) for v in "xy"]
    found = values(stored(tmp_path, invoked("a", 1), said).query, Question(by="tenant"))
    assert {one.value: one.usd for one in found} == {v: pytest.approx(ONE / 2) for v in "xy"}


@pytest.mark.parametrize("field", ["a.b", "a/b", "a~b", 'a"b', "$.x", "'; DROP", "é", " "])
def test_any_field_can_be_asked_for(tmp_path: Path, field: str) -> None:
    """A field's name is data, whatever it holds."""
    line = log("1", origin=origin("a"), request_id=request(1), attributes={field: "x"})
    found = values(stored(tmp_path, invoked("a", 1), [line]).query, Question(by=field))
    assert [one.value for one in found] == ["x"]
    assert set(paths(field)) == {"flat", "nested"}
