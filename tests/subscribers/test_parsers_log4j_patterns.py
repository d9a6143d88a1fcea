# ruff: noqa: E501 - tables of cases, one a line
"""log4j's patterns: which are refused, and laws over those that are not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import tables
from subscribers.formats.custom import JAVA_LAYOUTS
from subscribers.parsers.java_layout import BadLayout, compile_layout
from tests.subscribers.lambda_stream import logs
from tests.subscribers.test_parsers_log4j import LINE, STACK, one, told

# --- Patterns -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("", "writes no message: it needs %m before the first line break"),
        ("%d %p%n", "writes no message"),
        ("%d%n%m", "writes no message"),
        ("%d %foo %m", "the conversion '%foo' is not known"),
        ("%highlight{%m}", "the conversion '%highlight' changes or wraps"),
        ("100% %m", "the % of '% %m' starts no conversion; a percent sign is written %%"),
        ("%d ${PID:- } %m", "a lookup ${...} is not known here; write what it stands for, e.g. %pid"),
        ("%m %5", "the % of '%5' starts no conversion"),
        ("%d{yyyy-QQ} %m", "the letter 'Q' of the date pattern 'yyyy-QQ' is not supported"),
        ("%d{--} %m", "the date pattern '--' names no part of a time"),
        ("%d{HH 'x} %m", "a quote in the date pattern 'HH 'x' is never closed"),
        ("%d{ISO8601}{Mars/Olympus} %m", "there is no time zone 'Mars/Olympus'"),
        ("%99999p %m", "'%99999p' is wider than 1000 characters"),
    ],
)
def test_a_pattern_that_cannot_be_read_says_why(pattern: str, said: str) -> None:
    """The configuration is refused before any line comes."""
    with pytest.raises(BadLayout, match=re.escape(said)):
        compile_layout(pattern)


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        ("%clr(%d{HH:mm}){faint} %clr(%5p) %m%n%wEx", "logback"),
        ("%d %p %cyan(%logger{36}) - %msg%n", "logback"),
        ("%d %boldGreen(%p) %msg%n", "logback"),
        ("%d (%t) %p(%c) %msg", "logback"),
        ("%d %p %maxLen{%m}{200}%n", "log4j"),
        ("%notEmpty{[%X{id}]} %m%n", "log4j"),
        ("%replace{%m}{x}{y} %m", "log4j"),
        ("%d %p%foo %messages", "logback"),
    ],
)
def test_what_wraps_others_is_refused_not_misread(pattern: str, kind: str) -> None:
    """A longer word that begins like a known one is not that one with text behind it."""
    with pytest.raises(BadLayout, match=r"changes or wraps|is not known"):
        compile_layout(pattern, kind)


CONVERSIONS = ["%d", "%d{", "HH:mm", "}", "{UTC}", "%p", "%-5p", "%X", "%X{a}", "%m", "%n", "%t", "%20.30c", "%%", "%"]  # fmt: skip
patterns = st.lists(
    st.sampled_from([*CONVERSIONS, " ", "[", "] ", " - ", "\\", "'"]) | st.text(max_size=3), max_size=9
).map("".join)
text = st.text(max_size=30) | st.sampled_from([LINE, *STACK, "", "{a=1}", "INFO x"])


@pytest.mark.parametrize("kind", JAVA_LAYOUTS)
@given(patterns, st.lists(text, max_size=6))
def test_any_pattern_reads_any_line_or_says_why_not(kind: str, pattern: str, lines: list[str]) -> None:
    """Each event is told, joined or silent; a table holds what comes out."""
    try:
        parsed = told(pattern, *lines, kind=kind)
    except BadLayout:
        return
    found = {log.event_id for log in logs(parsed)}
    assert len(found) == len(parsed.signals)
    assert len(found) + parsed.silent + len(parsed.joined) == len(lines)
    assert set(parsed.joined.values()) <= found
    for signal in parsed.signals:
        tables.json_text(tables.row(signal)).encode()


@given(
    st.sampled_from(["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"]),
    st.from_regex(r"[a-z0-9-]{1,20}", fullmatch=True),
    st.from_regex(r"[a-z]{1,9}(\.[A-Z][a-z]{1,9}){0,3}", fullmatch=True),
    st.from_regex(r"[A-Za-z0-9._:/=+@-]{1,40}", fullmatch=True),
    st.text(st.characters(codec="utf-8", exclude_characters="\n\r"), min_size=1, max_size=40),
)
def test_what_a_layout_writes_is_read_back(
    level: str, thread: str, logger: str, correlation_id: str, message: str
) -> None:
    """Whatever the message says, the other fields are their own."""
    line = f"2026-11-21 03:30:10,123 {level:<5} [{thread}] {logger:>12} <{correlation_id}> {message}"
    log = one("%d %-5p [%t] %12c <%X{correlationId}> %m%n", line)
    assert (log.level, log.attributes) == (level, {"thread.name": thread, "log.logger": logger})
    if correlation_id not in ("-", "null"):
        assert log.correlation_id == correlation_id
    assert log.message == message


@pytest.mark.parametrize(
    ("pattern", "piece"),
    [
        ("%d %X %m", "2026-11-21 03:30:10,123 {{"),
        ("[%t] %c - %m [%X{a}] [%X{b}]%n", "[ ] - "),
        ("%X%m", "{a=1" + ", " * 499_990 + "}"),
        ("%20t%X{a}%X %m %X{c} - %X%n", "}{ - "),
        ("%m%n", "a.b."),
    ],
)
def test_a_hostile_line_is_scanned_once(pattern: str, piece: str) -> None:
    """A megabyte of almost-matches costs no more than its length (the suite's time limit is the judge)."""
    line = piece * (1_000_000 // len(piece))
    told(pattern, line, "\tat x(", "\tat " + line, f"java.{line}: x", line)
