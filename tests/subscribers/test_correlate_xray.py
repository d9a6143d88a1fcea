"""Functions without the layer: X-Ray's trace is theirs where nobody knows better."""

from __future__ import annotations

import json
from itertools import permutations
from typing import Any

import pytest

from observe.semconv import LINK_KIND
from subscribers.correlate import Story, stories
from subscribers.parsers.platform_signals import TRACE_FROM
from subscribers.signals import Link, Log, Span
from tests.subscribers.lambda_stream import END, REPORT, REQUEST, SPAN, START, T0_MS, TRACE, logs, spans, told
from tests.subscribers.samples import MS, span, span_id
from tests.subscribers.test_correlate import only

ROOT = "5f84c3a10123456789abcdef01234567"
XRAY = "XRAY TraceId: 1-5f84c3a1-0123456789abcdef01234567\tSegmentId: 0123456789abcdef\tSampled: true\t\n"
OURS = json.dumps(
    {"level": "INFO", "message": "ours", "requestId": REQUEST, "service": "claims", "trace_id": TRACE}
    | {"span_id": SPAN, "correlation_id": "CLM-1"}
)
NEAR: dict[str, Any] = {"start_unix_nano": T0_MS * MS - 20 * MS, "end_unix_nano": T0_MS * MS + 9 * MS}


def caller(trace_id: str, *links: Link) -> list[Span]:
    """An instrumented function and its call of one that is not."""
    front = span("front", service="submit", side="serverless", trace_id=trace_id, links=links, **NEAR)
    call: dict[str, Any] = {"kind": "client", "trace_id": trace_id, "parent_span_id": span_id("front")}
    invoked = {"faas.invoked_name": "claims"}
    return [
        front,
        span("invoke", service="submit", side="serverless", attributes=invoked, **call, **NEAR),
    ]


def shape(story: Story) -> list[tuple[str, int, int]]:
    """Name, depth and number of lines of each span."""
    return [(node.span.name, node.depth, len(node.logs)) for node in story.spans]


@pytest.mark.parametrize("asked", [ROOT, "1-5f84c3a1-0123456789abcdef01234567", REQUEST])
def test_the_callers_trace_is_xrays(asked: str) -> None:
    """It had no correlation ID and took the Root: the function it called is in the same story."""
    callee = told(START, "print", END, REPORT + XRAY)
    story = only(stories(asked, [*caller(ROOT), *spans(callee)], logs(callee)))
    assert shape(story) == [("front", 0, 0), ("invoke", 1, 0), ("claims", 2, 4)]
    assert story.spans[2].inferred


@pytest.mark.parametrize("asked", [ROOT, TRACE])
def test_the_caller_links_to_xray(asked: str) -> None:
    """It had a trace, and lost X-Ray's, which the function it called has."""
    callee = told("print", END, REPORT + XRAY)
    links = Link(ROOT, "0" * 15 + "1", {LINK_KIND: "xray"})
    story = only(stories(asked, [*caller(TRACE, links), *spans(callee)], logs(callee)))
    assert shape(story) == [("front", 0, 0), ("invoke", 1, 0), ("claims", 2, 3)]
    assert set(story.trace_ids) == {ROOT, TRACE}


def test_lines_have_it_where_all_are_here() -> None:
    """Then none of ours can come; the span says where its trace is from."""
    whole, cut = told(START, "print", END, REPORT + XRAY), told("print", END, REPORT + XRAY)
    assert {log.trace_id for log in logs(whole)} == {ROOT}
    assert {log.trace_id for log in logs(cut)} == {""}
    assert [s.attributes[TRACE_FROM] for s in (*spans(whole), *spans(cut))] == ["xray", "xray"]
    ours = told(START, OURS, END, REPORT + XRAY)
    assert TRACE_FROM not in spans(ours)[0].attributes
    assert {log.trace_id for log in logs(ours)} == {TRACE}


@pytest.mark.parametrize("asked", [ROOT, TRACE, REQUEST, "CLM-1"])
def test_our_lines_came_in_another_payload(asked: str) -> None:
    """They know better: all of the invocation is of their trace, and X-Ray's leads there, too."""
    start = {"requestId": REQUEST, "tracing": {"value": "Root=1-5f84c3a1-0123456789abcdef01234567"}}
    first = told(json.dumps({"time": "", "type": "platform.start", "record": start}), OURS)
    second = told("x", "y", "print", END, REPORT + XRAY)
    assert [s.trace_id for s in spans(second)] == [ROOT]
    story = only(stories(asked, spans(second), [*logs(first), *logs(second)]))
    assert shape(story) == [("claims", 0, 7)]
    assert story.trace_ids == (TRACE,)


def test_the_first_line_that_knows_it_counts() -> None:
    """The contexts of a batch's records come later; the order in which rows are read does not matter."""
    late = spans(told("x", "y", "z", END, REPORT + XRAY))
    record = json.dumps({**json.loads(OURS), "trace_id": "b" * 32, "message": "record"})
    lines = logs(told(START, OURS, record))
    for order in permutations(lines):
        (story,) = stories(REQUEST, late, order)[:1]
        assert story.trace_ids == (TRACE,)
        assert len(stories(REQUEST, late, order)) == 2


def test_a_line_of_another_trace_in_an_invocation() -> None:
    """A logger that knows a trace, but no span, wrote of this invocation; its trace finds it."""
    own = spans(told(START, OURS, END, REPORT))
    foreign = json.dumps({"level": "INFO", "message": "foreign", "requestId": REQUEST, "trace_id": "b" * 32})
    lines: list[Log] = logs(told(START, foreign))
    assert lines[1].trace_id == "b" * 32
    story = only(stories("b" * 32, own, lines))
    assert (story.trace_ids, shape(story)) == ((TRACE,), [("claims", 0, 2)])
