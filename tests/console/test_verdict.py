"""Where a failure began: followed down the calls, over to the other side, and no further."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from console.verdict import MAX_VERDICTS, Verdict, consequence, sentence, verdicts
from console.words import is_timeout
from subscribers.correlate import stories
from subscribers.signals import Signal, Span
from tests.subscribers.samples import TRACE, log, span, span_id


def judged(*signals: Signal) -> tuple[Verdict, ...]:
    """The verdicts of the one story that these signals are."""
    spans = [signal for signal in signals if isinstance(signal, Span)]
    logs: Any = [signal for signal in signals if not isinstance(signal, Span)]
    (story,) = stories(TRACE, spans, logs)
    return verdicts(story)


def function(name: str = "submit", start: float = 0, end: float = 100, **more: Any) -> Span:
    """A function's span."""
    return span(name, start, end, "submit-claim", "serverless", request_id="r-1", **more)


def call(name: str = "POST", start: float = 10, end: float = 90, parent: str = "submit", **more: Any) -> Span:
    """A call out of it."""
    return span(
        name,
        start,
        end,
        "submit-claim",
        "serverless",
        kind="client",
        parent_span_id=span_id(parent),
        **more,
    )


def test_nothing_failed() -> None:
    """A story in which nothing failed has no verdict, slow as it may be."""
    assert judged(function(end=60_000), call(end=59_000)) == ()


def test_a_legacy_500_is_the_legacy_sides_and_its_lines_explain_it() -> None:
    """The function failed because its call did, because the legacy application answered 500."""
    (verdict,) = judged(
        function(status="error", status_message="500 for url", attributes={"error.type": "HTTPStatusError"}),
        call(status="error", attributes={"error.type": "500", "http.response.status_code": 500}),
        span(
            "POST /registrations",
            20,
            80,
            parent_span_id=span_id("POST"),
            status="error",
            attributes={"http.response.status_code": 500},
        ),
        log("info", 30, level="INFO", message="registering", trace_id=TRACE),
        log("warn", 40, level="WARN", message="stale table", trace_id=TRACE),
        log("error", 50, level="ERROR", message="no rate for tariff MX-77", trace_id=TRACE),
    )
    assert (verdict.how, verdict.side, verdict.cause.origin.service) == ("failed", "legacy", "claims")
    assert [line.message for line in verdict.lines] == ["no rate for tariff MX-77", "stale table"]
    assert sentence(verdict) == "legacy side: claims answered POST /registrations with 500"
    said = "submit-claim (serverless) failed in submit: HTTPStatusError: 500 for url"
    assert consequence(verdict) == said


def test_a_timeout_is_told_of_what_was_waited_for() -> None:
    """A function whose time was up blames the call that took most of it, although that call succeeded."""
    (verdict,) = judged(
        function(
            end=2000,
            status="error",
            status_message="ran into its timeout",
            attributes={"error.type": "timeout"},
        ),
        call("quick", 10, 60),
        call(
            start=100,
            end=2000,
            status="error",
            status_message="ran into its timeout",
            attributes={"error.type": "timeout"},
        ),
        span("POST /registrations", 110, 2710, parent_span_id=span_id("POST")),
        log("tape", 120, level="WARN", message="restoring it from tape", trace_id=TRACE),
    )
    assert (verdict.how, verdict.side) == ("slow", "legacy")
    said = "legacy side: claims took 2.60 s for POST /registrations, too long for its caller"
    assert sentence(verdict) == f"{said}, and did it all the same"
    assert consequence(verdict) == "submit-claim (serverless) ran out of time in submit after 2.00 s"
    assert [line.message for line in verdict.lines] == ["restoring it from tape"]


def test_a_timeout_of_its_own_is_the_functions() -> None:
    """Where no call took most of the time, the function itself is to blame."""
    (verdict,) = judged(
        function(end=2000, status="error", attributes={"error.type": "timeout"}), call(start=10, end=60)
    )
    assert (verdict.how, verdict.side) == ("failed", "serverless")
    assert sentence(verdict) == "serverless side: submit-claim ran out of time in submit after 2.00 s"
    assert consequence(verdict) == ""


def test_a_call_that_nobody_answered_is_told_as_a_call() -> None:
    """Without a span of the other side, what is known is the caller's."""
    (verdict,) = judged(
        function(status="error", status_message="refused", attributes={"error.type": "ConnectError"}),
        call(status="error", status_message="refused", attributes={"error.type": "ConnectError"}),
    )
    said = "serverless side: submit-claim failed in its call POST: ConnectError: refused"
    assert sentence(verdict) == said


def test_a_failure_that_was_dealt_with_is_told_as_such() -> None:
    """A call that failed in a function that went on is told, but is not why anything failed."""
    (verdict,) = judged(function(), call(status="error", status_message="refused"))
    assert verdict.handled
    assert consequence(verdict) == ""
    assert judged(function(), call(status="error", attributes={"http.response.status_code": 404})) == ()


LEGACY_500 = {"status": "error", "attributes": {"http.response.status_code": 500, "error.type": "500"}}


def answered(name: str = "leg", parent: str = "POST", start: float = 12, end: float = 28) -> Span:
    """The legacy side's 500 to a call."""
    return span(name, start, end, parent_span_id=span_id(parent), **LEGACY_500)


