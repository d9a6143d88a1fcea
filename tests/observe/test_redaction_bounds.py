"""Large values: cut before they are looked at, and no secret is told because the cut falls into it."""

from __future__ import annotations

import array
import collections
import dataclasses
import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import guard, outcome, redaction_bounds, semconv, wire
from observe.redaction import MARK, Redaction
from observe.testing import Lines
from tests.observe.running import run

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9"
MANY = {str(n): n for n in range(1_000_000)}


@dataclasses.dataclass
class _Download:
    content: bytes


class _Counting(Redaction):
    """Counts the characters that it looks at."""

    __slots__ = ("looked",)

    def __init__(self) -> None:
        super().__init__()
        self.looked = 0

    def text(self, value: str) -> str:
        self.looked += len(value)
        return super().text(value)


def large() -> dict[str, Any]:
    """Values that no line has room for."""
    return {
        "bytes": os.urandom(3_000_000),
        "bytearray": bytearray(3_000_000),
        "text": "password=x " * 600_000,
        "JSON": json.dumps([{"password": "hunter2", "id": n} for n in range(100_000)]),
        "members": MANY,
        "items": ["password=abc"] * 200_000,
        "distinct": [f"password=abc{n}" for n in range(200_000)],
        "nested": [[{"a": ["x" * 100] * 100}] * 100] * 100,
        "integers": [10**4000] * 1000,
        "deque": collections.deque(range(1_000_000)),
        "array": array.array("d", range(1_000_000)),
        "keys": MANY.keys(),
        "exception": KeyError(MANY),
        "dataclass": _Download(os.urandom(3_000_000)),
    }


@pytest.mark.parametrize("name", large())
def test_what_is_looked_at_has_a_bound(name: str) -> None:
    """Not more than a line has room for is redacted, however large the value is; and its size is told."""
    found = _Counting()
    clean, size = found.bounded({"value": large()[name], "n": 1}, wire.LINE_MAX_BYTES)
    assert found.looked < 64 * 1024
    assert size > wire.LINE_MAX_BYTES or name in ("deque", "array", "keys", "exception", "dataclass")
    assert len(str(clean)) < 64 * 1024
    assert clean["n"] == 1


@pytest.mark.parametrize("level", ["info", "debug"])
@pytest.mark.parametrize("name", large())
def test_a_large_field_is_one_line_that_is_marked(lines: Lines, name: str, level: str) -> None:
    """Far below the limit of a line, valid, and without its secrets."""
    value = large()[name]
    assert run({}, lambda event, context: getattr(observe.log, level)("downloaded", value=value)) is None
    assert guard.faults == {}
    if level == "info":
        (line,) = (line for line in lines.logs if line["message"] == "downloaded")
        assert line["cut"] > wire.LINE_MAX_BYTES or name in (
            "deque",
            "array",
            "keys",
            "exception",
            "dataclass",
        )
        assert "hunter2" not in json.dumps(line)
    assert max(map(len, lines.raw)) < 64 * 1024


def test_the_size_of_a_text_is_told(lines: Lines) -> None:
    """Where it is known: what a line of one large field would have been, but for the few bytes around it."""
    observe.log.info("x", value="x" * 1_000_000)
    observe.log.info("y" * 1_000_000)
    observe.log.info("%s of %d", b"z" * 1_000_000, 7)
    first, second, third = lines.logs
    assert abs(first["cut"] - 1_000_000) < wire.LINE_MAX_BYTES
    assert abs(second["cut"] - 1_000_000) < wire.LINE_MAX_BYTES
    assert third["message"].startswith("b'zzz")
    assert third["message"].endswith(" of 7")


SECRETS = ["password=hunter2SECRET", "4111 1111 1111 1111", JWT, "ghp_" + "a1" * 18, "sk-proj-" + "aB3" * 12]


