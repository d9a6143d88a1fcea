# ruff: noqa: E501 - tables of cases, one a line
"""Stories: which traces one ID joins, which it must not, and how spans and logs become a tree."""

from __future__ import annotations

from typing import Any

import pytest

from observe.ids import derive_trace_id, derived_span_id
from observe.semconv import LINK_KIND
from subscribers.correlate import Story, related_traces, stories
from subscribers.signals import Link, Span
from tests.subscribers.samples import MS, T0, TRACE, log, span, span_id

SESSION = "session-42"
DERIVED = derive_trace_id(SESSION)
OTHER = "b" * 32
THIRD = "c" * 32


def lost(kind: str = "correlation_id", trace_id: str = DERIVED) -> tuple[Link, ...]:
    """The link of a span that carries a correlation ID beside its trace, as the layer writes it."""
    return (Link(trace_id, derived_span_id(trace_id), {LINK_KIND: kind}),)


def caused_by(*spans: Span) -> tuple[Link, ...]:
    """The links of a batch to the senders of its records."""
    return tuple(Link(s.trace_id, s.span_id, {LINK_KIND: "message"}) for s in spans)


def only(found: list[Story]) -> Story:
    """The one story."""
    assert len(found) == 1
    return found[0]


def names(story: Story) -> list[str]:
    """Names of the spans, in display order, indented by depth."""
    return ["." * node.depth + node.span.name for node in story.spans]


@pytest.mark.parametrize(
    ("asked", "carried"),
    [
        (SESSION, SESSION),
        (f"  {SESSION}\n", SESSION),
        (DERIVED, SESSION),
        ("11111111-2222-4333-8444-555555555555", "11111111-2222-4333-8444-555555555555"),
        ("11111111-2222-4333-8444-555555555555", "11111111222243338444555555555555"),
        ("11111111222243338444555555555555", "11111111-2222-4333-8444-555555555555"),
        ("1-5759e988-bd862e3fe1be46a994272793", "5759e988bd862e3fe1be46a994272793"),
        ("ABCDEF12-2222-4333-8444-555555555555", "abcdef12-2222-4333-8444-555555555555"),
    ],
)
def test_every_notation_of_an_id(asked: str, carried: str) -> None:
    """A correlation ID, a UUID, a trace ID and an X-Ray Root find the same trace in any notation."""
    rows = [span("a", trace_id=derive_trace_id(carried), correlation_id=carried)]
    assert names(only(stories(asked, rows, []))) == ["a"]
    assert derive_trace_id(carried) in related_traces(asked, [], [])


def test_request_id() -> None:
    """Lambda's request ID finds the trace of the invocation, and lines that only carry that."""
    rows = [span("a", request_id="r-1"), span("b", trace_id=OTHER, request_id="r-2")]
    lines = [log("a", request_id="r-1"), log("b", request_id="r-3")]
    assert names(only(stories("r-1", rows, lines))) == ["a"]
    alone = only(stories("r-3", rows, lines))
    assert (alone.spans, [line.event_id for line in alone.logs], alone.trace_ids) == ((), ["log-b"], ())


@pytest.mark.parametrize("asked", ["", "  ", "unknown", "0" * 32])
def test_an_unknown_id(asked: str) -> None:
    """An ID that nothing carries has no story."""
    assert stories(asked, [span("a")], [log("a", trace_id=TRACE)]) == []


@pytest.mark.parametrize("asked", [SESSION, TRACE, DERIVED])
def test_two_ids_one_story(asked: str) -> None:
    """A trace that carries a correlation ID and links to its derived trace is one story with it, from any ID."""
    rows = [
        span("front", 0, 9, side="serverless", correlation_id=SESSION, links=lost()),
        span("legacy", 1, 2, trace_id=DERIVED, correlation_id=SESSION),
    ]
    story = only(stories(asked, rows, [log("a", 1, correlation_id=SESSION, trace_id=DERIVED)]))
    assert names(story) == ["front", "legacy"]
    assert set(story.trace_ids) == {TRACE, DERIVED}
    assert story.correlation_ids == (SESSION,)
    assert not story.recurring
    assert (story.start_unix_nano, story.end_unix_nano) == (T0, T0 + 9 * MS)