def test_what_was_caught_is_not_to_blame_for_what_came_later() -> None:
    """The function failed of its own, long after a legacy call had failed; its own line explains it."""
    (verdict,) = judged(
        function(end=200, status="error", status_message="x", attributes={"error.type": "KeyError"}),
        call(start=10, end=30, **LEGACY_500),
        answered(),
        log(
            "own", 195, "submit-claim", "serverless", level="ERROR", message="no such field", request_id="r-1"
        ),
    )
    assert sentence(verdict) == "serverless side: submit-claim failed in submit: KeyError: x"
    assert [line.message for line in verdict.lines] == ["no such field"]


def test_a_retry_that_succeeded_explains_nothing() -> None:
    """The first try failed on the legacy side, the second did not; then the function failed at once."""
    (verdict,) = judged(
        function(end=80, status="error", status_message="x", attributes={"error.type": "KeyError"}),
        call(
            "first",
            10,
            30,
            attributes={"url.full": "http://legacy/x", **LEGACY_500["attributes"]},
            status="error",
        ),
        answered(parent="first"),
        _named("first", 35, 60),
    )
    assert verdict.side == "serverless"


def _named(name: str, start: float, end: float) -> Span:
    """The same call again, with success."""
    again = call(name, start, end, attributes={"url.full": "http://legacy/x"})
    return msgspec.structs.replace(again, event_id="again", span_id="9" * 16)


def test_a_timeout_blames_what_it_waited_for_not_what_failed_before() -> None:
    """A handled 500 early on is not why the function ran out of time in a slow call."""
    (verdict,) = judged(
        function(end=3000, status="error", attributes={"error.type": "timeout"}),
        call("early", 10, 30, **LEGACY_500),
        answered(parent="early"),
        call("late", 35, 2995),
        span("slow", 40, 2990, parent_span_id=span_id("late")),
    )
    assert (verdict.how, verdict.cause.name) == ("slow", "slow")


def test_of_parallel_calls_the_first_failure_counts() -> None:
    """A call that was cancelled because another one failed is not the cause."""
    (verdict,) = judged(
        function(end=62, status="error", status_message="refused", attributes={"error.type": "ConnectError"}),
        call(
            "a", 10, 50, status="error", status_message="refused", attributes={"error.type": "ConnectError"}
        ),
        call("b", 10, 60, status="error", attributes={"error.type": "CancelledError"}),
    )
    assert verdict.cause.name == "a"


def test_clocks_that_differ_do_not_move_the_blame() -> None:
    """The legacy side's clock is ten seconds ahead; its request took the time all the same."""
    (verdict,) = judged(
        function(end=3000, status="error", attributes={"error.type": "timeout"}),
        call(start=10, end=2990),
        span("leg", 10_020, 12_980, parent_span_id=span_id("POST")),
    )
    assert (verdict.how, verdict.side) == ("slow", "legacy")


@pytest.mark.parametrize(
    ("kind", "message", "timeout"),
    [
        ("timeout", "", True),
        ("ReadTimeout", "x", True),
        ("builtins.TimeoutError", "", True),
        ("", "Task timed out after 2.00 seconds", True),
        ("KeyError", "'timeout_s'", False),
        ("HTTPStatusError", "Server error '504 Gateway Timeout'", False),
        ("504", "", False),
        ("", "the legacy side timed out somehow", False),
    ],
)
def test_what_is_a_timeout(kind: str, message: str, timeout: bool) -> None:
    """A time that was up is told by its error's type, not by a word in a message."""
    failed = function(status="error", status_message=message, attributes={"error.type": kind} if kind else {})
    assert is_timeout(failed) is timeout


def test_a_failed_consumer_is_not_why_its_sender_failed() -> None:
    """Not even where no span of the sending stands between them."""
    consumer = span(
        "process",
        50,
        60,
        "assess",
        "serverless",
        kind="consumer",
        parent_span_id=span_id("submit"),
        status="error",
        status_message="z",
    )
    mine, theirs = judged(function(status="error", status_message="x"), consumer)
    assert (mine.cause.name, theirs.cause.name) == ("submit", "process")


def test_a_consumers_failure_is_not_its_senders() -> None:
    """What failed because of a message is told on its own, and a retry of it is counted, not repeated."""

    def consumed(n: int) -> Span:
        return span(
            "process",
            200 + n,
            210 + n,
            "notify",
            "serverless",
            kind="consumer",
            request_id="r-2",
            parent_span_id=span_id("send"),
            status="error",
            status_message="no address",
            attributes={"error.type": "ValueError"},
        )

    first, second = judged(
        function(status="error", status_message="x"),
        call("send"),
        *[msg_with(consumed(n * 20), n) for n in range(3)],
    )
    assert first.cause.origin.service == "submit-claim"
    assert (second.cause.origin.service, second.times) == ("notify", 3)
    assert sentence(second) == "serverless side: notify failed in process (3 times): ValueError: no address"


def msg_with(span_: Span, n: int) -> Span:
    """The same span told as another attempt."""
    return msgspec.structs.replace(span_, event_id=f"{span_.event_id}-{n}", span_id=f"{n + 1:016x}")


def test_many_failures_are_cut() -> None:
    """A story of hundreds of failures has a few verdicts; the waterfall has the rest."""
    failed = [
        call(f"c{n}", n, n + 1, status="error", status_message=f"no {n}") for n in range(MAX_VERDICTS + 5)
    ]
    assert len(judged(function(), *failed)) == MAX_VERDICTS