@given(st.sampled_from(SECRETS), st.integers(-90, 10), st.integers(0, 40))
def test_a_cut_inside_a_secret_tells_no_part_of_it(secret: str, at: int, before: int) -> None:
    """Wherever it falls, and however much shorter the text before it has become."""
    most = 1000
    text = "password=abcdefghijklmnopqrstuvwxyz, " * before
    text = (text + "x " * most)[: most + at - 1] + " " + secret + " y" * 10_000
    found = redaction_bounds.head(text, most, Redaction())
    assert len(found) <= most + 1
    assert found.endswith("…")
    cut = found.removesuffix("…").rpartition(" ")[2]
    told = secret.removeprefix("password=")
    assert len(cut) < 4 or not told.startswith(cut) or MARK in cut
    assert told[:8] not in found


@given(st.sampled_from(SECRETS), st.integers(-90, 90))
def test_a_stack_is_cut_at_its_beginning(secret: str, at: int) -> None:
    """Its end stays; no value without its name, and no end of a token."""
    most = 1000
    text = "x" * 5000 + "\n" + secret + "\n" + ("y" * 9 + "\n") * ((most + at) // 10)
    found = redaction_bounds.tail(text, most, Redaction())
    assert len(found) <= most
    assert secret[-7:] not in found
    assert found.endswith("yyy\n")


def test_what_says_that_a_secret_is_held_is_not_left_out_alone() -> None:
    """The value stands first, its name behind more members than there is room for."""
    value = {"value": "hunter2", **{f"k{n}": n for n in range(2_000)}, "name": "password"}
    copy = redaction_bounds.Cut(1000, 100, 10_000, Redaction()).of(value)
    assert Redaction().tree(copy)["value"] == MARK
    assert copy["name"] == "password"


@pytest.mark.parametrize(
    "error",
    [
        ValueError(repr(os.urandom(500_000))),
        ValueError("password=hunter2 " * 100_000),
        KeyError(MANY),
        OSError(5, "x" * 1_000_000),
        ExceptionGroup("many", [ValueError(n) for n in range(50_000)]),
    ],
)
def test_large_exceptions_keep_their_stack(lines: Lines, error: Exception) -> None:
    """The message is cut, and the frames are told; on the span and in a log line."""

    def handler(event: Any, context: Any) -> None:
        try:
            raise error
        except Exception:
            observe.log.exception("failed")
            raise

    with pytest.raises(type(error)):
        run({}, handler)
    (logged,) = (line["error"] for line in lines.logs if line["message"] == "failed")
    (event,) = lines.spans[0]["events"]
    told = {one["key"]: one["value"]["stringValue"] for one in event["attributes"]}
    assert len(told[semconv.EXCEPTION_MESSAGE]) <= outcome.MESSAGE_MAX + 1
    assert len(lines.spans[0]["status"]["message"]) <= outcome.STATUS_MAX + 1
    for stack in (logged["stack"], told[semconv.EXCEPTION_STACKTRACE]):
        assert "in handler" in stack
        assert type(error).__name__ in stack
        assert len(stack) <= outcome.STACK_MAX
    assert "hunter2" not in json.dumps([logged, told, lines.spans[0]["status"]])


def test_large_attributes_of_a_span_are_cut_and_marked(lines: Lines) -> None:
    """As a log line's fields are."""

    def handler(event: Any, context: Any) -> None:
        with observe.span("s", rows=large()["JSON"], n=1):
            pass

    run({}, handler)
    (span,) = (span for span in lines.spans if span["name"] == "s")
    told = span["attributes"]
    assert int(told[semconv.CUT]) > 1_000_000
    assert int(told["n"]) == 1
    assert "hunter2" not in json.dumps(span)


def test_cycles_end() -> None:
    """Of containers, exceptions and objects."""
    cycle: dict[str, Any] = {}
    cycle["self"] = [cycle, cycle]
    error = ValueError()
    error.args = (error, cycle)
    for value in (cycle, error):
        clean, _ = Redaction().bounded({"value": value, "list": [value]}, wire.LINE_MAX_BYTES)
        json.dumps(wire.plain(clean))
