"""Grok expressions, compiled to RE2."""

from __future__ import annotations

from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats.grok import grok_format
from subscribers.formats.grok_patterns import PATTERNS
from subscribers.formats.told import Clock, Told
from subscribers.parsers.java_layout import BadLayout

AT = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, AT)


def read(expression: str, line: str) -> Told:
    """What a line tells that the expression must read."""
    found = grok_format(expression).reader()(line, CLOCK)
    assert found is not None
    return found


def test_an_application_log_is_read() -> None:
    """Time, level and message are the record's own; the others have the standards' names."""
    found = read(
        r"^%{TIMESTAMP_ISO8601:timestamp} \[%{DATA:thread}\] %{LOGLEVEL:level}\s+%{JAVACLASS:logger} - "
        "%{GREEDYDATA:message}",
        "2026-11-21 03:30:10,123 [main] ERROR  com.acme.Claims - it broke",
    )
    assert (found.time_unix_nano, found.level, found.message) == (AT + 123_000_000, "ERROR", "it broke")
    assert found.attributes == {"thread.name": "main", "log.logger": "com.acme.Claims"}


def test_types_and_names_of_both_dialects() -> None:
    """Logstash's brackets, Elasticsearch's dots, named groups; what is no number stays text."""
    found = read(
        r"%{WORD:[http][request][method]} %{NUMBER:took:float} %{INT:n:int} (?<claim>CLM-\d+) "
        "%{NOTSPACE:bad:int}",
        "GET 0.25 -7 CLM-1 x",
    )
    assert found.attributes == {
        "http.request.method": "GET",
        "grok.took": 0.25,
        "grok.n": -7,
        "grok.claim": "CLM-1",
        "grok.bad": "x",
    }


def test_known_lines_capture_by_ecs_names() -> None:
    """Apache's combined log and syslog, as Logstash has them."""
    line = (
        '127.0.0.1 - frank [21/Nov/2026:03:30:10 +0000] "GET /a.gif HTTP/1.0" 200 2326 '
        '"http://www.example.com/" "Mozilla/4.08 [en] (Win98; I ;Nav)"'
    )
    found = read("%{COMBINEDAPACHELOG}", line)
    assert found.time_unix_nano == AT
    assert found.attributes["http.response.status_code"] == 200
    assert found.attributes["user_agent.original"] == "Mozilla/4.08 [en] (Win98; I ;Nav)"
    found = read("%{SYSLOGLINE}", "Nov 21 03:30:10 host-1 cron[77]: job done")
    assert (found.time_unix_nano, found.message) == (AT, "job done")
    assert found.attributes == {"host.name": "host-1", "process.name": "cron", "process.pid": 77}


def test_plain_groups_keep_nothing() -> None:
    """As named_captures_only: only names count, and of two with one name the first that found something."""
    found = read(r"(a|b)+ (?:(x)|%{INT:n:int}) [(] \( %{WORD:w}|%{WORD:w}", "ab 5 ( ( end")
    assert found.attributes == {"grok.n": 5, "grok.w": "end"}


def test_what_does_not_match_is_none() -> None:
    """And goes on with the record before: the format joins."""
    format = grok_format("^%{TIMESTAMP_ISO8601:time} %{GREEDYDATA:message}")
    assert format.joins
    assert format.reader()("\tat a.B.c(B.java:1)", CLOCK) is None


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("%{NUMBR:x}", "did you mean 'NUMBER'"),
        ("%{WORD}", "keeps nothing"),
        ("%{WORD:x:decimal}", "the type 'decimal'"),
        ("%{WORD:x", "is no pattern"),
        ("%{}", "is no pattern"),
        ("(?=a)%{WORD:x}", "look-around"),
        ("(%{WORD:x}", "RE2"),
        (r"%{WORD:x} \1", "back references"),
        ("%{COMBINEDAPACHELOG}" * 30, "fields"),
        ("x{1000}{1000}%{WORD:x}", "RE2"),
    ],
)
def test_a_mistake_is_a_sentence(expression: str, said: str) -> None:
    """What is wrong, and where there is a near name, that."""
    with pytest.raises(BadLayout, match=said):
        grok_format(expression)


@pytest.mark.parametrize("name", PATTERNS)
@given(st.text(max_size=50))
def test_every_pattern_compiles_and_never_raises(name: str, line: str) -> None:
    """Each of the set, on any text, lone surrogates too."""
    found = grok_format(f"%{{{name}:x}}").reader()(line, CLOCK)
    assert found is None or isinstance(found, Told)


SAMPLES = [
    ("IP", ["10.0.0.1", "2001:db8::1", "::1", "::ffff:10.0.0.1"], ["10.0.0.256", "1.2.3", "host"]),
    ("UUID", ["0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"], ["0a1b2c3d"]),
    ("MAC", ["00:1b:44:11:3a:b7", "001b.4411.3ab7", "00-1B-44-11-3A-B7"], ["00:1b"]),
    ("NUMBER", ["1", "-1.5", "+.5"], ["x", "1.2.3"]),
    ("BASE16NUM", ["0xFF", "ff"], ["xyz"]),
    ("TIMESTAMP_ISO8601", ["2026-11-21T03:30:10.123Z", "2026-11-21 03:30"], ["21/11/2026"]),
    ("HTTPDATE", ["21/Nov/2026:03:30:10 +0000"], ["21/Now/2026:03:30:10 +0000"]),
    ("SYSLOGTIMESTAMP", ["Nov  1 03:30:10"], ["Nov 03:30:10"]),
    ("DATESTAMP_RFC2822", ["Sat, 21 Nov 2026 03:30:10 +0100"], ["Sat 21"]),
    ("CATALINA_DATESTAMP", ["Jan 9, 2014 7:13:13 AM", "31-Jul-2020 16:40:38.578"], ["now"]),
    ("URI", ["https://user@example.com:8080/a/b?c=d#e", "ftp://host"], ["//x"]),
    ("PATH", ["/var/log/x.log", r"C:\Temp\x.log"], ["var"]),
    ("EMAILADDRESS", ["a.b+c@example.com"], ["@x"]),
    ("HOSTPORT", ["db.example.com:5432", "10.0.0.1:80"], ["db"]),
    ("QS", ['"a \\" b"', "'x'", '""'], ['"a']),
    ("LOGLEVEL", ["WARN", "warning", "Information", "SEVERE"], ["loud"]),
    ("TTY", ["/dev/pts/0", "/dev/ttyS1"], ["/dev/null"]),
    ("JAVASTACKTRACEPART", ["  at a.B.<init>(B.java:12)", "at a.B.c(Native Method)"], ["at home"]),
]


@pytest.mark.parametrize(("name", "good", "bad"), SAMPLES, ids=[name for name, _, _ in SAMPLES])
def test_patterns_mean_what_their_names_say(name: str, good: list[str], bad: list[str]) -> None:
    """Whole texts that are one, and texts that are none."""
    reader = grok_format(f"^(?<x>%{{{name}}})$").reader()
    assert all(reader(text, CLOCK) is not None for text in good), good
    assert not any(reader(text, CLOCK) is not None for text in bad), bad
