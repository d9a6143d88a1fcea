# ruff: noqa: E501 - tables of lines, one a line
"""Formats of a team's own: every kind, with multi-line records and character sets around it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats.custom import KINDS as ALL_KINDS
from subscribers.formats.custom import custom, files_of, mistake
from subscribers.formats.records import BYTES_MAX
from subscribers.parsers.java_layout import BadLayout
from subscribers.signals import Log, Span
from tests.subscribers.formats.test_records import logs, page

TABLE = [
    {"name": "at", "start": 1, "length": 8, "type": "time"},
    {"name": "message", "start": 10, "length": 30},
]
STARTS = {"multiline": {"start": r"^\d\d:\d\d"}}
KINDS: list[tuple[dict[str, Any], str, str]] = [
    ({"grok": "^%{TIME:time} %{GREEDYDATA:message}"}, "03:30:10 hello", "grok"),
    ({"csv": {"columns": ["time", "message"], "delimiter": "|"}}, "03:30:10|hello", "csv"),
    ({"fixed_width": TABLE}, "03:30:10 hello", "fixed_width"),
    ({"log4j": "%d{HH:mm:ss} %m%n"}, "03:30:10 hello", "log4j"),
    ({"logback": "%d{HH:mm:ss} %m%n"}, "03:30:10 hello", "logback"),
]


@pytest.mark.parametrize(("options", "line", "dataset"), KINDS, ids=[dataset for _, _, dataset in KINDS])
@pytest.mark.parametrize("timezone", ["UTC", "Europe/Paris"])
def test_every_kind_reads_its_lines(options: dict[str, Any], line: str, dataset: str, timezone: str) -> None:
    """In the service's zone, with the day that the event's time says."""
    (log,) = logs(custom(options, timezone)(page(line)))
    assert (log.message, log.dataset, log.time_from) == ("hello", dataset, "line")
    assert (
        log.time_unix_nano % 86_400_000_000_000
        == (3 if timezone == "UTC" else 2) * 3_600_000_000_000 + 1_810_000_000_000
    )


WHEN = "[21/Nov/2026:03:30:10 +0000]"
#: Kind, pattern, line -> dataset and how long the request took, in ns.
SERVERS = [
    ("apache", '%h %t "%r" %>s %D', f'203.0.113.9 {WHEN} "GET /x HTTP/1.1" 200 250', "apache.access", 250_000),
    ("nginx", '$remote_addr [$time_local] "$request" $status $request_time', f'203.0.113.9 {WHEN} "GET /x HTTP/1.1" 200 0.250', "nginx.access", 250_000_000),
    ("haproxy", "%ci [%trg] %{+Q}r %ST %Ta", f'203.0.113.9 {WHEN} "GET /x HTTP/1.1" 200 250', "haproxy.log", 250_000_000),
    ("tomcat", '%h %t "%r" %s %D', f'203.0.113.9 {WHEN} "GET /x HTTP/1.1" 200 250', "apache_tomcat.access", 250_000_000),
    ("tomcat_10_1", '%h %t "%r" %s %D', f'203.0.113.9 {WHEN} "GET /x HTTP/1.1" 200 250', "apache_tomcat.access", 250_000),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "pattern", "line", "dataset", "took_ns"), SERVERS)
def test_every_servers_pattern_reads_its_lines(
    kind: str, pattern: str, line: str, dataset: str, took_ns: int
) -> None:
    """A log and a span, by the server's own units."""
    log, span = custom({kind: pattern})(page(line)).signals
    assert isinstance(log, Log)
    assert isinstance(span, Span)
    assert (log.message, log.dataset, log.trace_id) == (line, dataset, span.trace_id)
    assert (span.name, span.end_unix_nano - span.start_unix_nano) == ("GET /x", took_ns)


def test_every_kind_is_tested() -> None:
    """Here."""
    assert {*(next(iter(options)) for options, _, _ in KINDS), *(kind for kind, *_ in SERVERS)} == {
        *ALL_KINDS
    }


@pytest.mark.parametrize(("options", "line", "dataset"), KINDS, ids=[dataset for _, _, dataset in KINDS])
def test_any_kind_may_have_records_of_several_lines(options: dict[str, Any], line: str, dataset: str) -> None:
    """The lines up to the next start are the record's; what comes before the first is by itself."""
    given = page("lost", line, "  more", "", "and more", line)
    parsed = custom({**options, **STARTS})(given)
    _, first, second = logs(parsed)
    assert parsed.joined == {given.event_ids[n]: given.event_ids[1] for n in (2, 3, 4)}
    assert (first.event_id, second.event_id) == (given.event_ids[1], given.event_ids[5])
    assert (first.dataset, second.message) == (dataset, "hello")
    assert first.message == "hello\n  more\n\nand more"
    assert parsed.notes == {"unparsed": 1}


def test_an_expression_sees_the_whole_record() -> None:
    """A dot is any character, line ends too."""
    options = {"grok": r"^%{TIME:time} %{DATA:message} SQL: %{GREEDYDATA:db.query.text}", **STARTS}
    (log,) = logs(custom(options)(page("03:30:10 slow SQL: select *", "from claims", "where x")))
    assert log.attributes == {"db.query.text": "select *\nfrom claims\nwhere x"}


