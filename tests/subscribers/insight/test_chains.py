"""Who calls whom, how deep, in circles, and what waiting costs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import semconv
from subscribers.config import EMPTY, loads
from subscribers.insight.answer import Answer, Question
from subscribers.insight.calls import Place, stitched
from subscribers.insight.chains import answer, call_chains
from subscribers.insight.chains_graph import Circle, chains, circles, depths, edges
from subscribers.insight.chains_sample import MOST_OF_TRACE, sampled
from subscribers.insight.chains_waiting import Nested, Size, Sizes, nested, sizes, waiting, waits
from subscribers.signals import Link, Signal, Span
from subscribers.store import Store
from tests.subscribers.insight.test_calls import call, hybrid, only, server, told
from tests.subscribers.samples import MS, TRACE, origin, span, span_id


def store_of(path: Path, *signals: Signal) -> Store:
    """A store that holds these."""
    store = Store(path / "store")
    store.append(signals)
    return store


def chain(*services: str, trace_id: str = TRACE, side: str = "serverless") -> list[Span]:
    """Functions that each call the next one over HTTP and wait for it."""
    spans: list[Span] = []
    above, last = "", 100 * len(services)
    for i, service in enumerate(services):
        name = f"{i}-{service}"
        more: dict[str, Any] = {
            "service": service,
            "trace_id": trace_id,
            "correlation_id": f"id-{trace_id[0]}",
        }
        spans.append(server(name, 10 * i, last - 10 * i, above=above, **more))
        if i < len(services) - 1:
            above = f"c{i}-{service}"
            spans.append(call(above, 10 * i + 4, last - 10 * i - 4, name, **more))
    return [replace(one, event_id=f"{trace_id[0]}-{one.name}") for one in spans]


def table(given: Answer, name: str) -> list[dict[str, Any]]:
    """The rows of an answer's table, by the names of its columns."""
    (found,) = (one for one in given.tables if one.name == name)
    return [dict(zip([c.name for c in found.columns], row, strict=True)) for row in found.rows]


def test_edges_tell_how_often_and_in_which_way() -> None:
    """One synchronous call of the legacy side, one message to a function."""
    front = Place("serverless", "front", "POST /claims")
    told = {(edge.caller, edge.callee.service, edge.way, edge.calls) for edge in edges([only(*hybrid())])}
    assert told == {(front, "old", "synchronous", 1), (front, "back", "asynchronous", 1)}


def test_a_batch_was_sent_by_those_it_links_to() -> None:
    """The function that reads a batch has no parent: its links tell who sent the messages."""
    sender = [server("front", 0, 50), span("send", 5, 9, "front", "serverless", kind="producer",
                                            parent_span_id=span_id("front"))]  # fmt: skip
    link = Link(TRACE, span_id("send"), {semconv.LINK_KIND: "message 1"})
    batch = span("batch", 60, 70, "back", "serverless", kind="consumer", trace_id="e" * 32, links=(link,))
    (edge,) = edges(stitched([*sender, batch]))
    assert (edge.caller.service, edge.callee.service, edge.way) == ("front", "back", "asynchronous")


def test_a_message_does_not_add_to_depth() -> None:
    """The function waits for the old system, not for who reads its message."""
    (found,) = chains([only(*hybrid())])
    assert [place.service for place in found.path] == ["front", "old"]
    assert {depth.place.service: depth.most for depth in depths([only(*hybrid())])} == {"front": 2, "back": 1}


@given(st.integers(min_value=1, max_value=9))
def test_depth_is_the_number_of_requests_that_wait_on_one_another(count: int) -> None:
    """Law: a line of n services is n deep."""
    trace = only(*chain(*(f"f{i}" for i in range(count))))
    assert [depth.most for depth in depths([trace])] == [count]


