# ruff: noqa: E501 - tables of cases, one a line
"""Lines of pairs: logfmt, and pairs behind and between other text."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats import key_value, pairs
from subscribers.formats.told import Clock, Reader

#: 2026-11-21T03:30:10Z
NEAR = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, NEAR)
AT = NEAR + 123_000_000


def found(read: Reader, line: str) -> tuple[int | None, str, str, dict[str, Any]]:
    """Time, level, message and attributes of a line that is one of the format."""
    told = read(line, CLOCK)
    assert told is not None
    return told.time_unix_nano, told.level, told.message, told.attributes


# (line, time, level, message, attributes)
LOGFMT: list[tuple[str, int | None, str, str, dict[str, Any]]] = [
    ('ts=2026-11-21T03:30:10.123Z level=info msg="claim accepted" claim=7 cached', AT, "INFO", "claim accepted", {"claim": "7", "cached": True}),
    ('time="2026-11-21T03:30:10.123Z" level=warning msg="a \\"q\\" \\\\ b\\n"', AT, "WARN", 'a "q" \\ b\n', {}),
    ("level=error ts=1795231810.123 caller=main.go:7 msg=boom logger=claims", AT, "ERROR", "boom", {"caller": "main.go:7", "log.logger": "claims"}),
    ('at=info method=GET path="/x?a=b" fwd= status=200', None, "INFO", 'at=info method=GET path="/x?a=b" fwd= status=200', {"method": "GET", "path": "/x?a=b", "fwd": "", "status": "200"}),
    ("msg=hi", None, "", "hi", {}),
    ("a=x=y b='it is' c={x y}", None, "", "a=x=y b='it is' c={x y}", {"a": "x=y", "b": "it is", "c": "{x y}"}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "time", "level", "message", "attributes"), LOGFMT)
def test_logfmt(line: str, time: int | None, level: str, message: str, attributes: dict[str, Any]) -> None:
    """Quotes, escapes, bare flags and empty values; the names of loggers mean what they do elsewhere."""
    assert found(key_value.read_logfmt, line) == (time, level, message, attributes)


@pytest.mark.parametrize(
    "line",
    ["", "plain text", "plain a=b c=d", 'a="never closed', "a=b, c=d", "x = y", "a=b c d e f", "a=1", "==="],
)
def test_what_is_no_logfmt(line: str) -> None:
    """Other words at the beginning, more flags than pairs, quotes that are not closed."""
    assert key_value.read_logfmt(line, CLOCK) is None


# (line, time, level, message, attributes)
KEY_VALUE: list[tuple[str, int | None, str, str, dict[str, Any]]] = [
    ('2026-11-21 03:30:10,123 WARN claim is late: claim=7, days=3; owner="Ann \\"A.\\" Lee"', AT, "WARN", "claim is late", {"claim": "7", "days": "3", "owner": 'Ann "A." Lee'}),
    ("[2026-11-21T03:30:10.123Z] [ERROR] it broke - code=5 why='no disk'", AT, "ERROR", "it broke", {"code": "5", "why": "no disk"}),
    ("user: a=1,b=2,c={x=1, y=[2]},d=(p q) e=x,y", None, "", "user", {"a": "1", "b": "2", "c": "{x=1, y=[2]}", "d": "(p q)", "e": "x,y"}),
    ("user a=1 went b=2 away", None, "", "user a=1 went b=2 away", {"a": "1", "b": "2"}),
    ("IN=eth0 OUT= SRC=1.2.3.4", None, "", "IN=eth0 OUT= SRC=1.2.3.4", {"IN": "eth0", "OUT": "", "SRC": "1.2.3.4"}),
    ("a=1|b=2|level=DEBUG", None, "DEBUG", "a=1|b=2|level=DEBUG", {"a": "1", "b": "2"}),
    ('b=1 a="never closed c=2', None, "", 'b=1 a="never closed c=2', {"b": "1", "a": '"never closed c=2'}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "time", "level", "message", "attributes"), KEY_VALUE)
def test_key_value(line: str, time: int | None, level: str, message: str, attributes: dict[str, Any]) -> None:
    """Whatever separates the pairs; words between them keep the line whole."""
    assert found(key_value.read_key_value, line) == (time, level, message, attributes)


@pytest.mark.parametrize("line", ["", "no pairs", "one a=b only", "a == b == c", "http://h/?a=1&b=2"])
def test_what_has_no_pairs(line: str) -> None:
    """One is none, and neither are comparisons and queries of URLs."""
    assert key_value.read_key_value(line, CLOCK) is None


def test_identity_and_errors() -> None:
    """As in JSON lines."""
    told = key_value.read_logfmt('level=error msg=m error="no disk" correlation_id=CLM-1 x=y', CLOCK)
    assert told is not None
    assert (told.error_message, told.correlation_id, told.attributes) == ("no disk", "CLM-1", {"x": "y"})


def quoted(text: str) -> str:
    """As logfmt's encoders write it."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + escaped.replace("\r", "\\r") + '"'


@given(
    st.dictionaries(st.from_regex(r"[a-z][a-z0-9_.]{0,9}", fullmatch=True), st.text(max_size=20), min_size=1)
)
def test_what_an_encoder_writes_is_read(members: dict[str, str]) -> None:
    """logfmt(encode(x)) == x."""
    assert pairs.logfmt(" ".join(f"{key}={quoted(value)}" for key, value in members.items())) == members


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (r"caf\u00e9 \x1b[0m", "caf\u00e9 \x1b[0m"),
        (r"\U0001f600 \ud83d\ude00", "\U0001f600 \U0001f600"),  # Go's and JSON's
        (r"caf\xc3\xa9", "caf\u00e9"),
        (r"\a\b\f\v\r", "\a\b\f\v\r"),
        (r"\\x41 \'", r"\x41 '"),
        (r"\d+\s \xe9 \u12 \U99999999", r"\d+\s \xe9 \u12 \U99999999"),  # none of them
        (r"\ud83d!", "\ufffd!"),
    ],
)
def test_escapes_are_gos(written: str, read: str) -> None:
    """What is no escape stays as it is written."""
    assert pairs.logfmt(f'msg="{written}"') == {"msg": read}
    told = key_value.read_logfmt(f'level=info msg="{written}"', CLOCK)
    assert told is not None
    assert told.message == read


@given(st.text(alphabet='\\xuU0aeN9"d83', max_size=40))
def test_what_escapes_stand_for_can_be_encoded(text: str) -> None:
    """No half of a surrogate pair is left over, and nothing raises."""
    pairs.unescape(text).encode()


@given(st.text(alphabet="ab= \"'\\{}[](),;|\n", max_size=60))
def test_pairs_are_in_order_and_apart(text: str) -> None:
    """No pair begins before the one before it has ended, and each value is in the line."""
    end = 0
    for start, stop, key, _ in pairs.scan(text):
        assert end <= start < stop <= len(text)
        assert text[start:].startswith(f"{key}=")
        end = stop
