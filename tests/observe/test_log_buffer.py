"""What one invocation holds back and what it may write."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import invocation as invocations
from observe import log_buffer, settings, watchdog
from observe.log_buffer import BUDGET_EVENT, BUFFER_EVENT, RESERVE_MIN_BYTES, LogBuffer
from observe.testing import LambdaContext, Lines
from tests.observe.running import run, sqs_event

HTTP_EVENT = {
    "version": "2.0",
    "routeKey": "POST /claims",
    "rawPath": "/claims",
    "headers": {},
    "requestContext": {"http": {"method": "POST", "path": "/claims"}},
}
LINE = st.integers(1, 400).map(lambda size: b"x" * size + b"\n")


def messages(lines: Lines) -> list[str]:
    """The messages of the handler's own lines, in order."""
    return [line["message"] for line in lines.logs if "event" not in line]


@given(st.lists(LINE), st.integers(0, 1000))
def test_the_newest_lines_are_held_and_the_rest_is_counted(held: list[bytes], room: int) -> None:
    """What is released is the end of what was held, as much as fits; what is missing is counted exactly."""
    buffer = LogBuffer(room, 0)
    for line in held:
        buffer.hold(line)
    released = buffer.lines(failed=True)
    omitted = {"lines": 0, "bytes": 0}
    if released and released[0].startswith(b"{"):
        omitted = json.loads(released.pop(0))["omitted"]
    assert released == held[len(held) - len(released) :]
    assert sum(map(len, released)) <= room
    assert omitted["lines"] == len(held) - len(released)
    assert omitted["bytes"] == sum(map(len, held)) - sum(map(len, released))
    if omitted["lines"]:
        assert sum(map(len, released)) + len(held[-len(released) - 1]) > room
    assert buffer.lines(failed=True) == []


@given(st.lists(st.tuples(st.sampled_from(list(settings.LEVELS)), st.integers(1, 90_000))))
def test_the_budget_is_kept_and_what_it_cut_is_counted(lines: list[tuple[str, int]]) -> None:
    """Bytes below ERROR stay within the budget, all in budget and reserve; a line is written or counted."""
    budget = 100_000
    buffer = LogBuffer(0, budget)
    written = [(level, size) for level, size in lines if buffer.takes(level, size)]
    high = ("ERROR", "FATAL")
    assert sum(size for level, size in written if level not in high) <= budget
    assert sum(size for _, size in written) <= budget + RESERVE_MIN_BYTES
    told = [json.loads(line) for line in buffer.lines(failed=False)]
    omitted = told[0]["omitted"] if told else {"lines": 0, "bytes": 0, "levels": {}}
    assert omitted["lines"] == len(lines) - len(written) == sum(omitted["levels"].values())
    assert omitted["bytes"] == sum(size for _, size in lines) - sum(size for _, size in written)


def test_lines_below_the_level_are_released_by_a_failure(lines: Lines) -> None:
    """They come before the span of the invocation that raised, in order, and with its identity."""

    def function(event: Any, context: Any) -> None:
        observe.log.debug("one", n=1)
        observe.log.trace("two")
        observe.log.info("at once")
        raise ValueError("no such claim")

    with pytest.raises(ValueError, match="no such claim"):
        run({}, function, aws_request_id="r-1")
    assert messages(lines) == ["at once", "one", "two"]
    held = [line for line in lines.logs if line["message"] in ("one", "two")]
    assert {line["requestId"] for line in held} == {"r-1"}
    assert [line["level"] for line in held] == ["DEBUG", "TRACE"]
    assert b'"resourceSpans"' in lines.raw[-1]


def test_a_reply_with_a_server_error_releases_them(lines: Lines) -> None:
    """A 5xx is a failure, a 4xx is the caller's."""
    for status in (503, 404):
        run(
            HTTP_EVENT,
            lambda event, context, status=status: (observe.log.debug(str(status)), {"statusCode": status})[1],
        )
    assert messages(lines) == ["503"]


