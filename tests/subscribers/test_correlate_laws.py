# ruff: noqa: E501 - tables of cases, one a line
"""Laws of stories, over arbitrary spans and logs."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from observe.ids import derive_trace_id
from observe.semconv import LINK_KIND
from subscribers.correlate import stories
from subscribers.signals import Link, Log, Span
from tests.subscribers.samples import TRACE, log, span, span_id
from tests.subscribers.test_correlate import DERIVED, OTHER, SESSION, THIRD

TRACES = st.sampled_from([TRACE, OTHER, THIRD, DERIVED, ""])
IDS = st.sampled_from([span_id(name) for name in "abcdef"] + [""])
CORRELATIONS = st.sampled_from(["", SESSION, "other", TRACE])
REQUESTS = st.sampled_from(["", "r-1", "r-2"])
SIDES = st.sampled_from(["legacy", "serverless"])
KINDS = st.sampled_from(["correlation_id", "xray", "message", "odd", None])


@st.composite
def graphs(draw: Any) -> tuple[list[Span], list[Log]]:
    """Spans and logs with arbitrary parents, links, IDs and times."""
    links = st.lists(
        st.builds(lambda t, s, k: Link(t, s, {LINK_KIND: k} if k else {}), TRACES, IDS, KINDS), max_size=3
    ).map(tuple)
    rows = [
        span(
            str(i),
            draw(st.integers(-5, 20)),
            draw(st.integers(-5, 20)),
            side=draw(SIDES),
            trace_id=draw(TRACES),
            span_id=draw(IDS),
            parent_span_id=draw(IDS),
            correlation_id=draw(CORRELATIONS),
            request_id=draw(REQUESTS),
            kind=draw(st.sampled_from(["server", "client"])),
            told_by=draw(st.sampled_from(["layer", "platform", "access_log"])),
            links=draw(links),
        )
        for i in range(draw(st.integers(0, 8)))
    ]
    lines = [
        log(str(i), draw(st.integers(0, 9)), side=draw(SIDES), trace_id=draw(TRACES), span_id=draw(IDS), correlation_id=draw(CORRELATIONS), request_id=draw(REQUESTS))
        for i in range(draw(st.integers(0, 4)))
    ]  # fmt: skip
    return rows, lines


@given(graphs(), st.sampled_from([TRACE, OTHER, DERIVED, SESSION, "r-1", "other", "nothing"]))
def test_laws_of_stories(graph: tuple[list[Span], list[Log]], asked: str) -> None:
    """On any graph: it ends; a span or log is in its story once; nothing of the asked trace is lost; parents precede."""
    rows, lines = graph
    found = stories(asked, rows, lines)
    for story in found:
        told = [node.span.event_id for node in story.spans]
        assert len(told) == len(set(told))
        said = [
            line.event_id for line in (*story.logs, *(line for node in story.spans for line in node.logs))
        ]
        assert len(said) == len(set(said))
        for place, node in enumerate(story.spans):
            assert node.parent < place
            assert node.depth == (story.spans[node.parent].depth + 1 if node.parent >= 0 else 0)
    wanted = {s.event_id for s in rows if s.trace_id == derive_trace_id(asked) and s.told_by != "platform"}
    wanted |= {line.event_id for line in lines if line.trace_id == derive_trace_id(asked)}
    shown = {node.span.event_id for story in found for node in story.spans}
    shown |= {line.event_id for story in found for node in story.spans for line in node.logs}
    shown |= {line.event_id for story in found for line in story.logs}
    assert wanted <= shown


@given(graphs())
def test_order_of_rows_does_not_matter(graph: tuple[list[Span], list[Log]]) -> None:
    """The same rows in another order tell the same stories."""
    rows, lines = graph
    assert stories(SESSION, rows, lines) == stories(SESSION, rows[::-1], lines[::-1])
