"""The lines reach file descriptor 1 whole, whatever user code has done to it."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from typing import Any

import pytest

import observe
from observe import stdout
from observe.testing import capture
from tests.observe.running import run


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """What an earlier test has left behind of a stdout that nobody read."""
    for name, value in (("_stuck", False), ("_torn", False), ("_untold", 0)):
        monkeypatch.setattr(stdout, name, value)


def test_a_closed_stdout_loses_lines_not_results() -> None:
    """With file descriptor 1 closed the handler works; the lines are counted as lost."""
    before, saved = stdout.lost, os.dup(1)
    try:
        os.close(1)
        assert run({}) == "done"
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    assert stdout.lost > before


def test_a_replaced_sys_stdout_does_not_matter(capfd: pytest.CaptureFixture[str]) -> None:
    """User code may replace or close sys.stdout; our lines go to the descriptor."""
    import io
    import sys

    def function(event: Any, context: Any) -> None:
        sys.stdout = io.StringIO()
        sys.stdout.close()

    kept = sys.stdout
    try:
        run({}, function)
    finally:
        sys.stdout = kept
    assert '"resourceSpans"' in capfd.readouterr().out


def test_capture_restores_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    """After the block, lines go to stdout again."""
    with capture():
        pass
    run({})
    assert json.loads(capfd.readouterr().out)["resourceSpans"]


def test_threads_do_not_tear_each_others_lines() -> None:
    """Long lines of several threads through a full pipe arrive whole."""
    reader, writer = os.pipe()
    saved = os.dup(1)
    received = bytearray()

    def read() -> None:
        while part := os.read(reader, 3000):
            received.extend(part)
            time.sleep(0.0002)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        os.dup2(writer, 1)
        os.close(writer)
        talkers = [
            threading.Thread(target=lambda: [observe.log.info("long", pad="x" * 9000) for _ in range(10)])
            for _ in range(4)
        ]
        for talker in talkers:
            talker.start()
        for talker in talkers:
            talker.join()
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    thread.join()
    os.close(reader)
    lines = bytes(received).splitlines()
    assert len(lines) == 40
    assert all(len(json.loads(line)["pad"]) == 9000 for line in lines)


def test_a_stdout_that_does_not_block_is_waited_for() -> None:
    """Where user code has made stdout non-blocking, a full pipe holds a line up and does not tear it."""
    reader, writer = os.pipe()
    fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writer, False)
    saved = os.dup(1)
    received = bytearray()

    def read() -> None:
        time.sleep(0.05)
        while part := os.read(reader, 65536):
            received.extend(part)

    thread = threading.Thread(target=read)
    thread.start()
    try:
        os.dup2(writer, 1)
        os.close(writer)
        observe.log.info("long", pad="x" * 100_000)
        observe.log.info("after")
    finally:
        os.dup2(saved, 1)
        os.close(saved)
    thread.join()
    os.close(reader)
    assert [json.loads(line)["message"] for line in bytes(received).splitlines()] == ["long", "after"]


class _Piped:
    """A pipe as stdout, full unless told otherwise, that blocks who writes more."""

    def __init__(self, *, full: bool = True) -> None:
        self._full = full

    def __enter__(self) -> _Piped:
        self._saved = os.dup(1)
        self.reader, writer = os.pipe()
        size = fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, 16_384)
        if self._full:
            os.write(writer, b"x" * (size - 1) + b"\n")
        os.dup2(writer, 1)
        os.close(writer)
        return self

    def __exit__(self, *exc: object) -> None:
        os.dup2(self._saved, 1)
        os.close(self._saved)
        os.close(self.reader)

    def lines(self) -> list[dict[str, Any]]:
        """Read what is there: what made it full, then lines of ours."""
        found = os.read(self.reader, 65536).splitlines()
        return [json.loads(line) for line in found if line.startswith(b"{")]


def test_a_full_stdout_holds_up_nobody_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody reads a handler that logs returns; what was lost is counted, and said once it can be."""
    monkeypatch.setattr(stdout, "WAIT_S", 0.1)
    before = stdout.lost
    with _Piped() as pipe:
        observe.log.info("first")
        monkeypatch.setattr(stdout, "WAIT_S", 3600.0)
        observe.log.info("second")  # does not wait once more
        assert stdout.lost - before == 2
        assert pipe.lines() == []
        observe.log.info("third")
        observe.log.info("fourth")
        told, third, fourth = pipe.lines()
    assert (told["event"], told["lost"], told["level"]) == ("observe.lines_lost", 2, "WARN")
    assert (third["message"], fourth["message"]) == ("third", "fourth")
    assert stdout.lost - before == 2


def test_every_line_of_a_lost_write_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invocation's lines go out in one write, and are several."""
    monkeypatch.setattr(stdout, "WAIT_S", 0.0)
    before = stdout.lost
    with _Piped():
        stdout.write_all([b"1\n", b"2\n", b"3\n"])
        assert stdout.lost - before == 3


def test_lines_that_arrived_before_the_pipe_was_full_are_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a write that went out in part, what is left is lost: the line that was cut, and those after it."""
    monkeypatch.setattr(stdout, "WAIT_S", 0.0)
    before = stdout.lost
    with _Piped(full=False) as pipe:
        stdout.write_all([b'{"n":1}\n', b'{"n":2,"pad":"' + b"x" * 20_000 + b'"}\n', b'{"n":3}\n'])
        assert stdout.lost - before == 2
        assert os.read(pipe.reader, 65536).startswith(b'{"n":1}\n{"n":2,')
        observe.log.info("after")
        arrived = os.read(pipe.reader, 65536)
    assert arrived.startswith(b"\n")  # ends what was cut
    assert [json.loads(line)["message"] for line in arrived.splitlines() if line][1:] == ["after"]


def test_a_handler_of_signals_may_write_while_a_line_waits() -> None:
    """It interrupts the thread that holds the lock: neither waits for the other for ever."""

    def interrupted(*_: object) -> None:
        observe.log.info("interrupting")

    def read() -> None:
        time.sleep(0.2)
        received.append(os.read(pipe.reader, 65536))
        time.sleep(0.1)
        received.append(os.read(pipe.reader, 65536))

    received: list[bytes] = []
    before = signal.signal(signal.SIGALRM, interrupted)
    try:
        with _Piped() as pipe:
            reader = threading.Thread(target=read, daemon=True)
            reader.start()
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            observe.log.info("waiting")
            observe.log.info("after")
            reader.join(5)
    finally:
        signal.signal(signal.SIGALRM, before)
    lines = b"".join(received).splitlines()
    messages = [json.loads(line)["message"] for line in lines if line.startswith(b"{")]
    assert [message for message in messages if message in ("waiting", "after")] == ["waiting", "after"]
    assert "interrupting" in messages or any(
        "lines lost while stdout took none: 1" in message for message in messages
    )


def test_a_child_forked_while_a_line_waits_can_write() -> None:
    """The lock and the waiting are its parent's: it has its own."""
    before = stdout.lost
    with _Piped() as pipe:
        talker = threading.Thread(target=observe.log.info, args=("of the parent",))
        talker.start()
        time.sleep(0.05)
        child = os.fork()
        if not child:
            os.read(pipe.reader, 16_384)
            observe.log.info("of the child")
            os._exit(stdout.lost - before)
        assert os.waitpid(child, 0)[1] == 0
        talker.join()
        messages = {line["message"] for line in pipe.lines()}
    assert messages == {"of the child", "of the parent"}
