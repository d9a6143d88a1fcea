"""Where time goes: to the innermost span, all of it, and against before."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import semconv
from subscribers.config import Config, Endpoint, Implementation
from subscribers.insight.answer import Question
from subscribers.insight.calls import Trace
from subscribers.insight.chains_sample import MOST_OF_TRACE
from subscribers.insight.spent import answer, time_spent
from subscribers.insight.spent_parts import Hop, length, parts
from subscribers.insight.spent_sweep import Interval, self_times
from subscribers.signals import Span
from subscribers.store import Store
from tests.subscribers.insight.test_calls import call, hybrid, only, server
from tests.subscribers.insight.test_chains import store_of, table
from tests.subscribers.samples import MS, T0, span, span_id

WHOLE = Question(first_unix_nano=T0, last_unix_nano=T0 + 10_000 * MS - 1)


def kinds(trace: Trace, at: int = 0) -> dict[str, float]:
    """Milliseconds by kind of hop."""
    found: dict[str, float] = {}
    for hop, ns in parts(trace, at).items():
        found[hop.kind] = found.get(hop.kind, 0) + ns / MS
    return found


def init(start: float, end: float, above: str, service: str) -> Span:
    """A function's start, as the layer tells it where the request waited for it."""
    way = {semconv.AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand"}
    above = span_id(above)
    return span(
        "init", start, end, service, "serverless", kind="internal", parent_span_id=above, attributes=way
    )


def served(number: int, start: float, took: float, legacy: float = 0.0) -> list[Span]:
    """A request of the function front that waits for the old system; traces have numbers."""
    more: dict[str, Any] = {"trace_id": f"{number + 1:032x}"}
    spans = [server("front", start, start + took, **more)]
    if legacy:
        spans.append(call("post", start + 1, start + 1 + legacy, "front", **more))
        spans.append(server("old", start + 1, start + 1 + legacy, "/x", side="legacy", above="post", **more))
    return [replace(one, event_id=f"{number}-{one.name}") for one in spans]


def test_time_belongs_to_the_innermost_span() -> None:
    """30 ms of the old system's, 20 of its network, 20 of the queue's, and the rest is the function's own."""
    assert kinds(only(*hybrid())) == {"serverless": 30.0, "network": 20.0, "legacy": 30.0, "aws": 20.0}


def test_who_reads_a_message_has_no_part() -> None:
    """The reader's time lies in the sender's, but nobody waited for it."""
    assert {hop.service for hop in parts(only(*hybrid()), 0)} == {"front", "front > old", "old"}


def test_parallel_calls_share_their_time() -> None:
    """Of 50 ms in which two calls went on, each has 25; of what only one did, it has all."""
    trace = only(
        server("front", 0, 100),
        call("one", 10, 60, "front", attributes={semconv.AWS_S3_BUCKET: "b"}),
        call("two", 10, 80, "front"),
    )
    assert kinds(trace) == {"serverless": 30.0, "aws": 25.0, "elsewhere": 45.0}


def test_a_start_that_was_waited_for_is_part_of_the_request() -> None:
    """The layer's init lies before the handler: users waited for both, and for the moment in between."""
    trace = only(server("front", 0, 100), init(-500, -10, "front", "front"))
    assert kinds(trace) == {"cold_start": 500.0, "serverless": 100.0}
    assert length(trace, 0) == 600 * MS


def test_a_start_of_a_callee_is_within_the_call() -> None:
    """The caller waits for the callee's init: it is no network."""
    trace = only(
        server("front", 0, 1000),
        call("post", 100, 900, "front"),
        server("back", 800, 890, above="post"),
        init(200, 780, "back", "back"),
    )
    assert kinds(trace) == {"serverless": 290.0, "cold_start": 580.0, "network": 130.0}


def test_a_clock_that_is_off_is_allowed_for() -> None:
    """The old server's clock is 200 ms ahead: its request is moved into the call, and not cut."""
    skew = {**server("x", 0, 1).attributes, semconv.CLOCK_SKEW_MS: 300}
    old = server("old", 220, 250, side="legacy", above="post", attributes=skew)
    trace = only(server("front", 0, 100), call("post", 10, 60, "front"), old)
    assert kinds(trace) == {"serverless": 50.0, "legacy": 30.0, "network": 20.0}


def test_without_a_known_skew_what_sticks_out_is_cut() -> None:
    """Nobody said that the clock is off: the time outside of the call is not the request's."""
    old = server("old", 40, 70, side="legacy", above="post")
    trace = only(server("front", 0, 100), call("post", 10, 60, "front"), old)
    assert kinds(trace)["legacy"] == pytest.approx(21, abs=1.1)
    assert sum(kinds(trace).values()) == 100.0


def test_a_nested_request_is_a_request_of_its_own() -> None:
    """Of the old system's request all is its own."""
    trace = only(*hybrid())
    at = next(i for i, one in enumerate(trace.visits) if one.place.service == "old")
    assert parts(trace, at) == {Hop("legacy", "legacy", "old", "POST /registrations"): 30 * MS}


_TIMES = st.tuples(st.integers(-50, 250), st.integers(0, 200))
_KINDS = st.sampled_from(["client", "server", "internal", "producer", "consumer"])
_SPANS = st.lists(st.tuples(_TIMES, _KINDS, st.integers(0, 100), st.sampled_from("ab")), max_size=12)


@given(_SPANS)
def test_the_parts_of_a_request_add_up_to_all_of_it(
    told: list[tuple[tuple[int, int], Any, int, str]],
) -> None:
    """Law: whatever spans there are, and however clocks lie, each request's hops are 100 % of its time."""
    spans = [server("root", 0, 200)]
    for i, ((start, took), kind, above, service) in enumerate(told):
        parent = spans[above % len(spans)].name
        spans.append(
            span(
                f"s{i}", start, start + took, service, "serverless", kind=kind, parent_span_id=span_id(parent)
            )
        )
    trace = only(*spans)
    for at in range(len(trace.visits)):
        assert sum(parts(trace, at).values()) == length(trace, at)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60), st.integers(0, 20)), max_size=15))
