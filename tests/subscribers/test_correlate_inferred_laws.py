"""Laws of inference, over arbitrary spans."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from observe.semconv import CLOCK_SKEW_MS
from subscribers.correlate import stories
from subscribers.correlate_clock import tolerance_ns
from subscribers.correlate_forest import ROOT
from subscribers.correlate_inferred import infer
from subscribers.signals import ENTRY_KINDS, Span
from tests.subscribers.samples import TRACE, span, span_id
from tests.subscribers.test_correlate import DERIVED, SESSION, lost

NAMES = "abcdefghij"
TIMES = st.sampled_from([0, 0.001, 1.5, 10, 10.001, 20.3, 30, 999.9, 1000, 1000.7, 1999, 2500.25])
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "http.request.method": st.sampled_from(["GET", "POST", 7]),
        "url.path": st.sampled_from(["/a", "/b"]),
        "url.full": st.sampled_from(["http://h/a", "http://i/b"]),
        "server.address": st.sampled_from(["h", "i"]),
        "http.response.status_code": st.sampled_from([200, 302, 503]),
        "faas.invoked_name": st.just("b"),
        CLOCK_SKEW_MS: st.sampled_from([5, 2000]),
    },
)


@st.composite
def told(draw: Any) -> list[Span]:
    """Spans of one request: three services, any parents, clocks, kinds and tellers."""
    rows = []
    for name in NAMES[: draw(st.integers(0, len(NAMES)))]:
        service = draw(st.sampled_from("abc"))
        start = draw(TIMES)
        knows_trace = draw(st.booleans())
        rows.append(
            span(
                name,
                start,
                start + draw(TIMES),
                service,
                draw(st.sampled_from(["legacy", "serverless"])),
                trace_id=TRACE if knows_trace else DERIVED,
                links=lost() if knows_trace else (),
                correlation_id=SESSION,
                kind=draw(st.sampled_from(["server", "server", "client", "client", "consumer"])),
                told_by=draw(st.sampled_from(["layer", "access_log", "platform"])),
                parent_span_id=draw(st.sampled_from(["", "", "", *map(span_id, NAMES)])),
                status=draw(st.sampled_from(["unset", "error"])),
                attributes=draw(ATTRIBUTES),
            )
        )
    return rows


def is_within(inner: Span, outer: Span) -> bool:
    """Whether it is, as far as the clocks can tell; of a call that failed, whether it began in it.

    A call may have ended a moment before.
    """
    off = tolerance_ns(inner, outer)
    first, last = outer.start_unix_nano - off, outer.end_unix_nano + off
    later = last + 20_000_000 if outer.kind == "client" else last
    gave_up = outer.kind == "client" and outer.status == "error"
    ends = inner.end_unix_nano <= later or (gave_up and inner.start_unix_nano <= last)
    return first <= inner.start_unix_nano and ends


@given(told())
def test_laws_of_inference(rows: list[Span]) -> None:
    """Each span once, parents first; a told parent that is there stays; what is inferred lies in its own."""
    for story in stories(SESSION, rows, []):
        nodes = story.spans
        assert sorted(node.span.event_id for node in nodes) == sorted(row.event_id for row in rows)
        ids = {node.span.span_id for node in nodes}
        for place, node in enumerate(nodes):
            assert node.parent < place
            parent = nodes[node.parent].span if node.parent != ROOT else None
            if not node.inferred:
                told_parent = "" if node.parent_missing else node.span.parent_span_id
                assert (parent.span_id if parent else "") == told_parent
                continue
            assert parent is not None
            assert node.span.kind == "server"
            assert node.parent_missing == bool(node.span.parent_span_id)
            assert (
                not node.parent_missing or node.span.parent_span_id not in ids or _in_circle(node.span, rows)
            )
            assert parent.origin.service != node.span.origin.service
            assert is_within(node.span, parent)


def _in_circle(start: Span, rows: list[Span]) -> bool:
    """Whether a span's told parents lead back to it."""
    parents = {row.span_id: row.parent_span_id for row in rows}
    at = parents[start.span_id]
    for _ in rows:
        if at == start.span_id:
            return True
        at = parents.get(at, "")
    return False


@given(told(), st.randoms(use_true_random=False))
def test_order_does_not_matter(rows: list[Span], random: Any) -> None:
    """The same spans in another order have the same parents."""
    shuffled = random.sample(rows, len(rows))
    assert stories(SESSION, shuffled, []) == stories(SESSION, rows, [])


@given(told())
def test_a_call_has_one_request(rows: list[Span]) -> None:
    """Of several that it made only one was not told to ask again."""
    for story in stories(SESSION, rows, []):
        for place, node in enumerate(story.spans):
            made = [n for n in story.spans if n.parent == place and n.span.kind in ENTRY_KINDS]
            if node.span.kind == "client" and len(made) > 1 and any(n.inferred for n in made):
                codes = [n.span.attributes.get("http.response.status_code") for n in made]
                assert sum(code not in (302, 503) for code in codes) <= 1


@given(told(), told())
def test_other_requests_are_left_alone(rows: list[Span], others: list[Span]) -> None:
    """Nothing gets a parent of another request, and nothing is found that would not be without it."""
    alone = sorted(rows, key=lambda row: (row.start_unix_nano, row.span_id))
    both = [*alone, *others]
    requests = ["one"] * len(alone) + ["other"] * len(others)
    parents, together = [ROOT] * len(alone), [ROOT] * len(both)
    found, all_found = infer(alone, parents, requests[: len(alone)]), infer(both, together, requests)
    assert together[: len(alone)] == parents
    assert {i for i in all_found if i < len(alone)} == found


@st.composite
def fan_outs(draw: Any) -> tuple[list[Span], dict[str, str]]:
    """Calls at a time, all alike, and the requests of each in a log of seconds or of milliseconds.

    Some are behind a proxy, some wrote no log, some tell their parent. Returns the spans, and who made each.
    """
    step = draw(st.sampled_from([1000, 1]))
    latency = st.floats(0, 4)
    rows, made_by = [], {}
    for n in range(draw(st.integers(1, 4))):
        start, took = draw(st.floats(0, 900 if step > 1 else 100)), draw(st.floats(20, 400))
        rows.append(
            span(f"call{n}", start, start + took, "front", "serverless", kind="client", attributes=ALIKE)
        )
        end, parent = start + took, f"call{n}"
        services = draw(st.sampled_from([[], ["a"], ["b"], [f"s{n}"], ["proxy", "a"], ["proxy", f"s{n}"]]))
        for service in services:
            start, end = start + draw(latency), end - draw(latency)
            stamped = start // step * step
            told_parent = {"parent_span_id": span_id(parent)} if draw(st.integers(0, 3)) == 0 else {}
            name = f"{service}{n}"
            rows.append(span(name, stamped, stamped + end - start, service, attributes=ALIKE, **told_parent))
            made_by[name] = parent
            parent = name
    return rows, made_by


ALIKE = {"http.request.method": "POST", "url.path": "/quote"}


@settings(max_examples=500)
@given(fan_outs())
def test_no_guess_is_wrong(case: tuple[list[Span], dict[str, str]]) -> None:
    """Whatever goes on at a time: a request has the parent that made it, or none."""
    rows, made_by = case
    for story in stories(TRACE, rows, []):
        for node in story.spans:
            if node.inferred:
                assert story.spans[node.parent].span.name == made_by[node.span.name]
