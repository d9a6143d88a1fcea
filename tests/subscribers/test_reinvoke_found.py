"""Failed invocations out of lines and spans: attempts, retries, repeats of a queue, earlier replays."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from observe import semconv
from subscribers.reinvoke import Failed, Replay, Told, Wish, plan
from subscribers.reinvoke_found import failed_of, joined, messages_of, settled, with_replays
from subscribers.signals import Log, Span
from tests.subscribers.samples import MS, T0, origin, span
from tests.subscribers.test_reinvoke import CONFIG, EVENT, FAILED, LATER, MARKS, ORIGIN, event_line


def ran(request_id: str, start_ms: float, *, error: bool = True, told_by: str = "layer", **more: Any) -> Span:
    """One attempt, of 10 ms."""
    name = f"{request_id}-{start_ms}-{told_by}"
    attributes = {semconv.FAAS_INVOCATION_ID: request_id, **more.pop("attributes", {})}
    if error:
        attributes[semconv.ERROR_TYPE] = "ValueError"
    fate = {"status": "error" if error else "unset", "status_message": "no rate" if error else ""}
    own = {"origin": ORIGIN, "request_id": request_id, "attributes": attributes, "told_by": told_by, **fate}
    return span(name, start_ms, start_ms + 10, **{**own, **more})


def both(request_id: str, at_ms: float, **marks: Any) -> tuple[Log, Span]:
    """What the layer writes of an attempt that failed: the line of its event, and its own span."""
    own = ran(request_id, at_ms)
    line = replace(event_line(request_id, at_ms=at_ms + 9, **marks), span_id=own.span_id)
    return replace(line, event_id=f"line-{own.span_id}-{at_ms}"), own


def test_layer_and_platform_tell_of_one_attempt() -> None:
    """The same at the same time; what the layer says is more."""
    platform = ran("req-1", 0, told_by="platform", attributes={semconv.ERROR_TYPE: "x"})
    line, own = both("req-1", 1)
    (found,) = failed_of([line], [platform, own])
    assert (found.attempts, found.why, found.time_unix_nano) == (1, "ValueError: no rate", T0 + MS)
    assert found.event == Told(EVENT, MARKS, is_proven=True)


def test_retries_of_lambda_are_attempts_of_one_invocation() -> None:
    """They have its request ID; the last of them is the one that the replay hangs below."""
    attempts = [ran("req-1", at) for at in (0, 60_000, 180_000)]
    (found,) = failed_of([], attempts)
    assert (found.attempts, found.span_id, found.event) == (3, attempts[-1].span_id, None)
    assert not found.succeeded_later


def test_a_retry_that_succeeded_ends_it() -> None:
    """Whoever tells of the success."""
    for told_by in ("layer", "platform"):
        spans = [ran("req-1", 0), ran("req-1", 60_000, error=False, told_by=told_by)]
        (found,) = failed_of([event_line("req-1", at_ms=9)], spans)
        assert found.succeeded_later


def test_a_failure_that_only_the_layer_knows_of_is_one() -> None:
    """The platform does not see a reply that fails; without spans of the layer its line tells."""
    spans = [ran("req-1", at, error=False, told_by="platform") for at in (0, 60_000)]
    (found,) = failed_of([event_line("req-1", at_ms=60_009)], spans)
    assert (found.succeeded_later, found.why) == (False, "ValueError")
    assert failed_of([event_line("req-1", at_ms=9)], spans)[0].succeeded_later


def test_spans_within_an_invocation_are_none() -> None:
    """A record of a batch that failed and was dealt with is no failed invocation."""
    record = replace(ran("req-1", 2), kind="consumer", attributes={})
    assert failed_of([], [ran("req-1", 0, error=False), record]) == []
    assert failed_of([], [replace(ran("req-1", 0), request_id="")]) == []


def test_the_same_request_id_in_two_functions_is_two_invocations() -> None:
    """A durable function's, or a coincidence of made-up IDs."""
    other = replace(ran("req-1", 0), origin=origin("other", "serverless"))
    assert len(failed_of([], [ran("req-1", 0), other])) == 2


def test_an_event_that_some_attempts_told_is_taken() -> None:
    """All that told it told the same; another may have been killed before it could."""
    killed = ran("req-1", 240_000, told_by="platform")
    lines, spans = zip(*(both("req-1", at) for at in (0, 60_000)), strict=True)
    (found,) = failed_of(lines, [*spans, killed])
    assert found.event == Told(EVENT, MARKS, is_proven=True)
    assert (found.attempts, found.span_id) == (3, killed.span_id)


LINE, OWN = both("req-1", 0)
FOREIGN = replace(ORIGIN, log_group="/aws/lambda/other")


