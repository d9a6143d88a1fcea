"""Standard output as a sink."""

from __future__ import annotations

import base64
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.ledger import Ledger
from subscribers.signals import Signal
from subscribers.sinks import ndjson
from subscribers.sinks.stdout import OutputError, StandardOutput, line
from subscribers.tables import ledger_row
from tests.subscribers.samples import T0, log, metric, span

SIGNALS: list[Signal] = [
    log("a", level="ERROR", trace_id="a" * 32, error_type="ValueError", error_message="no"),
    span("s", end_ms=12.5, status="error", status_message="late"),
    metric("m", 2.5, unit="ms", tags={"tier": "1"}),
]
ROW = ledger_row(Ledger(sink="es", received=3, delivered=2, dropped={"no_signal": 1}), "p", T0)


class Output(io.TextIOWrapper):
    """Standard output that counts its writes."""

    def __init__(self) -> None:
        self.written = io.BytesIO()
        super().__init__(self.written, encoding="utf-8")


def test_a_line_a_signal() -> None:
    """The same documents as everywhere, each with its ID; lines of the ledger say what they are."""
    output = Output()
    sink = StandardOutput(stream=output)
    sink.append(SIGNALS)
    assert output.written.getvalue() == ndjson.body(SIGNALS)
    sink.record([ROW])
    told = json.loads(output.written.getvalue().splitlines()[-1])
    assert (told["event.dataset"], told["sink"], told["received"]) == ("ledger", "es", 3)


def test_a_dead_letter_is_kept_byte_for_byte() -> None:
    """In base64, with its reason."""
    output = Output()
    StandardOutput(stream=output).dead_letter("bad_gzip", b"\xff\x00\n", {"log_group": "/a"})
    told = json.loads(output.written.getvalue())
    assert base64.b64decode(told["document_base64"]) == b"\xff\x00\n"
    assert (told["reason"], told["detail"]) == ("bad_gzip", {"log_group": "/a"})


def test_lines_for_people() -> None:
    """One line each: when, what, whose, and whom to look for."""
    output = Output()
    sink = StandardOutput(pretty=True, stream=output)
    sink.append(SIGNALS)
    sink.record([ROW])
    time = "2023-11-14T22:13:20.000Z"
    assert output.written.getvalue().decode().splitlines() == [
        f"{time} ERROR  claims: line a [ValueError: no] trace={'a' * 32}",
        f"{time} SPAN   claims: s (server) 12.500 ms FAILED late trace={'a' * 32}",
        f"{time} METRIC claims: m (count) 2.5ms tier=1",
        f"{time} LEDGER es: 3 received, 2 delivered, 0 stored, 1 dropped",
    ]


@given(st.text())
def test_a_line_is_one_line(text: str) -> None:
    """A law: no text ends a line or moves a terminal's cursor."""
    told = line(log("a", message=text))
    assert told.isprintable()
    assert StandardOutput(pretty=True, stream=Output()).append([log("a", message=text)]) is None


def test_half_a_surrogate_pair_is_a_line_too() -> None:
    """What UTF-8 cannot hold is replaced, and costs no other line."""
    output = Output()
    StandardOutput(stream=output).append([log("a", message="x\ud800"), log("b")])
    told = [json.loads(found) for found in output.written.getvalue().splitlines()]
    assert [found["message"] for found in told] == ["x?", "line b"]
    StandardOutput(pretty=True, stream=output).append([log("a", message="x\ud800")])


def test_output_without_bytes() -> None:
    """A stream of text alone, as tests and notebooks have, does as well."""
    output = io.StringIO()
    StandardOutput(stream=output).append(SIGNALS)
    assert output.getvalue().encode() == ndjson.body(SIGNALS)
    StandardOutput(stream=output).append([])
    assert output.getvalue().encode() == ndjson.body(SIGNALS)


def test_what_was_printed_before_stays_before(capfdbinary: Any) -> None:
    """Text that waits in the buffer comes first."""
    print("before", end=" ")
    StandardOutput().append([log("a")])
    assert capfdbinary.readouterr().out == b"before " + ndjson.body([log("a")])


def test_a_closed_output_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """Closed, or not there at all: an error of ours, with a reason."""
    output = Output()
    output.close()
    with pytest.raises(OutputError, match="closed") as raised:
        StandardOutput(stream=output).append(SIGNALS)
    assert raised.value.reason == "stdout_failed"
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(OutputError, match="no standard output"):
        StandardOutput().append(SIGNALS)


def test_a_full_disk_is_a_sentence() -> None:
    """The system's own words."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    full = io.TextIOWrapper(cast(Any, Path("/dev/full").open("wb", buffering=0)))  # noqa: SIM115
    with full, pytest.raises(OutputError, match="No space left"):
        StandardOutput(stream=full).append(SIGNALS)


class Narrow(io.RawIOBase):
    """What takes a few bytes a write, as a pipe without a buffer may; after the last, nothing."""

    def __init__(self, least: int) -> None:
        self.taken, self.least = b"", least

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        taken = bytes(data[: min(7, self.least - len(self.taken))])
        self.taken += taken
        return len(taken)


def test_output_that_takes_a_part() -> None:
    """All of it is written, or it is said that it was not."""
    whole = ndjson.body(SIGNALS)
    wide, narrow = Narrow(len(whole)), Narrow(20)
    StandardOutput(stream=io.TextIOWrapper(cast(Any, wide))).append(SIGNALS)
    assert wide.taken == whole
    with pytest.raises(OutputError, match="takes nothing"):
        StandardOutput(stream=io.TextIOWrapper(cast(Any, narrow))).append(SIGNALS)


def test_nobody_reads(tmp_path: Path) -> None:
    """A pipe whose reader has gone: one sentence, no traceback."""
    program = tmp_path / "write.py"
    program.write_text(
        "import os, sys\n"
        "from subscribers.sinks.stdout import OutputError, StandardOutput\n"
        "from tests.subscribers.samples import log\n"
        "sys.stdin.readline()\n"
        "try:\n"
        "    StandardOutput().append([log('a')])\n"
        "except OutputError as error:\n"
        "    print(error, file=sys.stderr)\n"
        "    os._exit(3)\n",
        encoding="utf-8",
    )
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    with subprocess.Popen(
        [sys.executable, str(program)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environ,
    ) as running:
        assert running.stdout
        running.stdout.close()
        running.stdout = None
        _, said = running.communicate(b"go\n", timeout=60)
    assert (running.returncode, said) == (3, b"nobody reads standard output any more\n")
