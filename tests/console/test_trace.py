# ruff: noqa: E501 - lines of output and tables of cases, as they are
"""A trace on a terminal: what is found of an ID, and how it reads."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from console.story_json import as_json as to_json
from console.trace import find
from console.waterfall import MAX_LOGS, render
from console.words import instant, milliseconds
from observe.ids import derive_trace_id, derived_span_id
from observe.semconv import LINK_KIND
from subscribers.correlate import Story, stories
from subscribers.signals import Link, Signal
from subscribers.store import Store
from subscribers.store_errors import NoStore
from tests.subscribers.samples import T0, TRACE, log, span, span_id

CLAIM = "claim-889123"
DERIVED = derive_trace_id(CLAIM)
OTHER = "b" * 32


def request() -> list[Signal]:
    """One request over both sides: a failing function, the legacy application behind it, a consumer that timed out."""
    return [
        span(
            "POST /claims",
            0,
            900,
            "submit",
            "serverless",
            request_id="r-1",
            correlation_id=CLAIM,
            status="error",
            status_message="[red]policy[/red] is locked",
            attributes={
                "faas.coldstart": True,
                "http.response.status_code": 502,
                "error.type": "PolicyError",
            },
            links=(Link(DERIVED, derived_span_id(DERIVED), {LINK_KIND: "correlation_id"}),),
        ),
        span("GET", 100, 600, "submit", "serverless", kind="client", parent_span_id=span_id("POST /claims")),
        span(
            "GET /policies/{id}",
            120,
            560,
            parent_span_id=span_id("GET"),
            attributes={"http.response.status_code": 200},
        ),
        span(
            "claims-queue process",
            1200,
            4200,
            "assess",
            "serverless",
            kind="consumer",
            told_by="platform",
            request_id="r-2",
            parent_span_id="f" * 16,
            status="error",
            status_message="timeout",
        ),
        log("1", 5, "submit", "serverless", level="INFO", message="claim received", request_id="r-1"),
        log("2", 300, level="WARN", message="slow query", trace_id=TRACE),
        log(
            "3",
            890,
            "submit",
            "serverless",
            level="ERROR",
            message="failed \x1b[31mred\x1b[0m [bold]x[/bold]\r\nnext" + "!" * 300,
            request_id="r-1",
            error_type="PolicyError",
            error_message="locked",
        ),
        log("4", 5000, "mainframe", message="NIGHTLY-RECON 日本語", correlation_id=CLAIM),
    ]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """A store with one request, and another that has nothing to do with it."""
    store = Store(tmp_path / "store")
    store.append([*request(), span("else", trace_id=OTHER, service="other"), log("else", trace_id=OTHER)])
    return store


def printed(story: Story, width: int = 80, encoding: str = "utf-8", *, colour: bool = False) -> list[str]:
    """The lines of a rendered story."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(
        file=file,
        width=width,
        force_terminal=colour,
        color_system="truecolor" if colour else None,
        _environ={},
    )
    render(story, console)
    file.flush()
    return raw.getvalue().decode(encoding).splitlines()


@pytest.mark.parametrize("asked", [CLAIM, TRACE, DERIVED, "r-1", "r-2", f" {CLAIM} "])
def test_any_id_finds_the_story(store: Store, asked: str) -> None:
    """Correlation ID, trace ID, derived trace ID and request ID each find the whole story in the store."""
    (story,) = find(store, asked)
    assert [node.span.name for node in story.spans] == [
        "POST /claims",
        "GET",
        "GET /policies/{id}",
        "claims-queue process",
    ]
    assert sum(len(node.logs) for node in story.spans) + len(story.logs) == 4
    assert set(story.trace_ids) == {TRACE, DERIVED}


def test_nothing_found(store: Store, tmp_path: Path) -> None:
    """An ID that nothing carries finds nothing, whatever it contains; no store is an error that says so."""
    for asked in ("unknown", "", "' OR 1=1 --", "\x00", "日本語", "x" * 10_000):
        assert find(store, asked) == []
    with pytest.raises(NoStore):
        find(Store(tmp_path / "none"), "x")