@pytest.mark.parametrize(
    ("lines", "spans"),
    [
        pytest.param([LINE], [], id="no span"),
        pytest.param([LINE], [replace(OWN, status="unset")], id="it succeeded"),
        pytest.param([LINE], [replace(OWN, told_by="platform")], id="only the platform tells it"),
        pytest.param([replace(LINE, span_id="c" * 16)], [OWN], id="another span ID"),
        pytest.param([replace(LINE, span_id="")], [OWN], id="no span ID"),
        pytest.param([replace(LINE, trace_id="c" * 32)], [OWN], id="another trace ID"),
        pytest.param([LINE], [replace(OWN, kind="internal")], id="a span within it"),
        pytest.param([replace(LINE, origin=FOREIGN)], [OWN], id="another function's log group"),
        pytest.param([LINE], [replace(OWN, origin=replace(ORIGIN, account="9" * 12))], id="another account"),
        pytest.param(
            [LINE], [replace(OWN, origin=replace(ORIGIN, log_stream="[$LATEST]0"))], id="another stream"
        ),
        pytest.param([LINE, both("req-1", 0, text="{}")[0]], [OWN], id="two lines that disagree"),
        pytest.param([LINE, replace(LINE, span_id="c" * 16)], [OWN], id="a second line of nobody"),
        pytest.param([LINE], [OWN, ran("req-1", 1)], id="two spans of one attempt"),
    ],
)
def test_a_line_that_nobody_vouches_for_is_not_believed(lines: list[Log], spans: list[Span]) -> None:
    """A caller can have any text printed, but does not know the span ID; in whatever order they come."""
    for some in (lines, lines[::-1]):
        found = [one for one in failed_of(some, spans) if one.event]
        assert [one.event and one.event.is_proven for one in found] == [False]
        assert [one.reason for one in plan(found, CONFIG, Wish(), LATER)] in (
            ["unproven"],
            ["succeeded_later"],
        )
    (found_one,) = failed_of([LINE], [OWN])
    assert not plan([found_one], CONFIG, Wish(), LATER)[0].reason


def test_a_function_is_named_by_its_log_group_and_not_by_a_span() -> None:
    """A span line is a text that a function writes, and what it says would be invoked."""
    named = {"attributes": {semconv.FAAS_NAME: "pay"}}
    other = replace(ORIGIN, log_group="/custom")
    assert failed_of([], [ran("req-1", 0, **named)])[0].function == ""
    assert failed_of([], [ran("req-1", 0, told_by="platform", **named)])[0].function == ""
    assert failed_of([], [ran("req-1", 0, origin=other, **named)])[0].function == ""
    platform = ran("req-1", 0, told_by="platform", origin=other, **named)
    assert failed_of([], [platform])[0].function == "pay"


def test_messages_that_came_again_and_succeeded_are_done() -> None:
    """All of them, to the same function, later: else they are not."""
    first, second = "m-" + "1" * 20, "m-" + "2" * 20
    batch = ran("req-1", 0, kind="consumer", attributes={semconv.RECEIPTS: [first, second]})
    failed = failed_of([], [batch])
    assert messages_of([batch]) == {first, second}

    def later(message: str, **more: Any) -> Span:
        own = {"attributes": {semconv.MESSAGING_MESSAGE_ID: message}, "error": False, **more}
        return ran(f"req-{message}", own.pop("at", 100), kind="consumer", **own)

    def is_done(*others: Span) -> bool:
        return settled(failed, [batch], others)[0].succeeded_later

    assert is_done(later(first), later(second))
    assert not is_done(later(first))
    assert not is_done(later(first), later(second, error=True))
    assert not is_done(later(first), later(second, at=-100))
    assert not is_done(later(first), later(second, origin=origin("other", "serverless")))


def test_a_record_of_a_destination_gains_what_the_store_knows() -> None:
    """The trace and the fate are the store's, the event is the record's, and so is the account."""
    record = replace(
        FAILED, event=Told("{}"), trace_id="", span_id="", correlation_id="", attempts=3, function="assess"
    )
    known = replace(FAILED, attempts=1, succeeded_later=True, origin=replace(ORIGIN, account=""))
    made = joined(record, known)
    assert (made.event, made.trace_id, made.attempts) == (Told("{}"), "a" * 32, 3)
    assert made.succeeded_later
    assert made.origin == ORIGIN
    assert joined(record, None) == record
    assert joined(replace(record, event=None), known).event == known.event


def test_replays_are_known_by_lines_and_by_spans() -> None:
    """Another person's replay has no line here, and its span tells; one that both tell is one."""
    line = Replay("req-1", "succeeded", "new-1", T0)
    spans = [
        ran("new-1", 0, error=False, attributes={semconv.REPLAY_OF: "req-1"}),
        ran("new-2", 5, attributes={semconv.REPLAY_OF: "req-1"}),
    ]
    (found,) = with_replays([FAILED], {"req-1": (line,)}, spans)
    assert [(one.request_id, one.state) for one in found.replays] == [
        ("new-1", "succeeded"),
        ("new-2", "failed"),
    ]
    (replay,) = failed_of([], spans)
    assert (replay.request_id, replay.replay_of) == ("new-2", "req-1")


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(
    TREES, st.dictionaries(st.sampled_from([semconv.REPLAY_OF, semconv.ERROR_TYPE, semconv.FAAS_NAME]), TREES)
)
def test_whatever_lines_and_spans_say_is_read(told: Any, attributes: dict[str, Any]) -> None:
    """Law: other writers' attributes have any shape, and nothing raises."""
    line = event_line("req-1")
    line = replace(line, attributes={**line.attributes, "invocation_event": told, **attributes})
    found = failed_of([line], [ran("req-2", 0, attributes=attributes)])
    assert {one.request_id for one in found} == {"req-1", "req-2"}
    assert all(isinstance(one, Failed) for one in with_replays(found, {}, []))
