"""What commands share: lines on terminals and in pipes, times as they are typed."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.terminal import duration_ns, line, window

ROOT = Path(__file__).parents[2]
NOW_NS = 1_795_000_000_000_000_000
LONG = "word " * 30 + "s3://bucket/" + "x" * 100 + " end"
#: Prints LONG behind a head of 8 characters, as every command prints.
PRINT = f"from console.terminal import line, output; line(output(), {LONG!r}, '  head  ')"


def printed(*, is_terminal: bool, columns: str) -> list[str]:
    """The lines that a process prints to a terminal or to a pipe."""
    command = [sys.executable, "-c", PRINT]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": columns, "TERM": "xterm"}
    if not is_terminal:
        return subprocess.check_output(command, env=environment, text=True).splitlines()
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs, stdin=theirs)
    os.close(theirs)
    text = b""
    try:
        while data := os.read(ours, 4096):
            text += data
    except OSError:  # how a pty on Linux says that nobody is at the other side any more
        pass
    finally:
        os.close(ours)
    assert process.wait(30) == 0, text
    return text.decode().splitlines()


def test_a_terminal_folds_between_words() -> None:
    """Behind the head; a word that is longer than the terminal stays whole, for it is copied."""
    first, *others = printed(is_terminal=True, columns="80")
    assert first.startswith("  head  word word")
    assert all(one.startswith(" " * 8 + "w") or "s3://" in one or "end" in one for one in others)
    assert all(len(one) <= 80 for one in (first, *others) if "s3://" not in one)
    assert "        s3://bucket/" + "x" * 100 in others


@pytest.mark.parametrize("columns", ["80", "200"])
def test_a_pipe_has_the_whole_line(columns: str) -> None:
    """However narrow somebody says that it is."""
    assert printed(is_terminal=False, columns=columns) == [f"  head  {LONG}"]


@given(text=st.text(), head=st.text("ab ", max_size=5))
def test_a_line_is_data(text: str, head: str) -> None:
    """Whatever it holds, it is one line, is no markup and reaches no terminal as a command."""
    out = io.StringIO()
    line(Console(file=out, force_terminal=True, color_system=None), f"[red]{text}", head)
    told = out.getvalue()
    assert told.endswith("\n")
    assert told[:-1].isprintable()
    assert told.startswith(f"{head}[red]")


@given(st.timedeltas(timedelta(0), timedelta(days=20_000)))
def test_moments_are_exact(since: timedelta) -> None:
    """An instant to the microsecond, in any zone; a duration is that long ago."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + since
    ns = since // timedelta(microseconds=1) * 1_000
    assert window(moment.isoformat(), None, NOW_NS) == (ns, None)
    assert window(moment.replace(tzinfo=None).isoformat(), None, NOW_NS) == (ns, None)
    ms = since // timedelta(milliseconds=1)
    assert window(None, f"{ms}ms", NOW_NS) == (None, max(0, NOW_NS - ms * 1_000_000))


@given(st.text() | st.from_regex(r"[-0-9:.smhdwTZ+]{1,30}"))
def test_what_is_typed_is_a_time_or_a_sentence(text: str) -> None:
    """Nothing else is raised, and a time is one that is kept."""
    assert duration_ns(text) is None or duration_ns(text) in range(1 << 63)
    with suppress(click.BadParameter):
        assert window(text, None, NOW_NS)[0] in range(1 << 63)


@pytest.mark.parametrize(
    ("since", "until"), [("1h", "2h"), ("2026-11-21", "2026-11-21"), ("2999-01-01", "1d")]
)
def test_a_window_has_an_inside(since: str, until: str) -> None:
    """One that ends before it begins holds nothing, and is a mistake."""
    with pytest.raises(click.BadParameter, match="does not lie after --since"):
        window(since, until, time.time_ns())
