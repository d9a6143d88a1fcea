"""The lines reach file descriptor 1 whole, whatever user code has done to it."""

from __future__ import annotations

import fcntl
import json
import os
import threading
import time
from typing import Any

import pytest

import observe
from observe import stdout
from observe.testing import capture
from tests.observe.running import run


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