def test_two_ids_without_the_link() -> None:
    """The correlation ID alone joins a trace and its derived trace, where no link was told."""
    rows = [span("a", correlation_id=SESSION), span("b", trace_id=DERIVED, correlation_id=SESSION)]
    assert names(only(stories(TRACE, rows, []))) == ["a", "b"]


def test_lost_xray_root_joins() -> None:
    """A trace that X-Ray saw under another ID is one story with it."""
    rows = [span("a", links=lost("xray", OTHER)), span("b", 1, 2, trace_id=OTHER)]
    assert names(only(stories(OTHER, rows, []))) == ["a", "b"]


def test_recurring_correlation_id() -> None:
    """A session's ID in unrelated traces is recognised: each is its own story and says so."""
    rows = [
        span("one", 0, 1, correlation_id=SESSION, links=lost()),
        span("two", 5, 6, trace_id=OTHER, correlation_id=SESSION, links=lost()),
        span("login", 9, 10, trace_id=DERIVED, correlation_id=SESSION),
    ]
    found = stories(SESSION, rows, [])
    assert [names(story) for story in found] == [["one"], ["two"], ["login"]]
    assert all(story.recurring for story in found)
    asked = only(stories(TRACE, rows, []))
    assert (names(asked), asked.recurring) == (["one"], True)


def test_recurring_but_linked() -> None:
    """Traces of one correlation ID that are linked to each other are one story."""
    one = span("one", 0, 1, correlation_id=SESSION, links=lost())
    two = span("two", 5, 6, trace_id=OTHER, correlation_id=SESSION, links=(*lost(), *caused_by(one)))
    rows = [one, two, span("login", 9, 10, trace_id=DERIVED, correlation_id=SESSION)]
    story = only(stories(SESSION, rows, []))
    assert (names(story), story.recurring) == (["one", "two", "login"], False)


@pytest.mark.parametrize("asked", [TRACE, OTHER, THIRD])
def test_links_join_in_both_directions(asked: str) -> None:
    """A chain of links is one story, from whichever end it is asked for."""
    one = span("one")
    two = span("two", 2, 3, trace_id=OTHER, links=caused_by(one))
    three = span("three", 4, 5, trace_id=THIRD, links=caused_by(two))
    assert names(only(stories(asked, [one, two, three], []))) == ["one", "two", "three"]


def test_a_batch_does_not_join_its_records() -> None:
    """A batch belongs to the story of each of its records, and these stay apart; the batch shows all."""
    one, two = span("one", correlation_id="c1"), span("two", 1, 2, trace_id=OTHER, correlation_id="c2")
    batch = span("batch", 5, 6, trace_id=THIRD, links=caused_by(one, two))
    rows = [one, two, batch]
    assert names(only(stories("c1", rows, []))) == ["one", "batch"]
    assert names(only(stories("c2", rows, []))) == ["two", "batch"]
    assert names(only(stories(THIRD, rows, []))) == ["one", "two", "batch"]


def test_unmarked_links() -> None:
    """A link without our mark is a cause where its span is known; one to nowhere means the same request."""
    one = span("one")
    rows = [one, span("two", 2, 3, trace_id=OTHER, links=(Link(TRACE, one.span_id), Link(THIRD, "f" * 16)))]
    rows.append(span("three", 4, 5, trace_id=THIRD))
    assert names(only(stories(THIRD, rows, []))) == ["one", "two", "three"]
    assert names(only(stories(TRACE, rows, []))) == ["one", "two", "three"]


def test_parents_and_order() -> None:
    """Children come below their parent by start; a parent that is not in the store is said to be missing."""
    rows = [
        span("c", 6, 7, parent_span_id=span_id("a")),
        span("b", 1, 5, parent_span_id=span_id("a")),
        span("d", 2, 3, parent_span_id=span_id("b")),
        span("a", 0, 9),
        span("e", 8, 9, parent_span_id="f" * 16),
    ]
    story = only(stories(TRACE, rows, []))
    assert names(story) == ["a", ".b", "..d", ".c", "e"]
    assert [node.parent for node in story.spans] == [-1, 0, 1, 0, -1]
    assert [node.span.name for node in story.spans if node.parent_missing] == ["e"]


