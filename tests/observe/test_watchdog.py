"""The deadline watchdog: told before Lambda kills, and only then."""

from __future__ import annotations

import os
import sys
import threading
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import invocation as invocations
from observe import outcome, watchdog
from observe.testing import LambdaContext, Lines
from tests.observe.running import run


def _timed_out(lines: Lines) -> list[dict[str, Any]]:
    return [span for span in lines.spans if span["attributes"].get("error.type") == "timeout"]


def _stack(span: dict[str, Any]) -> str:
    (event,) = [event for event in span["events"] if event["name"] == "exception"]
    return {a["key"]: a["value"]["stringValue"] for a in event["attributes"]}["exception.stacktrace"]


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "observe-watchdog"]


def _end() -> None:
    """Begin anew, and wait for the old thread to end."""
    before = _threads()
    watchdog.renew()
    for thread in before:
        thread.join(10)


def _wait_in_a_function_of_its_own(seconds: float) -> None:
    time.sleep(seconds)


def test_the_stack_of_the_running_code_is_told(lines: Lines) -> None:
    """The handler's frames, outermost first, without ours and the test runner's; open spans with it."""

    def function(event: Any, context: Any) -> None:
        with observe.span("waiting"):
            _wait_in_a_function_of_its_own(0.25)

    run({}, function, remaining_ms=150)
    own, waiting = _timed_out(lines)
    assert (own["name"], waiting["name"]) == ("unknown_service", "waiting")
    head, *frames = _stack(own).splitlines()
    assert head == "Traceback (most recent call last):"
    assert [frame.rpartition(" in ")[2] for frame in frames] == ["function", "_wait_in_a_function_of_its_own"]
    assert all(__file__ in frame for frame in frames)
    assert "events" not in waiting


def test_a_stack_is_bounded() -> None:
    """Of a deep recursion the innermost frames are told."""

    def deep(left: int) -> str:
        return deep(left - 1) if left else watchdog.stack_of(sys._getframe())

    told = deep(400)
    assert told.count("in deep") == watchdog.FRAMES_MAX
    assert len(told) <= outcome.STACK_MAX
    assert watchdog.stack_of(None) == "Traceback (most recent call last):\n"


@given(st.integers(100_000_000, 900_000_000_000))
def test_it_tells_before_the_deadline_and_not_long_before(length: int) -> None:
    """10 to 80 ms, and never more than a tenth of what there is."""
    margin = watchdog.margin(length)
    assert watchdog.MARGIN_MIN_NS <= margin <= watchdog.MARGIN_NS
    assert margin <= length // 10


def test_it_tells_once(lines: Lines) -> None:
    """An invocation that goes on after it was told is not told of again before it ends."""
    run({}, lambda event, context: time.sleep(0.4), remaining_ms=120)
    assert len(_timed_out(lines)) == 1


class _Part:
    """Something gathered, as the log buffer and the metrics gather it."""

    def __init__(self) -> None:
        self.kept: list[bytes] = []

    def lines(self, *, failed: bool) -> list[bytes]:
        kept, self.kept = self.kept, []
        return kept


def test_what_was_gathered_is_written_once(lines: Lines) -> None:
    """Told at the timeout, gathered anew after it, written at the end: nothing twice, nothing lost."""
    part = _Part()

    def function(event: Any, context: Any) -> None:
        assert invocations.active is not None
        invocations.active.metrics = part
        part.kept.append(b"before|1\n")
        time.sleep(0.25)
        part.kept.append(b"after|1\n")

    run({}, function, remaining_ms=150)
    assert lines.metrics == ["before|1", "after|1"]
    assert lines.raw.index(b"before|1\n") < lines.raw.index(b"after|1\n")


def test_a_jump_of_the_wall_clock_tells_nothing_and_hides_nothing(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour forward is no timeout; an hour back does not put it off."""
    really = time.time_ns

    def jumps(hours: int) -> Any:
        def function(event: Any, context: Any) -> None:
            monkeypatch.setattr(time, "time_ns", lambda: really() + hours * 3600 * 10**9)
            time.sleep(0.3)

        return function

    run({}, jumps(1), remaining_ms=5000)
    assert _timed_out(lines) == []
    for hours in (-1, 1):
        monkeypatch.setattr(time, "time_ns", really)
        run({}, jumps(hours), remaining_ms=150)
    assert len(_timed_out(lines)) == 2


def test_the_next_invocation_is_watched_by_the_same_thread(lines: Lines) -> None:
    """One thread a process, whatever the deadlines: an earlier one wakes it, one passed does no harm."""
    function = observe.instrument(lambda event, context: time.sleep(event["for"]))
    threads = set()
    for length, remaining in ((0.01, 60_000), (0.3, 150), (0.01, 110), (0.3, 150)):
        function({"for": length}, LambdaContext(remaining_ms=remaining))
        threads |= {thread.ident for thread in _threads()}
    assert len(threads) == 1
    assert len(_timed_out(lines)) == 2


def test_a_new_thread_after_a_restore(lines: Lines) -> None:
    """The old one ends, and the next invocation is watched."""
    run({})
    _end()
    run({}, lambda event, context: time.sleep(0.3), remaining_ms=150)
    assert len(_timed_out(lines)) == 1
    assert len(_threads()) == 1


def test_a_forked_process_watches_for_itself(lines: Lines) -> None:
    """A child has no thread of its parent; what it observes itself is watched by one of its own."""
    run({})
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        run({}, lambda event, context: time.sleep(0.3), remaining_ms=150)
        os.write(writing, str(len(_timed_out(lines))).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 10) == b"1"


def test_one_without_a_deadline_starts_no_thread(lines: Lines) -> None:
    """A context object that tells no time left costs no thread."""
    _end()
    run({}, remaining_ms=0)
    run({}, remaining_ms=99)
    assert _threads() == []
