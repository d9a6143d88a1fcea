"""A function that prints what callers send: none of that is ever sent as an event."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from console.reinvoke import Asked, find
from observe.ids import event_mac
from subscribers.config import loads
from subscribers.envelope import LogBatch, LogEvent, encode
from subscribers.handler import make_handler
from subscribers.reinvoke import EVENT_LINE, Decision, Wish, plan
from subscribers.store import Store
from tests.subscribers.lane_pages import AT, IDS, ORIGIN, SPAN, TRACE, invocation, ours, span

CONFIG = loads("version: 1\nservices: {submit: {side: serverless, idempotent: true}}\n")
REAL = '{"pay": 1, "to": "alice"}'
EVIL = '{"pay": 1000000, "to": "mallory"}'
#: What a caller cannot know, and has to make up.
GUESS = "c" * 16


def event_line(text: str = EVIL, request_id: str = IDS[0], **who: str) -> str:
    """A line as the layer writes it. who: what takes the place of its identity; "" for nothing."""
    told = {
        "mode": "redacted",
        "bytes": len(text),
        "complete": True,
        "redacted": False,
        "truncated": False,
        "json": text,
    }
    tree = json.loads(ours(request_id, event=EVENT_LINE, invocation_event=told))
    tree = {**tree, "level": "ERROR", "error.type": "ValueError", **who}
    return json.dumps({name: value for name, value in tree.items() if value != ""}) + "\n"


def failed_span(span_id: str = SPAN, request_id: str = IDS[0]) -> str:
    """The span line of an invocation that failed."""
    tree = json.loads(span(span_id, request_id=request_id))
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["status"] = {"code": 2, "message": "no rate"}
    return json.dumps(tree) + "\n"


def planned(folder: Path, *invocations: list[str]) -> list[Decision]:
    """What is planned after the subscriber has read the lines of these invocations."""
    store = Store(folder)
    lines = [line for lines in invocations for line in lines]
    batch = LogBatch(
        owner=ORIGIN.account,
        log_group=ORIGIN.log_group,
        log_stream=ORIGIN.log_stream,
        message_type="DATA_MESSAGE",
        events=tuple(LogEvent(id=str(n), timestamp_ms=AT + n, message=line) for n, line in enumerate(lines)),
    )
    handler = make_handler(CONFIG, store, lambda: (AT + 1000) * 1_000_000, region=ORIGIN.region)
    handler(encode(batch), None)
    return plan(find(store, Asked(), CONFIG).failed, CONFIG, Wish(), (AT + 7_200_000) * 1_000_000)


def sent(decisions: list[Decision]) -> list[str]:
    return [one.failed.event.text for one in decisions if not one.reason and one.failed.event]


def test_the_layers_own_line_is_believed(tmp_path: Path) -> None:
    """With the span of the same invocation."""
    assert sent(planned(tmp_path, invocation(IDS[0], event_line(REAL), failed_span()))) == [REAL]


#: What a caller has had printed, beside the span of an invocation that was well.
WELL = {
    "with its request ID": [event_line(span_id=GUESS)],
    "without request ID": [event_line(request_id="", span_id=GUESS)],
    "without any ID": [event_line(request_id="", trace_id="", span_id="", correlation_id="")],
    "with the IDs of its span": [event_line()],
    "twice": [event_line(span_id=GUESS), event_line(span_id=GUESS)],
}
#: The same beside the line and the span of an invocation that failed.
BESIDE = {
    **WELL,
    "with another trace": [event_line(trace_id="c" * 32)],
    "marked as cut": [event_line("{}", span_id=GUESS)],
}


@pytest.mark.parametrize("printed", WELL.values(), ids=WELL)
def test_a_line_printed_by_an_invocation_that_succeeded_is_refused(
    tmp_path: Path, printed: list[str]
) -> None:
    """Whatever it says."""
    (decision,) = planned(tmp_path, invocation(IDS[0], ours(IDS[0]), *printed, span()))
    assert decision.reason == "unproven"


@pytest.mark.parametrize("printed", BESIDE.values(), ids=BESIDE)
def test_a_line_printed_beside_the_layers_own_stops_both(tmp_path: Path, printed: list[str]) -> None:
    """Nobody can say any more which is which."""
    (decision,) = planned(tmp_path, invocation(IDS[0], *printed, event_line(REAL), failed_span()))
    assert decision.reason == "unproven"


def test_a_line_of_an_invocation_that_failed_without_one_needs_its_span_id(tmp_path: Path) -> None:
    """Where the layer was told to write none (OBSERVE_EVENT_ON_ERROR=off)."""
    nobody = {"trace_id": "", "span_id": "", "correlation_id": "", "request_id": ""}
    for n, who in enumerate(({"span_id": GUESS}, {"span_id": GUESS, "trace_id": "c" * 32}, nobody)):
        (decision,) = planned(tmp_path / str(n), invocation(IDS[0], event_line(**who), failed_span()))
        assert decision.reason == "unproven"


def test_a_line_that_names_another_request_is_refused(tmp_path: Path) -> None:
    """Of one that failed there is the layer's line already; of one that nobody knows of there is no span."""
    mine = invocation(IDS[0], event_line(REAL), failed_span())
    theirs = invocation(
        IDS[1], event_line(), event_line(request_id="made-up"), span(GUESS, request_id=IDS[1])
    )
    decisions = planned(tmp_path, mine, theirs)
    assert sent(decisions) == []
    assert {one.failed.request_id: one.reason for one in decisions} == {
        IDS[0]: "unproven",
        "made-up": "unproven",
    }


def test_without_the_layers_spans_nothing_is_proven(tmp_path: Path) -> None:
    """The platform's span takes its IDs from lines, and so from whoever had one printed."""
    (decision,) = planned(tmp_path, invocation(IDS[0], event_line(), report="Status: error\tError Type: E\t"))
    assert decision.reason == "unproven"
    assert decision.failed.trace_id == TRACE


SECRET = "of the functions"


def signed(text: str = REAL, secret: str = SECRET, request_id: str = IDS[0]) -> str:
    """A line as the layer writes it where OBSERVE_KEY_SECRET is set."""
    tree = json.loads(event_line(text, request_id))
    tree["invocation_event"]["mac"] = event_mac(request_id, text, secret)
    return json.dumps(tree) + "\n"


def planned_with_secret(folder: Path, *lines: str) -> list[Decision]:
    planned(folder, invocation(IDS[0], *lines, failed_span()))
    found = find(Store(folder), Asked(), CONFIG, SECRET)
    return plan(found.failed, CONFIG, Wish(), (AT + 7_200_000) * 1_000_000)


def test_where_the_secret_is_known_a_line_has_to_be_signed(tmp_path: Path) -> None:
    """Then not even who has a span and a line printed can make up an invocation."""
    assert sent(planned_with_secret(tmp_path / "own", signed())) == [REAL]
    other = json.loads(signed())
    other["invocation_event"]["json"] = EVIL
    for n, line in enumerate(
        (event_line(REAL), signed(secret="another"), json.dumps(other) + "\n", signed(request_id=IDS[1]))
    ):
        decisions = planned_with_secret(tmp_path / str(n), line)
        assert sent(decisions) == []