def test_three_functions_in_a_row_are_a_finding_with_ids(tmp_path: Path) -> None:
    """Synchronous Lambda pinball is told with its path, its cost in time and a correlation ID."""
    sizes = (told("memory_size", 1024, service, kind="gauge") for service in "abc")
    store = store_of(tmp_path, *chain("a", "b", "c"), *chain("a", "b", "c", trace_id="b" * 32), *sizes)
    (finding,) = (f for f in answer(store.query, Question()).findings if f.level == "warning")
    assert "2 requests waited through 3 services, 3 of them functions: a POST /claims > b" in finding.text
    assert finding.correlation_ids == ("id-a", "id-b")
    # b is billed 280 ms, c 260 ms, while a waits.
    assert finding.evidence["nested_billed_ms"] == 280 + 260
    assert finding.text.endswith("540 ms are billed a request while callers wait, about 0.000009 USD.")


def test_two_services_are_none(tmp_path: Path) -> None:
    """A function in front of the old system is what a migration looks like."""
    given = answer(store_of(tmp_path, *hybrid()).query, Question())
    assert not [finding for finding in given.findings if finding.level in ("warning", "bad")]
    assert "No request waits through 3 services or more." in [finding.text for finding in given.findings]


def test_who_was_not_told_is_inferred_in_the_finding() -> None:
    """Reports alone: functions whose times lie in each other's and that share a correlation ID."""
    reports = [
        span(f"f{i}", 50 * i, 1000 - 50 * i, f"f{i}", "serverless", told_by="platform", trace_id=TRACE)
        for i in range(3)
    ]
    (found,) = chains([only(*reports)])
    assert (found.depth, found.inferred) == (3, 1)
    assert all(edge.inferred == 1 for edge in edges([only(*reports)]))


def test_a_request_that_comes_back_is_a_circle(tmp_path: Path) -> None:
    """A calls B, which calls A: told with an example, and as waited for."""
    given = answer(store_of(tmp_path, *chain("a", "b", "a")).query, Question())
    (finding,) = (f for f in given.findings if "came back" in f.text)
    assert "a > b > a" in finding.text
    assert (finding.level, finding.correlation_ids) == ("warning", ("id-a",))


def test_a_function_that_calls_itself_is_a_circle_and_a_legacy_log_is_not() -> None:
    """A web server and its application write one request each into logs of one service."""
    (found,) = circles([only(*chain("a", "a"))], [])
    assert found.services == ("a", "a")
    outer = server("web", 0, 9, side="legacy", service="old")
    inner = server("app", 1, 8, side="legacy", service="old", above="web")
    assert circles([only(outer, inner)], []) == []


def test_a_circle_of_the_graph_alone_is_told_as_such() -> None:
    """A calls B in one request, B calls A in another."""
    traces = stitched([*chain("a", "b"), *chain("b", "a", trace_id="b" * 32)])
    assert circles(traces, edges(traces)) == [Circle(services=("a", "b", "a"), synchronous=True)]


def test_parallel_calls_cost_their_time_once() -> None:
    """Two calls of 50 ms at the same time: the function waited 50 ms, half for each side."""
    trace = only(
        server("front", 0, 100),
        call("one", 10, 60, "front"),
        call("two", 10, 60, "front"),
        server("old", 10, 60, side="legacy", above="one"),
        server("back", 10, 60, above="two"),
    )
    first = waits(trace)[0]
    assert first == {"functions": 25 * MS, "legacy": 25 * MS, "aws": 0, "elsewhere": 0}


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100)), max_size=8))
def test_waiting_is_never_more_than_the_union_of_the_calls(times: list[tuple[int, int]]) -> None:
    """Law: what a function waits is the union of its calls' intervals within its own."""
    calls = [call(f"c{i}", min(t), max(t), "front") for i, t in enumerate(times)]
    trace = only(server("front", 20, 80), *calls)
    at = next(i for i, one in enumerate(trace.visits) if one.place.service == "front")
    union = {ms for t in times for ms in range(max(min(t), 20), min(max(t), 80))}
    assert sum(waits(trace)[at].values()) == len(union) * MS


