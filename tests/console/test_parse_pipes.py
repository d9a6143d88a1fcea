"""`observe parse` and `observe ingest` of a pipe that is never silent, and where they are interrupted."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from itertools import pairwise, product
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from console.parse import Parsing, Wish
from console.parse_input import Beat, Pause, Source, chunks_of
from subscribers.inputs.inflate import Piece
from subscribers.signals import Log
from subscribers.store import Store
from tests.subscribers.lambda_stream import NOW

OBSERVE = [sys.executable, "-m", "console"]
LINE = "2026-11-21 03:30:10,123 INFO [main] a.B - "
FRAME = "\tat a.B.c(B.java:1)\n"
RECORDS = [
    f"{LINE}done\n",
    f"{LINE}refused\njava.lang.Error: no\n{FRAME}{FRAME}",
    f"{LINE}refused\njava.lang.Error: no\n{FRAME}Caused by: java.lang.Error: why\n{FRAME}",
]


def test_a_pipe_that_is_written_all_the_time_is_told_all_the_time() -> None:
    """Never silent for as long as a pause: the first lines are told long before the last is written."""
    reading, writing = os.pipe()
    sent = 0

    def send() -> None:
        nonlocal sent
        for number in range(100):
            os.write(writing, f"{LINE}{number}\n".encode())
            sent += 1
            time.sleep(0.01)
        os.close(writing)

    sender = threading.Thread(target=send)
    sender.start()
    told: list[str] = []
    with os.fdopen(reading, "rb") as pipe:
        parsing = Parsing(Source("-", 0, chunks_of(pipe, 0.2)), Wish(format="java"), NOW)
        first_at = 0
        for page in parsing.pages():
            first_at = first_at or sent
            told += [signal.message for signal in page.signals if isinstance(signal, Log)]
    sender.join()
    assert first_at < 100
    assert told == [str(number) for number in range(100)]


@given(st.lists(st.sampled_from(RECORDS), max_size=8), st.lists(st.integers(0, 600), max_size=8))
def test_no_beat_tears_a_record(records: list[str], cuts: list[int]) -> None:
    """Wherever the bytes come in pieces: the signals and their number are those of the file without."""
    data = "".join(records).encode()
    at = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[one:other] for one, other in pairwise(at)]

    def told(chunks: Iterator[Piece]) -> list[object]:
        parsing = Parsing(Source("a.log", 0, chunks), Wish(format="java"), NOW)
        found = [signal for page in parsing.pages() for signal in page.signals]
        assert parsing.summary.unread == {}
        return [(one.event_id, one.message, one.error_stack) for one in found if isinstance(one, Log)]

    assert told(part for piece in pieces for part in (piece, Beat())) == told(iter([data]))


def test_the_last_record_is_told_where_it_is_silent() -> None:
    """What waited for more behind a beat waits no longer."""
    taken: list[int] = []

    def chunks() -> Iterator[Piece]:
        yield (RECORDS[0] * 3).encode()
        yield Beat()
        taken.append(1)
        yield Pause()
        taken.append(2)

    parsing = Parsing(Source("a.log", 0, chunks()), Wish(format="java"), NOW)
    found = [(len(page.signals), len(taken)) for page in parsing.pages()]
    assert found == [(1, 0), (2, 1)]


def _interrupted(times: int, *arguments: str) -> tuple[str, str, int]:
    """(standard output, standard error, exit code) of a command that was interrupted behind two lines."""
    with subprocess.Popen(
        [*OBSERVE, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdin is not None
        running.stdin.write(f"{LINE}one\n{LINE}two\n".encode())
        running.stdin.flush()
        end = time.monotonic() + 60
        while any(fcntl.ioctl(running.stdin, termios.FIONREAD, bytes(4))) and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.1)  # less than a pause: the lines are still waiting
        for _ in range(times):
            running.send_signal(2)
            time.sleep(0.01)
        assert running.stdout is not None
        assert running.stderr is not None
        out, said = running.stdout.read().decode(), running.stderr.read().decode()
    return out, said, running.returncode


def test_what_waits_is_told_at_an_interrupt() -> None:
    """`tail -f x | observe parse` and Ctrl-C: no line is lost."""
    out, said, code = _interrupted(1, "parse", "--format", "java", "--json")
    assert [json.loads(line)["message"] for line in out.splitlines()] == ["one", "two"]
    assert said.startswith("-: 2 lines: 2 logs, 0 metrics, 0 spans\n")
    assert said.endswith("Error: interrupted\n")
    assert code == 1


def test_what_waits_is_kept_at_an_interrupt(tmp_path: Path) -> None:
    """`tail -f x | observe ingest -` and Ctrl-C: no line is lost; `timeout -s INT` sends it twice."""
    out, _, _ = _interrupted(2, "ingest", "-", "--format", "java", "--store", str(tmp_path / "store"))
    assert out == "-: 2 lines, 2 delivered; 2 signals\n"
    kept = Store(tmp_path / "store").query("SELECT message FROM logs ORDER BY sequence")
    assert [row["message"] for row in kept] == ["one", "two"]


def test_text_of_any_script_is_printed_in_any_character_set(tmp_path: Path) -> None:
    """What the terminal's lacks is an escape, no traceback."""
    path = tmp_path / "страховка.log"
    path.write_text("отказано 😀 fin\u00e9\n", encoding="utf-8")
    ingest = ["ingest", "--store", str(tmp_path / "store")]
    for encoding, command in product(("latin-1", "koi8-r", "utf-8"), (["parse"], ingest)):
        environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
        done = subprocess.run(
            [*OBSERVE, *command, path, tmp_path / "нет"], capture_output=True, timeout=60, env=environment
        )
        assert done.returncode == 1
        shown = "отказано 😀 finé" if command == ["parse"] else "страховка.log: 1 line"
        assert shown.encode(encoding, "backslashreplace") in done.stdout
        assert "нет: No such file".encode(encoding, "backslashreplace") in done.stderr
