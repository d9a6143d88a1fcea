"""Which request called which: told, inferred, at once or later; and a sample that is always the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import semconv
from observe.ids import derive_trace_id
from subscribers.config import loads
from subscribers.insight.answer import Question
from subscribers.insight.calls import (
    Place,
    Trace,
    Visit,
    asked_services,
    stitched,
)
from subscribers.insight.chains_routes import asked_places, endpoint_of
from subscribers.insight.chains_sample import MOST_OF_TRACE, sampled
from subscribers.insight.routes import Routes
from subscribers.signals import Link, Metric, Span
from subscribers.store import Store
from tests.subscribers.samples import MS, T0, origin, span, span_id

CONFIG = loads(
    """
version: 1
services:
  front: {side: serverless, log_groups: [/aws/lambda/front]}
  old: {side: legacy, log_groups: [/old/access]}
endpoints:
  submit:
    route: POST /claims
    legacy: {service: old}
    serverless: {service: front}
"""
)


def route(path: str, method: str = "POST") -> dict[str, Any]:
    """What a server's span tells of its route."""
    return {semconv.HTTP_REQUEST_METHOD: method, semconv.HTTP_ROUTE: path}


def server(name: str, start: float, end: float, path: str = "/claims", **more: Any) -> Span:
    """A request at a function, or with side="legacy" at the old system; its service is its name."""
    fields: dict[str, Any] = {"attributes": route(path), "side": "serverless", **more}
    above = fields.pop("above", "")
    return span(name, start, end, fields.pop("service", name), parent_span_id=_id(above), **fields)


def call(name: str, start: float, end: float, above: str, **more: Any) -> Span:
    """A call over HTTP by the service that `above` is a span of."""
    fields: dict[str, Any] = {
        "kind": "client",
        "attributes": {semconv.HTTP_REQUEST_METHOD: "POST", semconv.URL_FULL: "http://old.example/x"},
        "service": above,
        "side": "serverless",
        **more,
    }
    return span(name, start, end, fields.pop("service"), parent_span_id=_id(above), **fields)


def _id(name: str) -> str:
    return span_id(name) if name else ""


def told(name: str, value: float, function: str, at_ms: float = 0, request: str = "", **more: Any) -> Metric:
    """A data point of a report of a function's service of the same name."""
    fields: dict[str, Any] = {"kind": "distribution", "origin": origin(function, "serverless"), **more}
    return Metric(
        event_id=f"metric-{name}-{function}-{at_ms}-{request}",
        time_unix_nano=T0 + round(at_ms * MS),
        name=f"aws.lambda.{name}",
        value=value,
        tags={"faas.name": function},
        request_id=request,
        **fields,
    )


def only(*spans: Span) -> Trace:
    """The one trace that these are."""
    (trace,) = stitched(spans)
    return trace


def visit(trace: Trace, service: str) -> Visit:
    """The one visit at a service."""
    (found,) = (one for one in trace.visits if one.place.service == service)
    return found


def caller(trace: Trace, service: str) -> str:
    """Who called a service, "" for nobody."""
    found = visit(trace, service)
    return trace.visits[found.caller].place.service if found.caller >= 0 else ""


def hybrid() -> list[Span]:
    """A function that waits for the old system and then sends a message that another function reads."""
    return [
        server("front", 0, 100),
        call("post", 10, 60, "front"),
        server("old", 20, 50, "/registrations", side="legacy", above="post"),
        span("send", 70, 90, "front", "serverless", kind="producer", parent_span_id=span_id("front")),
        span("back", 80, 85, "back", "serverless", kind="consumer", parent_span_id=span_id("send")),
    ]


def test_what_is_called_over_http_is_waited_for() -> None:
    """The old system's request was made by the function's call, which waited."""
    found = visit(only(*hybrid()), "old")
    assert (found.way, found.basis) == ("synchronous", "told")
    assert found.place == Place("legacy", "old", "POST /registrations")
    assert caller(only(*hybrid()), "old") == "front"


def test_what_reads_a_message_is_not_waited_for() -> None:
    """Though its time lies in the sender's, a consumer is called later."""
    trace = only(*hybrid())
    assert (caller(trace, "back"), visit(trace, "back").way) == ("front", "asynchronous")


def test_who_was_not_told_is_inferred_and_says_so() -> None:
    """An access log that names no parent is below the call that it lies in, labelled inferred."""
    spans = [s for s in hybrid() if s.name != "old"]
    lost = server("old", 20.001, 50.001, "/registrations", side="legacy")
    found = visit(only(*spans, lost), "old")
    assert (caller(only(*spans, lost), "old"), found.basis) == ("front", "inferred")
    assert found.way == "synchronous"