def test_services_of_aws_and_strangers_are_told_apart() -> None:
    """A bucket is AWS's; a host that nobody tells of is somebody else."""
    bucket = {semconv.AWS_S3_BUCKET: "claims"}
    trace = only(
        server("front", 0, 100),
        call("PutObject", 10, 20, "front", attributes=bucket),
        call("POST", 30, 35, "front"),
    )
    assert waits(trace) == [{"functions": 0, "legacy": 0, "aws": 10 * MS, "elsewhere": 5 * MS}]


def test_money_is_waiting_by_memory_by_price(tmp_path: Path) -> None:
    """40 ms at 1 GiB and 0.25 USD a GB-second are one cent; the price is in a note."""
    config = loads(
        "version: 1\nservices:\n  front: {side: serverless, log_groups: [/f],"
        " price: {usd_per_gb_second: 0.25}}\n"
    )
    spans = [server("front", 0, 100), call("post", 10, 50, "front"),
             server("old", 15, 45, side="legacy", above="post")]  # fmt: skip
    store = store_of(tmp_path, *spans, told("memory_size", 1024, "front", kind="gauge"))
    question = Question(config=config)
    (found,) = waiting([only(*spans)], sizes(store.query, question), config)
    assert found.usd_legacy == pytest.approx(0.01)
    assert found.usd_functions == pytest.approx(0.0)
    (row,) = table(answer(store.query, question), "waiting")
    assert (row["share"], row["legacy_ms"], row["usd_legacy"]) == (40.0, 40.0, pytest.approx(0.01))
    notes = answer(store.query, question).notes
    assert any("Used: 0.25 USD a GB-second, of observe.yaml, x86_64 (front)." in note for note in notes)


def test_without_a_report_what_waiting_costs_is_unknown_and_said(tmp_path: Path) -> None:
    """No memory size, no price: None instead of a guess."""
    given = answer(store_of(tmp_path, *hybrid()).query, Question())
    assert all(row["usd_legacy"] is None for row in table(given, "waiting"))
    assert any("No report tells the memory of back, front" in note for note in given.notes)


def test_nothing_is_fine_where_a_trace_was_cut(tmp_path: Path) -> None:
    """What was not read may be deep."""
    spans = [server("job", 0, 9_000)]
    spans += [call(f"c{i}", i, i + 1, "job") for i in range(MOST_OF_TRACE)]
    given = answer(store_of(tmp_path, *spans).query, Question())
    assert [finding for finding in given.findings if finding.level == "ok"] == []
    assert any("incomplete" in note for note in given.notes)


def test_what_a_correlation_id_joins_is_not_scaled_up(tmp_path: Path) -> None:
    """Each request has two traces, of which one is drawn: sums are of the drawn ones' own invocations."""
    spans = []
    for i in range(20):
        more = {"correlation_id": f"id-{i}"}
        spans += [
            server("front", 0, 100, trace_id=f"{i + 1:032x}", **more),
            call("post", 10, 50, "front", trace_id=f"{i + 1:032x}", **more),
            server("old", 15, 45, side="legacy", above="post", trace_id=f"{i + 1:032x}", **more),
            span("back", 90, 95, "back", "serverless", kind="consumer", trace_id=f"{i + 99:032x}", **more),
        ]
    store = store_of(tmp_path, *(replace(one, event_id=f"{n}") for n, one in enumerate(spans)))
    sample = sampled(store.query, Question(), most=10)
    told = {one.service: one.invocations for one in waiting(sample.traces, Sizes(), EMPTY, sample.drawn)}
    assert sum(told.values()) * sample.scale == 40
    assert sum(one.invocations for one in waiting(sample.traces, Sizes(), EMPTY)) > 10


