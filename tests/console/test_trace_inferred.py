# ruff: noqa: E501 - lines of output, as they are
"""Parents that nobody told, as people and programs see them; times of two clocks, compared but not corrected."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from console.story_json import as_json
from console.trace import find
from console.verdict import sentence, verdicts
from observe.semconv import CLOCK_SKEW_MS
from subscribers.correlate import Story, stories
from subscribers.signals import Log, Span
from subscribers.store import Store
from tests.console.test_trace import printed
from tests.subscribers.samples import TRACE, log, span, span_id

CALLED = {
    "http.request.method": "POST",
    "url.full": "http://legacy/registrations",
    "server.address": "legacy",
}
TOLD = {"http.request.method": "POST", "url.path": "/registrations"}


def request(skew_ms: int = 0, shift_ms: float = 0, **more: Any) -> list[Span | Log]:
    """A function, its call, and a legacy request that names no parent."""
    skew = {CLOCK_SKEW_MS: skew_ms} if skew_ms else {}
    fields = {"status": "error", "attributes": {**TOLD, **skew, "http.response.status_code": 500}, **more}
    return [
        span("POST /claims", 0.1, 900, "submit", "serverless", status="error", status_message="500 for url", attributes={"error.type": "HTTPStatusError"}),
        span("POST", 100.1, 600, "submit", "serverless", kind="client", parent_span_id=span_id("POST /claims"), status="error", attributes={**CALLED, "error.type": "500", "http.response.status_code": 500}),
        span("POST /registrations", 120 + shift_ms, 560.001 + shift_ms, "claims", **fields),
        log("why", 300 + shift_ms, "claims", level="ERROR", message="no rate", trace_id=TRACE),
    ]  # fmt: skip


def told(*rows: Span | Log) -> Story:
    """The one story of rows."""
    (story,) = stories(
        TRACE, [r for r in rows if isinstance(r, Span)], [r for r in rows if isinstance(r, Log)]
    )
    return story


@pytest.mark.parametrize(("encoding", "width"), [("utf-8", 80), ("ascii", 80), ("utf-8", 140)])
def test_an_inferred_parent_is_marked(encoding: str, width: int) -> None:
    """Before its name, and the legend says what it means."""
    lines = printed(told(*request()), width, encoding)
    assert "~ nobody told its caller: it lies in that one's time" in lines
    (row,) = [line for line in lines if "    ~ POST" in line]
    assert " ▒" in row or " =" in row
    assert sum("~" in line for line in lines) == 2


def test_nothing_is_marked_where_all_is_told() -> None:
    """Neither the span nor a legend."""
    assert not any("~" in line for line in printed(told(*request(parent_span_id=span_id("POST")))))


def test_a_parent_that_never_came() -> None:
    """Below the platform's span of the invocation: the mark says how it is known, the JSON both."""
    function = span("submit", 0, 900, "submit", "serverless", told_by="platform", request_id="r-1")
    story = told(
        function, span("POST /registrations", 120.001, 560.001, parent_span_id="f" * 16, attributes=TOLD)
    )
    assert any("  ~ POST /reg" in line for line in printed(story))
    assert not any("not in the store" in line for line in printed(story))
    node = as_json(story)["spans"][1]
    assert (node["parent"], node["parent_missing"], node["parent_inferred"]) == (0, True, True)


def test_for_programs() -> None:
    """Each span says whether its parent was inferred, each verdict whether it rests on one."""
    document = as_json(told(*request()))
    assert [s["parent_inferred"] for s in document["spans"]] == [False, False, True]
    assert [v["inferred"] for v in document["verdicts"]] == [True]
    document = as_json(told(*request(parent_span_id=span_id("POST"))))
    assert [v["inferred"] for v in document["verdicts"]] == [False]


def test_a_verdict_over_an_inferred_parent() -> None:
    """It crosses to the other side, and says on what grounds."""
    (verdict,) = verdicts(told(*request()))
    assert (
        sentence(verdict)
        == "legacy side: claims answered POST /registrations with 500 (placed by time alone)"
    )
    assert [line.message for line in verdict.lines] == ["no rate"]


def test_clocks_that_differ(tmp_path: Path) -> None:
    """Five seconds off, and known to be: the store keeps it, times are shown as they were told, and that is said."""
    store = Store(tmp_path / "store")
    store.append(request(skew_ms=6_000, shift_ms=5_000))
    (story,) = find(store, TRACE)
    assert [(n.span.name, n.inferred) for n in story.spans][2] == ("POST /registrations", True)
    assert story.end_unix_nano - story.start_unix_nano == 5_559_901_000
    assert "clocks          times are as told; clocks may be off: claims by 6.00 s" in printed(story)
    apart = told(*request(shift_ms=5_000))
    assert not any(node.inferred for node in apart.spans)
    assert not any(line.startswith("clocks") for line in printed(apart))


@pytest.mark.parametrize(
    ("end", "skew_ms", "late"),
    [(2_710.001, 0, True), (2_000.501, 0, False), (2_710.001, 700, True), (2_710.001, 800, False)],
)
def test_whether_it_went_on_without_its_caller(end: float, skew_ms: int, late: bool) -> None:
    """Said only where clocks cannot be the reason."""
    timeout = {"status": "error", "status_message": "ran into its timeout"}
    skew = {CLOCK_SKEW_MS: skew_ms} if skew_ms else {}
    rows = [
        span("submit", 0.1, 2_000, "submit", "serverless", attributes={"error.type": "timeout"}, **timeout),
        span("POST", 100, 2_000, "submit", "serverless", kind="client", parent_span_id=span_id("submit"), attributes={"error.type": "timeout"}, **timeout),
        span("POST /registrations", 110, end, parent_span_id=span_id("POST"), attributes=skew),
    ]  # fmt: skip
    (verdict,) = verdicts(told(*rows))
    assert sentence(verdict).endswith(", too long for its caller, and did it all the same") == late


@pytest.mark.parametrize("dataset", ["apache.access", "nginx.access", "aws.elb_logs", "haproxy.log"])
def test_an_access_log_line_is_its_span(dataset: str) -> None:
    """Of whatever server: shown once, and no explanation of a failure; another line of that log is shown."""
    request = span("POST /x", 0, 9, status="error", attributes={"http.response.status_code": 500})
    own = log("POST /x", 0, level="ERROR", message="127.0.0.1 - -", dataset=dataset, trace_id=TRACE)
    own = replace(own, event_id=request.event_id.partition(":")[0])
    other = log("other", 5, level="ERROR", message="backend died", dataset=dataset, trace_id=TRACE)
    story = told(request, own, other)
    lines = printed(story)
    assert not any("127.0.0.1" in line for line in lines)
    assert [line.message for line in verdicts(story)[0].lines] == ["backend died"]