def test_two_traces_of_one_correlation_id_are_one_request() -> None:
    """The old side knows only the correlation ID, the new side has a trace of its own."""
    front = server("front", 0, 100, trace_id="b" * 32, correlation_id="web-1")
    old = server("old", 20.001, 50.001, side="legacy", trace_id=derive_trace_id("web-1"))
    assert caller(only(front, old), "old") == ""
    assert {one.place.service for one in only(front, old).visits} == {"front", "old"}


def test_a_correlation_id_of_many_traces_joins_none() -> None:
    """A session's ID is that of many requests: each stays its own."""
    spans = [server(f"f{i}", i, i + 1, trace_id=str(i) * 32, correlation_id="session") for i in range(3)]
    assert len(stitched(spans)) == 3


@pytest.mark.parametrize(("end", "way"), [(40, "synchronous"), (90, "asynchronous")])
def test_a_function_that_outlives_the_call_that_invoked_it_is_not_waited_for(end: float, way: str) -> None:
    """Lambda's Invoke is the same call for both: only time tells."""
    invoke = {semconv.FAAS_INVOKED_NAME: "back"}
    trace = only(
        server("front", 0, 100),
        call("invoke back", 10, 50, "front", attributes=invoke),
        server("back", 20, end, above="invoke back"),
    )
    assert visit(trace, "back").way == way


def test_a_call_that_failed_was_waited_for_though_its_callee_went_on() -> None:
    """Who gave up had waited: the callee's end is after the call's."""
    trace = only(
        server("front", 0, 50, status="error"),
        call("invoke", 10, 50, "front", attributes={semconv.FAAS_INVOKED_NAME: "back"}, status="error"),
        server("back", 20, 90, above="invoke"),
    )
    assert visit(trace, "back").way == "synchronous"


def test_a_handler_called_by_a_handler_is_one_visit() -> None:
    """Two entries of one invocation are one request."""
    outer = server("front", 0, 100, request_id="r-1")
    inner = server("inner", 1, 90, above="front", service="front", request_id="r-1")
    assert len(only(outer, inner).visits) == 1


def test_a_span_that_was_told_twice_counts_once_with_its_later_end() -> None:
    """The watchdog told of a handler that returned in its last moment."""
    first = replace(server("front", 0, 90), event_id="early")
    (visited,) = only(first, server("front", 0, 100)).visits
    trace = only(first, server("front", 0, 100))
    assert trace.span(visited).end_unix_nano == T0 + 100 * MS


def test_a_report_without_a_route_has_its_functions_only_one() -> None:
    """What only the platform told is of the endpoint that the layer tells otherwise."""
    layer = server("front", 0, 100, trace_id="b" * 32)
    platform = span("front", 200, 300, "front", "serverless", told_by="platform", trace_id="c" * 32)
    places = {one.place for trace in stitched([layer, platform]) for one in trace.visits}
    assert places == {Place("serverless", "front", "POST /claims")}


def test_nothing_is_no_trace() -> None:
    """No spans, no traces."""
    assert stitched([]) == ()


@given(st.permutations(range(5)))
def test_the_order_of_rows_does_not_matter(order: list[int]) -> None:
    """Law: whichever order a store returns rows in, the calls are the same."""
    spans = hybrid()
    shuffled = [spans[i] for i in order]
    assert only(*shuffled).visits == only(*spans).visits


def _stored(path: Path, count: int) -> Store:
    store = Store(path)
    spans = [server("front", i, i + 1, trace_id=f"{i:032x}") for i in range(count)]
    store.append([replace(one, event_id=one.trace_id) for one in spans])
    return store


def test_a_sample_is_the_same_each_time_and_says_how_much_it_is(tmp_path: Path) -> None:
    """Five of twelve traces: always those five, and the note tells both numbers."""
    store = _stored(tmp_path / "store", 12)
    one, other = (sampled(store.query, Question(), most=5) for _ in range(2))
    ids = [trace.nodes[0].span.trace_id for trace in one.traces]
    assert len(ids) == 5
    assert ids == [trace.nodes[0].span.trace_id for trace in other.traces]
    assert (one.looked_at, one.total, one.scale) == (5, 12, 2.4)
    assert "5 of 12 traces" in one.notes[0]