def test_links_are_followed_through_the_store(tmp_path: Path) -> None:
    """A consumer's batch and what it caused are found from the first sender, over several steps."""
    store = Store(tmp_path / "store")
    chain = [span("0", trace_id=f"{0:032x}"[:-1] + "1", correlation_id="start")]
    for i in range(1, 4):
        before = chain[-1]
        link = Link(before.trace_id, before.span_id, {LINK_KIND: "message"})
        chain.append(span(str(i), i, i + 1, trace_id=f"{i + 1:032x}", links=(link,)))
    store.append(chain)
    (story,) = find(store, "start")
    assert [node.span.name for node in story.spans] == ["0", "1", "2", "3"]
    assert find(store, chain[-1].trace_id) == [story]


def test_platform_in_another_trace(tmp_path: Path) -> None:
    """A platform span that only knows X-Ray's trace is found by its request and told with the layer's."""
    store = Store(tmp_path / "store")
    store.append([span("layer", 0, 5, "f", "serverless", request_id="r", correlation_id="c")])
    store.append(
        [
            span(
                "p",
                0,
                9,
                "f",
                "serverless",
                request_id="r",
                told_by="platform",
                trace_id=OTHER,
                status="error",
            )
        ]
    )
    (story,) = find(store, "c")
    assert [(node.span.name, node.span.status) for node in story.spans] == [("layer", "error")]


def test_waterfall(store: Store) -> None:
    """At 80 columns, without colour: sides, bars on one axis, cold start, failures with their reason, logs in order."""
    (story,) = find(store, CLAIM)
    lines = [line.rstrip() for line in printed(story)]
    assert lines == [
        "correlation ID  claim-889123",
        f"trace ID        {min(DERIVED, TRACE)}",
        f"                {max(DERIVED, TRACE)}",
        "when            2023-11-14T22:13:20.000Z, 5.00 s",
        "what            4 spans (1 legacy, 3 serverless), 4 log lines, 2 failed",
        "why             serverless side: submit failed in POST /claims: PolicyError:",
        "                  [red]policy[/red] is locked",
        r"                ERROR failed \x1b[31mred\x1b[0m [bold]x[/bold] next!!!!!!!!!!!!!",
        "                  !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…",
        "why             serverless side: assess ran out of time in claims-queue process",
        "                  after 3.00 s",
        "",
        "L legacy ▒▒▒   S serverless ███   ⋯ its caller is not in the store",
        "S submit         POST /claims         ████                  900 ms 502 FAIL cold",
        "  ! PolicyError: [red]policy[/red] is locked",
        "   +5.00 ms INFO  claim received",
        "    +890 ms ERROR failed \\x1b[31mred\\x1b[0m [bold]x[/bold] next!!!!!!!!!!!!!!!!!",
        "                    !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
        "                    !!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!…",
        "          ! PolicyError: locked",
        "S submit           GET                ███                   500 ms",
        "L claims             GET /policies/{… ▒▒▒                   440 ms 200",
        "        +300 ms WARN  slow query",
        "S assess         ⋯ claims-queue proc…     ████████████      3.00 s TIMEOUT",
        "  ! timeout",
        "",
        "Log lines of no span",
        "    +5.00 s -     L mainframe    NIGHTLY-RECON 日本語",
    ]


@pytest.mark.parametrize("width", [60, 80, 100, 120, 200])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_no_line_is_too_long(store: Store, width: int, encoding: str) -> None:
    """No line exceeds the console, whatever its width, and an ASCII console gets ASCII."""
    (story,) = find(store, CLAIM)
    lines = printed(story, width, encoding)
    assert max(map(cell_len, lines)) <= width
    assert any("serverless submit" in line for line in lines) == (width >= 100)


def test_colour(store: Store) -> None:
    """With colour the failure is red and nothing else changes."""
    (story,) = find(store, CLAIM)
    coloured = "\n".join(printed(story, colour=True))
    assert "\x1b[1;31m" in coloured
    assert "\\x1b[31mred" in coloured


@given(st.text(max_size=200), st.text(max_size=40))
def test_log_text_is_data(message: str, name: str) -> None:
    """Whatever a log or a span is named, no control character and no markup reaches the terminal."""
    (story,) = stories(TRACE, [span("a", 0, 1)], [log("1", message=message, level=name[:5], trace_id=TRACE)])
    (named,) = stories(TRACE, [span(name, 0, 1, name, status="error", status_message=message)], [])
    for line in (*printed_text(story), *printed_text(named)):
        assert line.isprintable()