def test_functions_of_one_service_have_their_own_memory(tmp_path: Path) -> None:
    """Each function's waiting is priced by its own size, whoever reported last."""
    spans, sizes_told = [], []
    for i, (name, size) in enumerate((("small", 128), ("large", 1024))):
        trace_id, place = (
            f"{i + 1:032x}",
            replace(origin("svc", "serverless"), log_group=f"/aws/lambda/{name}"),
        )
        one = server("svc", 0, 100, trace_id=trace_id)
        other = call("post", 0, 50, "svc", trace_id=trace_id, attributes={semconv.FAAS_INVOKED_NAME: "x"})
        spans += [replace(s, origin=place, event_id=f"{name}{s.name}") for s in (one, other)]
        report = told("memory_size", size, name, i, kind="gauge", origin=place)
        sizes_told.append(report)
    given = answer(store_of(tmp_path, *spans, *sizes_told).query, Question())
    rows = {row["function"]: row for row in table(given, "waiting")}
    assert (rows["small"]["size_mb"], rows["large"]["size_mb"]) == (128, 1024)
    assert rows["large"]["usd_functions"] == pytest.approx(8 * rows["small"]["usd_functions"])
    assert any("svc (small) waits" in finding.text for finding in given.findings)


def test_a_finding_with_a_price_is_an_estimate(tmp_path: Path) -> None:
    """Depth alone is measured; with dollars it rests on a price."""
    spans = chain("a", "b", "c")
    (measured,) = (f for f in answer(store_of(tmp_path / "1", *spans).query, Question()).findings
                   if f.text.startswith("1 request waited through"))  # fmt: skip
    told_sizes = (told("memory_size", 1024, service, kind="gauge") for service in "abc")
    store = store_of(tmp_path / "2", *spans, *told_sizes)
    (priced,) = (
        f for f in answer(store.query, Question()).findings if f.text.startswith("1 request waited through")
    )
    assert (measured.basis, priced.basis) == ("measured", "estimated")


def test_a_function_that_mostly_waits_is_said(tmp_path: Path) -> None:
    """More than half of the time of front is spent on a call of another function."""
    store = store_of(tmp_path, *chain("front", "back"), told("memory_size", 512, "front", kind="gauge"))
    (finding,) = (f for f in answer(store.query, Question()).findings if f.basis == "estimated")
    assert "front waits 96 % of its time for others: 192.0 ms an invocation for functions" in finding.text


def test_nested_time_is_that_of_functions_that_somebody_waits_for() -> None:
    """The old system is not billed, and who reads a message is waited for by nobody."""
    assert nested(only(*hybrid()), Sizes(), EMPTY) == {0: Nested(), 2: Nested()}
    assert nested(only(*chain("a", "b")), Sizes(), EMPTY) == {0: Nested(180.0, None)}
    known = Sizes({("b", "b"): Size(1024, "eu-west-1")})
    (below,) = nested(only(*chain("a", "b")), known, EMPTY).values()
    assert below.usd == pytest.approx(0.180 * 0.0000166667)


def test_only_what_is_asked_for_is_told(tmp_path: Path) -> None:
    """A question about one service has the chains that it is part of."""
    store = store_of(tmp_path, *chain("a", "b"), *chain("x", "y", trace_id="b" * 32))
    found = call_chains(store.query, Question(services=("b",)))
    assert [edge.callee.service for edge in found.edges] == ["b"]


def test_an_empty_store_says_why(tmp_path: Path) -> None:
    """No requests: tables with a reason, and no finding that all is well."""
    given = answer(store_of(tmp_path).query, Question())
    assert given.findings == ()
    assert {one.empty for one in given.tables if not one.rows} >= {"No request was told in this period."}


def test_a_deep_line_of_requests_does_not_overflow() -> None:
    """Hundreds of requests within each other are counted like any other."""
    count = 400
    spans = [
        server(f"s{i}", i / 10, 200 - i / 10, above=f"s{i - 1}" if i else "", service=f"s{i}")
        for i in range(count)
    ]
    (found,) = depths(stitched(spans))
    assert found.most == count