def test_each_instant_is_shared_by_the_innermost(told: list[tuple[int, int, int]]) -> None:
    """Law: the sweep agrees with looking at each instant; of these any number up to 16 has equal parts."""
    whole = [Interval(0, 40, -1)]
    whole += [Interval(min(a, b), max(a, b), parent % (i + 1)) for i, (a, b, parent) in enumerate(told)]
    found = self_times([Interval(i.start * _PARTS, i.end * _PARTS, i.parent) for i in whole])
    assert found == [share * _PARTS for share in _slowly(whole)]
    assert sum(found) == 40 * _PARTS


#: The least common multiple of 1 to 16.
_PARTS = 720_720


def _slowly(whole: list[Interval]) -> list[Fraction]:
    shares = [Fraction()] * len(whole)
    for at in range(40):
        on = [True] * len(whole)
        for i, (start, end, parent) in enumerate(whole):
            on[i] = start <= at < end and (i == 0 or on[parent])
        busy = {one.parent for i, one in enumerate(whole) if on[i]}
        innermost = [i for i in range(len(whole)) if on[i] and i not in busy]
        for i in innermost:
            shares[i] += Fraction(1, len(innermost))
    return shares


def test_shares_of_a_place_are_all_of_it(tmp_path: Path) -> None:
    """In the answer, too: the rows of an endpoint are 100 % of its mean."""
    store = store_of(tmp_path, *(one for i in range(5) for one in served(i, i * 200, 100, 40)))
    given = answer(store.query, Question())
    front = [row for row in table(given, "hops") if row["place"] == "front POST /claims"]
    assert sum(row["share"] for row in front) == pytest.approx(100, abs=0.1)
    (kind,) = (r for r in table(given, "kinds") if r["which"] == "all" and r["place"].startswith("front"))
    assert (kind["looked_at"], kind["mean_ms"], kind["legacy"]) == (5, 100.0, 40.0)


def test_what_slow_requests_wait_for_is_said(tmp_path: Path) -> None:
    """Two of forty wait 900 ms for the old system: not the typical ones."""
    spans = [one for i in range(38) for one in served(i, i * 10, 100 + i / 100, 40)]
    spans += [one for i in range(38, 40) for one in served(i, i * 10, 1000, 900)]
    found = time_spent(store_of(tmp_path, *spans).query, Question())
    (front,) = (one for one in found if one.place.service == "front")
    assert (front.requests, front.slow.requests, front.missing) == (40, 2, 0)
    assert front.slow.of("legacy") == pytest.approx(90)
    given = answer(Store(tmp_path / "store").query, Question())
    (finding,) = (f for f in given.findings if f.text.startswith("Slow requests of front"))
    assert "860 ms of it is work of old POST /x on the legacy side" in finding.text
    assert finding.correlation_ids == (f"{39:032x}", f"{40:032x}")


def test_what_grew_against_the_period_before_is_said(tmp_path: Path) -> None:
    """The old system takes 50 ms longer than in the ten seconds before."""
    spans = [one for i in range(30) for one in served(i, i * 10 - 10_000, 100, 40)]
    spans += [one for i in range(30, 60) for one in served(i, i * 10, 150, 90)]
    store = store_of(tmp_path, *spans)
    (finding,) = (
        f for f in answer(store.query, WHOLE).findings if f.level == "warning" and "front" in f.text
    )
    assert (
        "take 50 ms longer than in the period before: what grew most, by 50 ms, is work of old"
        in finding.text
    )
    (front,) = (one for one in time_spent(store.query, WHOLE) if one.place.service == "front")
    assert front.before is not None
    assert front.before.mean_ms == pytest.approx(100)
    assert next(iter(front.grew.values())) == pytest.approx(50)