def test_records_are_bounded_in_lines_bytes_and_time() -> None:
    """What is too much is a record of its own, counted."""
    lines = page("03:30:10 a", "b", "c", "d", "e")
    parsed = custom(
        {"grok": "^%{TIME:time} %{GREEDYDATA:message}", "multiline": {"start": "^03", "max_lines": 3}}
    )(lines)
    assert [log.message for log in logs(parsed)] == ["a\nb\nc", "d\ne"]
    assert parsed.notes == {"cut_continuation": 1, "unparsed": 1}
    big = page("03:30:10 a", "b" * (BYTES_MAX - 5), "c")
    parsed = custom({"grok": "%{GREEDYDATA:message}", **STARTS})(big)
    assert parsed.notes == {"cut_continuation": 1}
    java = {"log4j": "%d{HH:mm:ss} %p %m%n", "multiline": {"start": "^03", "max_lines": 3}}
    given = page("03:30:10 ERROR a", " b", " c", " d", " e", "03:30:11 INFO z", " y")
    parsed = custom(java)(given)
    assert [log.message for log in logs(parsed)] == ["a\n b\n c", " d\n e", "z\n y"]
    assert parsed.notes == {"cut_continuation": 1, "unparsed": 1}
    first, more, _ = logs(parsed)
    assert (more.time_unix_nano, more.level, more.dataset) == (first.time_unix_nano, "ERROR", "log4j")
    assert [given.event_ids.index(parsed.joined[given.event_ids[at]]) for at in (1, 2, 4, 6)] == [0, 0, 3, 5]
    late = custom({"grok": "%{GREEDYDATA:message}", "multiline": {"start": "^03", "max_wait": "1ms"}})
    assert late(page("03:30:10 a", "b", "c")).notes == {}  # a millisecond apart, each of the one before
    late = custom({"grok": "%{GREEDYDATA:message}", "multiline": {"start": "^03", "max_wait": "0ms"}})
    assert late(page("03:30:10 a", "b", "c")).notes == {"cut_continuation": 2}


def test_a_record_of_blanks_is_silent() -> None:
    """One that tells nothing has no log that its lines could be part of; each line counts all the same."""
    made = custom({"grok": "%{GREEDYDATA:message}", "multiline": {"start": "^$"}})
    given_page = page("", "  ", "", "x")
    parsed = made(given_page)
    assert [log.event_id for log in logs(parsed)] == [given_page.event_ids[2]]
    assert (parsed.silent, parsed.joined) == (2, {given_page.event_ids[3]: given_page.event_ids[2]})


def test_a_column_may_hold_the_correlation_id() -> None:
    """Under the name that the team gives it."""
    made = custom({"csv": {"columns": ["time", "auftrag", "message"]}}, "UTC", "auftrag")
    (log,) = logs(made(page("03:30:10,CLM-1,hello")))
    assert log.correlation_id == "CLM-1"


def test_records_of_a_file_have_a_length() -> None:
    """Where their bytes are in a character set of their own; else files have lines."""
    assert files_of({"fixed_width": TABLE, "encoding": "cp037"}) == ("cp037", 39)
    assert files_of({"fixed_width": TABLE}) == ("utf-8", 0)
    assert files_of({"csv": {}, "encoding": "latin-1"}) == ("latin-1", 0)


@pytest.mark.parametrize(("options", "line", "dataset"), KINDS, ids=[dataset for _, _, dataset in KINDS])
@given(st.integers(0, 20), st.text(max_size=9), st.sampled_from(" 0a:|,\"'\\\n\t(%{é"))
def test_no_line_raises(
    options: dict[str, Any], line: str, dataset: str, at: int, noise: str, character: str
) -> None:
    """Lines that are cut, changed and glued, and 100 KB of one character, in records or not."""
    lines = [line[:at] + noise + line[at:], line[:at] + character * 100_000, noise, line]
    for more in ({}, STARTS):
        given_page = page(*lines)
        parsed = custom({**options, **more})(given_page)
        told = {signal.event_id for signal in parsed.signals}
        assert set(parsed.joined.values()) <= told
        told |= set(parsed.joined)
        assert len(told) + parsed.silent == len(lines)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "needs one of"),
        ({"csv": {}, "encoding": "klingon"}, "character set"),
        ({"csv": {}, "multiline": {"start": "("}}, "multiline.start"),
        ({"csv": {}, "multiline": {"start": "a", "max_wait": "soon"}}, "max_wait"),
        ({"grok": "x"}, "keeps nothing"),
        ({"log4j": "%d"}, "message"),
    ],
)
def test_a_mistake_is_a_sentence(options: dict[str, Any], said: str) -> None:
    """Of one kind, whatever is wrong."""
    with pytest.raises(BadLayout, match=said):
        custom(options)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"csv": {}}, None),
        ({"csv": {}, "encoding": "cp037", "multiline": {"start": "x"}}, None),
        ({}, ""),
        ({"csv": {}, "grok": "%{WORD:a}"}, ""),
        ({"csv": {}, "encoding": "klingon"}, "encoding"),
        ({"csv": {"columns": ["a", "a"]}, "encoding": "cp037"}, "csv"),
        ({"csv": {}, "multiline": {"start": "("}}, "multiline"),
        ({"haproxy": "%nix"}, "haproxy"),
    ],
)
def test_a_mistake_names_its_key(options: dict[str, Any], key: str | None) -> None:
    """So that it is told where it is written; options that can be made have none."""
    found = mistake(options)
    assert (found[0] if found else None) == key