def test_a_sample_is_of_the_period_and_of_the_services(tmp_path: Path) -> None:
    """What began before, and what has no request at a service, is not looked at."""
    store = _stored(tmp_path / "store", 12)
    assert sampled(store.query, Question(first_unix_nano=T0 + 10 * MS)).total == 2
    assert sampled(store.query, Question(services=("back",))).total == 0
    assert sampled(store.query, Question(services=("back",))).notes == (
        "There are no traces in this period.",
    )


def test_the_trace_of_the_same_correlation_id_comes_along(tmp_path: Path) -> None:
    """A sampled trace brings the spans that share its correlation ID, whatever their trace."""
    store = Store(tmp_path / "store")
    store.append(
        [
            server("front", 0, 100, trace_id="b" * 32, correlation_id="web-1"),
            server("old", 20, 50, side="legacy", trace_id=derive_trace_id("web-1"), correlation_id="web-1"),
        ]
    )
    (trace,) = sampled(store.query, Question(), most=1).traces
    assert len(trace.visits) == 2


def test_a_link_of_identity_joins_the_trace_that_was_lost() -> None:
    """A function that kept its caller's trace links to the one of its correlation ID."""
    lost = Link("d" * 32, "", {semconv.LINK_KIND: "xray"})
    front = server("front", 0, 100, trace_id="b" * 32, links=(lost,))
    assert len(stitched([front, server("old", 1, 2, side="legacy", trace_id="d" * 32)])) == 1


@pytest.mark.parametrize("kind", [["batch"], {"a": 1}, None, 1])
def test_a_link_that_says_no_text_of_itself_is_any_link(kind: object) -> None:
    """Lists and objects are no kind of a link, and no error."""
    link = Link("d" * 32, "", {semconv.LINK_KIND: kind})
    assert len(stitched([server("front", 0, 1, links=(link,)), server("old", 1, 2, trace_id="d" * 32)])) == 2


def test_one_long_trace_hides_no_other(tmp_path: Path) -> None:
    """Of a job's trace the first spans are read, and it is counted as cut; all others are whole."""
    job = [server("job", 0, 9_000, trace_id="0" * 32)]
    job += [call(f"c{i}", i, i + 1, "job", trace_id="0" * 32) for i in range(MOST_OF_TRACE + 10)]
    store = _stored(tmp_path / "store", 12)
    store.append([replace(one, event_id=f"job-{one.name}") for one in job])
    sample = sampled(store.query, Question())
    assert (sample.looked_at, sample.cut, sample.is_short, sample.is_whole) == (12, 1, False, False)
    assert max(len(trace.nodes) for trace in sample.traces) == MOST_OF_TRACE
    assert "one of them is longer, and incomplete" in sample.notes[1]


def test_only_what_was_read_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where the spans of a question are used up, the traces behind are none of the sample."""
    monkeypatch.setattr("subscribers.insight.chains_sample.MOST_SPANS", 5)
    sample = sampled(_stored(tmp_path / "store", 12).query, Question())
    assert (sample.looked_at, len(sample.traces), sample.is_short, sample.scale) == (5, 5, True, 2.4)
    assert any("More were not read" in note for note in sample.notes)


def test_names_of_parameters_and_any_are_no_other_endpoint() -> None:
    """{id} is {number}; each side has its own route or the endpoint's; ANY is every method."""
    config = loads(
        """
version: 1
services:
  front: {side: serverless, log_groups: [/aws/lambda/front]}
  old: {side: legacy, log_groups: [/old/access]}
endpoints:
  read:
    route: GET /claims/{number}
    legacy: {service: old, route: "ANY /legacy/{id}"}
    serverless: {service: front}
"""
    )
    routes = Routes(config.endpoints)
    assert endpoint_of(routes, Place("serverless", "front", "GET /claims/{id}")) == "read"
    assert endpoint_of(routes, Place("legacy", "old", "PUT /legacy/{x}")) == "read"
    assert endpoint_of(routes, Place("legacy", "old", "GET /claims/{x}")) == "read"
    assert endpoint_of(routes, Place("legacy", "front", "GET /claims/{id}")) == ""
    assert endpoint_of(routes, Place("serverless", "front", "GET")) == ""


def test_endpoints_have_their_names_of_observe_yaml() -> None:
    """A place is of an endpoint where both service and route are its implementation's."""
    question = Question(config=CONFIG, endpoints=("submit",))
    place = Place("legacy", "old", "POST /claims")
    assert endpoint_of(Routes(CONFIG.endpoints), place) == "submit"
    assert asked_places(question, [place, Place("legacy", "old", "GET /claims")]) == {place}
    assert asked_services(question) == {"old", "front"}
    assert asked_services(Question(services=("old",))) == {"old"}
    assert asked_services(Question()) == frozenset()