def test_cycles_and_repeated_ids() -> None:
    """Circles are cut at their earliest span, spans with one ID stay apart, an event told twice is one."""
    rows = [
        span("a", 1, 2, parent_span_id=span_id("b")),
        span("b", 2, 3, parent_span_id=span_id("a")),
        span("self", 4, 5, parent_span_id=span_id("self")),
        span("x", 6, 7, span_id="9" * 16),
        span("y", 7, 8, span_id="9" * 16),
        span("z", 8, 9, parent_span_id="9" * 16),
    ]
    story = only(stories(TRACE, [*rows, rows[0]], []))
    assert names(story) == ["a", ".b", "self", "x", ".z", "y"]
    assert [node.span.name for node in story.spans if node.parent_missing] == ["a", "self"]


def test_logs_find_their_span() -> None:
    """By span ID, else by stream and request, else by service and time, else to the story."""
    rows = [
        span("front", 0, 9, "submit", "serverless", request_id="r-1"),
        span(
            "call",
            2,
            5,
            "submit",
            "serverless",
            kind="client",
            parent_span_id=span_id("front"),
            request_id="r-1",
        ),
        span("legacy", 3, 4, parent_span_id=span_id("call")),
    ]
    lines = [
        log("4", 3.5, trace_id=TRACE),
        log("1", 3, "submit", "serverless", trace_id=TRACE, span_id=span_id("call")),
        log("3", 8, "submit", "serverless", request_id="r-1"),
        log("2", 1, "submit", "serverless", request_id="r-1"),
        log("5", 20, trace_id=TRACE),
        log("6", 20, "submit", "serverless", request_id="r-2"),
    ]
    story = only(stories(TRACE, rows, lines))
    by_span = {node.span.name: [line.event_id for line in node.logs] for node in story.spans}
    assert by_span == {"front": ["log-2", "log-3"], "call": ["log-1"], "legacy": ["log-4"]}
    assert [line.event_id for line in story.logs] == ["log-5"]


def test_layer_and_platform_told_one_invocation() -> None:
    """The layer's span wins, keeps what only the platform knows, and takes in the platform's children."""
    rows = [
        span("layer", 1, 5, side="serverless", request_id="r", attributes={"a": 1}),
        span(
            "inner", 2, 3, side="serverless", request_id="r", kind="client", parent_span_id=span_id("layer")
        ),
        span(
            "platform",
            0,
            9,
            side="serverless",
            request_id="r",
            told_by="platform",
            trace_id=OTHER,
            status="error",
            status_message="timeout",
            attributes={"a": 2, "billed": 9, "observe.trace_from": "xray"},
        ),
        span("child", 3, 4, parent_span_id=span_id("platform")),
    ]
    story = only(stories(TRACE, rows, []))
    assert names(story) == ["layer", ".inner", ".child"]
    merged = story.spans[0].span
    assert (merged.status, merged.status_message, merged.end_unix_nano) == ("error", "timeout", T0 + 9 * MS)
    assert merged.attributes == {"a": 1, "billed": 9}


def test_platform_stands_in_for_the_layer() -> None:
    """When the layer's span never came, the platform's keeps status and end, and takes in the orphans."""
    rows = [
        span("platform", 0, 9, side="serverless", request_id="r", told_by="platform", status="error"),
        span("inner", 2, 3, side="serverless", request_id="r", kind="client", parent_span_id="e" * 16),
    ]
    story = only(stories(TRACE, rows, []))
    assert names(story) == ["platform", ".inner"]
    assert story.spans[0].span.status == "error"


def test_retries_stay_apart() -> None:
    """Two attempts of one request in one environment are two spans; lines go to the attempt they were written in."""
    rows = [
        span("first", 0, 900, side="serverless", request_id="r", told_by="platform", status="error"),
        span("second", 60_000, 60_100, side="serverless", request_id="r"),
        span("again", 60_000, 60_101, side="serverless", request_id="r", told_by="platform"),
    ]
    lines = [
        log("a", 5, side="serverless", request_id="r"),
        log("b", 60_005, side="serverless", request_id="r"),
    ]
    story = only(stories(TRACE, rows, lines))
    assert names(story) == ["first", "second"]
    assert [[line.event_id for line in node.logs] for node in story.spans] == [["log-a"], ["log-b"]]