def test_a_failed_record_of_a_batch_releases_them(lines: Lines) -> None:
    """The invocation gives a record back: its lines, and those of the records beside it, are told."""

    def function(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        for record in batch:
            with record:
                observe.log.debug(f"at {record.message_id}")
                if record.message_id == "m-1":
                    raise ValueError("bad")
        return batch.reply()

    run(sqs_event({}, {}), function)
    held = [line for line in lines.logs if line["message"].startswith("at ")]
    assert [(line["message"], line["messaging.message.id"]) for line in held] == [
        ("at m-0", "m-0"),
        ("at m-1", "m-1"),
    ]


def test_a_timeout_releases_them(lines: Lines) -> None:
    """The watchdog writes what was held, as the handler will not."""

    def function(event: Any, context: Any) -> None:
        observe.log.debug("before")
        invocation = invocations.active
        assert invocation is not None
        watchdog.tell(invocation, settings.get())
        observe.log.debug("after all")

    observe.instrument(function)({}, LambdaContext(remaining_ms=60_000))
    assert messages(lines) == ["before"]


def test_nothing_held_reaches_the_next_invocation(lines: Lines) -> None:
    """An invocation that succeeds forgets its lines, and the next one that fails tells its own."""
    run("first", lambda event, context: observe.log.debug(event))

    def failing(event: Any, context: Any) -> None:
        observe.log.debug(event)
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        run("second", failing)
    assert messages(lines) == ["second"]


def test_without_a_buffer_nothing_is_held(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """OBSERVE_LOG_BUFFER=0: a line below the level is not even rendered."""
    monkeypatch.setenv("OBSERVE_LOG_BUFFER", "0")

    def failing(event: Any, context: Any) -> None:
        observe.log.debug("m", value=pytest.fail)
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        run({}, failing)
    assert messages(lines) == []


def test_a_full_buffer_says_how_much_is_missing(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """The newest lines are there, and one WARN line counts the others."""
    monkeypatch.setenv("OBSERVE_LOG_BUFFER", "2000")

    def failing(event: Any, context: Any) -> None:
        for n in range(100):
            observe.log.debug(f"line {n}")
        raise ValueError("failed")

    with pytest.raises(ValueError, match="failed"):
        run({}, failing)
    (note,) = [line for line in lines.logs if line.get("event") == BUFFER_EVENT]
    assert note["level"] == "WARN"
    assert note["omitted"]["lines"] + len(messages(lines)) == 100
    assert messages(lines)[-1] == "line 99"


def test_beyond_the_budget_errors_alone_are_written(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """The end tells how many lines and bytes were left out, by level; the next one has its own budget."""
    monkeypatch.setenv("OBSERVE_LOG_BUDGET", "1000")

    def function(event: Any, context: Any) -> None:
        for n in range(50):
            observe.log.info(f"line {n}")
        observe.log.warning("cut")
        observe.log.error("kept")

    run({}, function)
    run({}, lambda event, context: observe.log.info("next"))
    (note,) = [line for line in lines.logs if line.get("event") == BUDGET_EVENT]
    written = messages(lines)
    assert written[-2:] == ["kept", "next"]
    assert note["omitted"]["levels"] == {"INFO": 52 - len(written), "WARN": 1}
    assert note["omitted"]["lines"] == 53 - len(written)
    assert "requestId" in note


def test_a_budget_of_zero_is_none(monkeypatch: pytest.MonkeyPatch, lines: Lines) -> None:
    """OBSERVE_LOG_BUDGET=0 writes any number."""
    monkeypatch.setenv("OBSERVE_LOG_BUDGET", "0")
    run({}, lambda event, context: [observe.log.info("x" * 100_000) for _ in range(20)])
    assert len(messages(lines)) == 20


def test_a_forked_child_logs_and_releases_nothing_of_its_parents(lines: Lines) -> None:
    """What is held is told once, by the parent; a lock that was taken when it was forked stops nobody."""

    def function(event: Any, context: Any) -> int:
        observe.log.debug("held")
        invocation = invocations.active
        assert invocation is not None
        with log_buffer.of(invocation)._lock, log_buffer._making:
            child = os.fork()
            if child == 0:
                observe.log.debug("no buffer")
                observe.log.error("told")
                os._exit(0 if messages(lines) == ["told"] else 1)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert run({}, function) == 0