def test_an_endpoint_is_compared_around_its_cutover(tmp_path: Path) -> None:
    """What is before the cutover is before, though it is in the period."""
    endpoint = Endpoint(
        name="submit",
        route="POST /claims",
        serverless=Implementation("front", "POST /claims"),
        cutover="2023-11-14T22:13:25+00:00",
    )
    spans = [one for i in range(30) for one in served(i, i * 10, 100)]
    spans += [one for i in range(30, 60) for one in served(i, 6_000 + i * 10, 200)]
    question = replace(WHOLE, config=Config(endpoints={"submit": endpoint}))
    (front,) = time_spent(store_of(tmp_path, *spans).query, question)
    assert front.endpoint == "submit"
    assert (front.cutover, front.requests) == ("2023-11-14T22:13:25+00:00", 30)
    assert front.before is not None
    assert [front.all.mean_ms, front.before.mean_ms] == pytest.approx([200, 100])


def test_a_moved_endpoint_is_compared_with_the_side_that_served_it(tmp_path: Path) -> None:
    """Before the cutover the old system took 40 ms, after it the function takes 140."""
    endpoint = Endpoint(
        name="submit",
        route="POST /claims",
        legacy=Implementation("old", "POST /claims"),
        serverless=Implementation("front", "POST /claims"),
        cutover="2023-11-14T22:13:25Z",
    )
    old = [server("old", i * 10, i * 10 + 40, side="legacy", trace_id=f"{i + 1:032x}") for i in range(30)]
    spans = [replace(one, event_id=f"old{i}") for i, one in enumerate(old)]
    spans += [one for i in range(30, 60) for one in served(i, 6_000 + i * 10, 140)]
    question = replace(WHOLE, config=Config(endpoints={"submit": endpoint}))
    store = store_of(tmp_path, *spans)
    (front,) = time_spent(store.query, question)
    assert front.before_place is not None
    assert front.before_place.service == "old"
    (finding,) = (f for f in answer(store.query, question).findings if f.level == "warning")
    assert "take 100 ms longer than old POST /claims took before 2023-11-14T22:13:25Z" in finding.text


def test_only_the_endpoints_that_are_asked_for(tmp_path: Path) -> None:
    """Endpoints by their names of observe.yaml, services by theirs."""
    endpoint = Endpoint(name="x", route="POST /x", legacy=Implementation("old", "POST /x"))
    config = Config(endpoints={"x": endpoint})
    store = store_of(tmp_path, *served(0, 0, 100, 40))
    asked = time_spent(store.query, Question(config=config, endpoints=("x",)))
    assert [one.place.service for one in asked] == ["old"]
    assert time_spent(store.query, Question(services=("front",)))[0].place.service == "front"


def test_names_of_parameters_are_no_other_endpoint(tmp_path: Path) -> None:
    """The layer's {id} is the endpoint's {number}."""
    endpoint = Endpoint(name="x", route="GET /x/{number}", serverless=Implementation("f", "ANY /x/{number}"))
    config = Config(endpoints={"x": endpoint})
    store = store_of(tmp_path, server("f", 0, 9, "/x/{id}"), server("g", 0, 9, "/x/{id}"))
    asked = time_spent(store.query, Question(config=config, endpoints=("x",)))
    assert [(one.place.service, one.endpoint) for one in asked] == [("f", "x")]


def test_requests_of_very_many_spans_are_bounded_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of three requests with three spans each, seven spans are two requests."""
    monkeypatch.setattr("subscribers.insight.spent.MOST_NODES", 7)
    spans = [one for i in range(3) for one in served(i, i * 200, 100, 40)]
    store = store_of(tmp_path, *spans)
    (front,) = (one for one in time_spent(store.query, Question()) if one.place.service == "front")
    assert (front.all.requests, front.all.left_out, front.missing) == (2, 1, 0)
    assert any("requests were left out" in note for note in answer(store.query, Question()).notes)


def test_a_trace_that_was_cut_is_said(tmp_path: Path) -> None:
    """Its parts are not all of it."""
    spans = [server("job", 0, 9_000), *(call(f"c{i}", i, i + 1, "job") for i in range(MOST_OF_TRACE))]
    notes = answer(store_of(tmp_path, *spans).query, Question()).notes
    assert any("one of those looked at is longer, and incomplete" in note for note in notes)


def test_places_that_are_left_out_are_counted(tmp_path: Path) -> None:
    """Of 25 routes the 20 with the most time are looked at, and a note tells so."""
    spans = [server(f"f{i}", 0, 1 + i, trace_id=f"{i + 1:032x}") for i in range(25)]
    given = answer(store_of(tmp_path, *spans).query, Question(most=100))
    assert len({row["place"] for row in table(given, "kinds")}) == 20
    assert any("20 places with the most time spent are looked at, of 25" in note for note in given.notes)


def test_nothing_to_compare_with_is_said(tmp_path: Path) -> None:
    """A question without bounds has no period before."""
    given = answer(store_of(tmp_path, *served(0, 0, 100, 40)).query, Question())
    assert any("Nothing is compared with before" in note for note in given.notes)
    assert {row["before_ms"] for row in table(given, "hops")} == {None}


def test_an_empty_store_says_so(tmp_path: Path) -> None:
    """No requests: a sentence instead of rows."""
    given = answer(store_of(tmp_path).query, WHOLE)
    assert {one.empty for one in given.tables} == {"No request with a trace was told in this period."}