def said(story: Story) -> dict[str, list[str]]:
    """Name of a span -> the lines it said; those of nobody under ""."""
    told = {node.span.name: [line.event_id for line in node.logs] for node in story.spans}
    return {
        name: lines for name, lines in {**told, "": [line.event_id for line in story.logs]}.items() if lines
    }


def test_a_line_that_knows_only_the_correlation_id() -> None:
    """The request came with a traceparent too: its span is in another trace, and the line still finds it."""
    rows = [
        span("front", 0, 100, service="api", side="serverless", correlation_id=SESSION, links=lost()),
        span("outer", 10, 90, correlation_id=SESSION, links=lost()),
        span("inner", 40, 60, correlation_id=SESSION, links=lost()),
    ]
    lines = [
        log(name, at, trace_id=DERIVED, correlation_id=SESSION)
        for name, at in [("a", 20), ("b", 50), ("c", 61), ("d", 91.5), ("e", 8), ("f", 93), ("g", 7.9)]
    ]
    assert said(only(stories(SESSION, rows, lines))) == {
        "outer": ["log-e", "log-a", "log-c", "log-d"],
        "inner": ["log-b"],
        "": ["log-g", "log-f"],
    }


def test_slack_does_not_take_from_the_span_that_was_open() -> None:
    """Between two requests a millisecond apart, whoever was open said it."""
    rows = [span("one", 0, 10, correlation_id=SESSION), span("two", 10.5, 20, correlation_id=SESSION)]
    lines = [
        log(name, at, correlation_id=SESSION, trace_id=DERIVED) for name, at in [("a", 9.9), ("b", 10.6)]
    ]
    assert said(only(stories(TRACE, rows, lines))) == {"one": ["log-a"], "two": ["log-b"]}


@pytest.mark.parametrize(
    ("spans", "at", "expected"),
    [
        ([(1000, 1042.5)], 1700, "span-0"),
        ([(1000, 1042.5)], 2043, ""),
        ([(1000, 1042.5), (2000, 2042.5)], 1700, ""),
        ([(1000, 1042.5), (2000, 2042.5)], 500, "span-0"),
        ([(1000, 1042.5), (2000, 2042.5)], 1020, "span-0"),
        ([(1003, 1042.5)], 1700, ""),
    ],
)
def test_lines_beside_a_log_of_whole_seconds(
    spans: list[tuple[float, float]], at: float, expected: str
) -> None:
    """The request was somewhere within a second: the line is its own, if it can be of no other."""
    rows = [span(f"span-{n}", *times) for n, times in enumerate(spans)]
    found = said(only(stories(TRACE, rows, [log("a", at, trace_id=TRACE)])))
    assert found == {expected: ["log-a"]}


@pytest.mark.parametrize(
    "other", [{"service": "policies"}, {"correlation_id": "CLM-2", "trace_id": TRACE}, {"correlation_id": ""}]
)
def test_lines_of_others_are_not_taken(other: dict[str, Any]) -> None:
    """Another service, another correlation ID with its own span, or none at all."""
    rows = [
        span("mine", 0, 9, trace_id=OTHER, correlation_id=SESSION),
        span(
            "theirs",
            0,
            9,
            service="theirs",
            correlation_id="CLM-2",
            links=caused_by(span("mine", trace_id=OTHER)),
        ),
    ]
    line = log("a", 5, **{"trace_id": DERIVED, "correlation_id": SESSION, **other})
    for story in stories(OTHER, rows, [line]):
        assert "log-a" not in said(story).get("mine", [])


def test_a_traceparent_in_a_line_names_the_callers_span() -> None:
    """The service's own span said it, where there is one."""
    rows = [span("caller", 0, 9, service="api"), span("own", 1, 8, parent_span_id=span_id("caller"))]
    lines = [log(name, at, trace_id=TRACE, span_id=span_id("caller")) for name, at in [("a", 5), ("b", 50)]]
    assert said(only(stories(TRACE, rows, lines))) == {"own": ["log-a"], "caller": ["log-b"]}


def test_long_chains() -> None:
    """Fifty thousand spans, one below the other, are a tree too, soon and without recursion."""
    rows = [
        span(str(i), i, i + 1, span_id=f"{i:016x}", parent_span_id=f"{i - 1:016x}" if i else "")
        for i in range(50_000)
    ]
    story = only(stories(TRACE, rows, []))
    assert story.spans[-1].depth == 49_999