def printed_text(story: Story) -> list[str]:
    """The lines of a story as text, split at line feeds only."""
    console = Console(file=io.StringIO(), width=80, color_system=None, _environ={})
    render(story, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    return [line for line in str(text).split("\n") if line]


def test_many_logs_and_odd_times() -> None:
    """Beyond a number lines are counted instead of shown; a span that ends before it starts is drawn."""
    lines = [log(str(i), i, span_id=span_id("a"), trace_id=TRACE) for i in range(MAX_LOGS + 5)]
    (story,) = stories(TRACE, [span("a", 5, -5)], lines)
    shown = printed(story)
    assert any("and 5 more lines" in line for line in shown)
    assert len(to_json(story)["spans"][0]["logs"]) == MAX_LOGS + 5


def test_recurring_is_said() -> None:
    """A story of a recurring correlation ID says that there are others."""
    rows = [span("a", correlation_id="c"), span("b", trace_id=OTHER, correlation_id="c")]
    told = printed(stories("c", rows, [])[0])
    assert "Its correlation ID also occurs in traces that nothing connects with this one." in told


def test_json(store: Store) -> None:
    """The shape for programs: spans in display order with depth and parent, logs where they belong, all JSON."""
    (story,) = find(store, CLAIM)
    told = json.loads(json.dumps(to_json(story)))
    assert (told["version"], told["recurring"], told["duration_ms"]) == (1, False, 5000.0)
    first, second, third, fourth = told["spans"]
    assert (first["depth"], first["parent"], first["cold_start"], first["timeout"]) == (0, None, True, False)
    assert (second["depth"], second["parent"], third["parent"]) == (1, 0, 1)
    assert (fourth["parent_missing"], fourth["timeout"], fourth["side"]) == (True, True, "serverless")
    assert [line["offset_ms"] for line in first["logs"]] == [5.0, 890.0]
    assert first["start_unix_nano"] == T0
    assert first["links"][0]["trace_id"] == DERIVED
    assert told["logs"][0]["message"] == "NIGHTLY-RECON 日本語"


@pytest.mark.parametrize(
    ("duration_ns", "text"),
    [
        (0, "0.00 ms"),
        (420_000, "0.42 ms"),
        (87_000_000, "87 ms"),
        (1_240_000_000, "1.24 s"),
        (192 * 10**9, "3.2 min"),
    ],
)
def test_durations(duration_ns: int, text: str) -> None:
    """Durations read like people say them."""
    assert milliseconds(duration_ns) == text


def test_instants() -> None:
    """Times are UTC with milliseconds."""
    assert instant(1_700_000_000_123_456_789) == "2023-11-14T22:13:20.123Z"


def test_an_invocation_that_was_killed_is_found_though_its_payload_was_cut(tmp_path: Path) -> None:
    """The layer's line names the trace, the platform's report comes in another payload and names none."""
    store = Store(tmp_path / "store")
    request = "6f1c5b0e-1111-4222-8333-444455556666"
    accepted = log("1", 5, "submit", "serverless", trace_id=TRACE, correlation_id="web-1", request_id=request)
    store.append([accepted])
    store.append(
        [
            span(
                "submit",
                0,
                90,
                "submit",
                "serverless",
                trace_id=derive_trace_id(request),
                told_by="platform",
                request_id=request,
                status="error",
                status_message="Runtime.ExitError",
            )
        ]
    )
    for asked in ("web-1", TRACE, request):
        (story,) = find(store, asked)
        (node,) = story.spans
        assert (node.span.status_message, [line.message for line in node.logs]) == (
            "Runtime.ExitError",
            ["line 1"],
        )


def test_receipts_are_followed_through_the_store(tmp_path: Path) -> None:
    """From either end, though the two have nothing else in common."""
    store = Store(tmp_path / "store")
    sent = {"attributes": {"messaging.message.id": "m-1"}}
    store.append(
        [
            span("send", kind="producer", correlation_id="web-1", **sent),
            span("next", trace_id=OTHER, kind="consumer", **sent),
        ]
    )
    listed = {"event": "observe.receipt", "receipts": {"service": "s3", "ids": ["S3-1"]}}
    store.append([log("r", trace_id=OTHER, span_id=span_id("next"), attributes=listed)])
    third = span("third", trace_id="c" * 32, kind="consumer", attributes={"observe.receipts": ["S3-1"]})
    store.append([third])
    for asked in ("web-1", OTHER, third.trace_id):
        (story,) = find(store, asked)
        assert [node.span.name for node in story.spans] == ["send", "next", "third"]
