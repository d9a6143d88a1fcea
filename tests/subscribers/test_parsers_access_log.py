"""Apache's access logs: logs, and spans where a line says which request it was."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.ids import derive_trace_id, derived_span_id
from subscribers.parse import Parsed
from subscribers.parsers import access_log
from subscribers.signals import Link, Origin
from tests.subscribers import lambda_stream
from tests.subscribers.lambda_stream import SPAN, T0_MS, TRACE, logs, spans

ORIGIN = Origin("123456789012", "eu-west-1", "/legacy/claims/access", "web-1", "claims-web", "legacy")
HEAD = '127.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "POST /claims/check?id=7 HTTP/1.1"'
PARENT = f"00-{TRACE}-{SPAN}-01"
LINE = f'{HEAD} 200 57 12345 "CLM-1" "{PARENT}"'
T0 = T0_MS * 1_000_000 + 123_000_000


def told(*lines: str) -> Parsed:
    return lambda_stream.told(*lines, format="apache", origin=ORIGIN)


def test_a_line_is_a_log_and_a_span() -> None:
    """The time is the start, %D microseconds; the parent is the traceparent's."""
    (log,), (span,) = logs(told(LINE)), spans(told(LINE))
    attributes = {
        "http.request.method": "POST",
        "url.path": "/claims/check",
        "url.query": "id=7",
        "http.response.status_code": 200,
        "client.address": "127.0.0.1",
        "http.response.body.size": 57,
    }
    assert (log.dataset, log.level, log.message, log.attributes) == (
        "apache.access",
        "INFO",
        LINE,
        attributes,
    )
    assert (log.time_unix_nano, log.time_from) == (T0, "line")
    assert (log.trace_id, log.span_id, log.correlation_id) == (TRACE, span.span_id, "CLM-1")
    assert (span.trace_id, span.parent_span_id, span.correlation_id) == (TRACE, SPAN, "CLM-1")
    assert (span.start_unix_nano, span.end_unix_nano) == (T0, T0 + 12_345_000)
    assert (span.name, span.kind, span.told_by) == ("POST /claims/check", "server", "access_log")
    assert (span.status, span.attributes, span.event_id) == ("unset", attributes, f"{log.event_id}:0")


def test_the_span_id_is_derived_from_the_line() -> None:
    """Client, time and line: whoever reads it derives the same."""
    told_by = f"127.0.0.1|21/Nov/2026:03:30:10.123 +0000|{LINE}".encode()
    assert spans(told(LINE))[0].span_id == sha256(told_by).hexdigest()[:16]


def test_two_identities_are_linked() -> None:
    """The correlation ID leads to another trace: the span links there."""
    derived = derive_trace_id("CLM-1")
    expected = Link(derived, derived_span_id(derived), {"observe.link": "correlation_id"})
    assert spans(told(LINE))[0].links == (expected,)
    assert spans(told(LINE.replace("CLM-1", TRACE)))[0].links == ()


@pytest.mark.parametrize(
    "traceparent", ["-", "nonsense", f"00-{'0' * 32}-{SPAN}-01", f"ff-{TRACE}-{SPAN}-01"]
)
def test_without_a_valid_traceparent_the_correlation_id_tells_the_trace(traceparent: str) -> None:
    """Both sides derive the same trace without talking."""
    (span,) = spans(told(f'{HEAD} 200 57 1 "CLM-1" "{traceparent}"'))
    assert (span.trace_id, span.parent_span_id, span.links) == (derive_trace_id("CLM-1"), "", ())


def test_what_may_not_pass_the_trust_edge_is_known_by_its_derived_id() -> None:
    """As the layer does with such an ID."""
    (span,) = spans(told(f'{HEAD} 200 57 1 "rm -rf \\"x\\"" "-"'))
    assert span.correlation_id == span.trace_id == derive_trace_id('rm -rf "x"')


def test_without_either_id_a_request_is_a_trace_of_its_own() -> None:
    """A request of nobody counts as a request; its IDs are the line's, so a repeat has the same."""
    lines = (f'{HEAD} 200 57 1000 "-" "-"', f'{HEAD} 200 57 1 "-" "nonsense"')
    parsed = told(*lines)
    first, second = spans(parsed)
    assert first.trace_id != second.trace_id
    assert (first.parent_span_id, first.correlation_id, first.links) == ("", "", ())
    assert first.end_unix_nano - first.start_unix_nano == 1_000_000
    assert [span.trace_id for span in spans(told(*lines))] == [first.trace_id, second.trace_id]
    assert logs(parsed)[0].trace_id == first.trace_id


def test_without_id_and_duration_there_is_no_span() -> None:
    """A line that tells neither is a log all the same."""
    parsed = told(f"{HEAD} 200 57", f'{HEAD} 200 57 - "-" "-"')
    assert (len(logs(parsed)), spans(parsed), parsed.notes) == (2, [], {})


@pytest.mark.parametrize(
    ("status", "level", "span_status"),
    [(200, "INFO", "unset"), (302, "INFO", "unset"), (404, "WARN", "unset"), (503, "ERROR", "error")],
)
def test_the_status_tells_the_level(status: int, level: str, span_status: str) -> None:
    """Server faults are errors, client faults warnings."""
    parsed = told(LINE.replace(" 200 ", f" {status} "))
    assert (logs(parsed)[0].level, spans(parsed)[0].status) == (level, span_status)


COMMON = '10.0.0.9 - frank [21/Nov/2026:04:30:10 +0100] "GET /a HTTP/1.0" 404 -'


def test_the_common_format_is_read() -> None:
    """NCSA common; `-` is absent, the zone counts."""
    (log,) = logs(told(COMMON))
    assert log.time_unix_nano == T0_MS * 1_000_000
    assert log.attributes == {
        "http.request.method": "GET",
        "url.path": "/a",
        "http.response.status_code": 404,
        "client.address": "10.0.0.9",
        "user.name": "frank",
    }


def test_the_combined_format_is_read() -> None:
    """Common with referer and user agent, quotes in it escaped."""
    (log,) = logs(told(f'{COMMON} "-" "Agent \\"7\\""'))
    assert log.attributes["user_agent.original"] == 'Agent "7"'
    assert "http.request.header.referer" not in log.attributes


def test_escapes_of_apache_are_undone() -> None:
    """Bytes as \\xhh are UTF-8 together."""
    assert access_log.unescape(r"a\"b\\c\xc3\xa9\n\xff") == 'a"b\\cé\n\ufffd'
    (log,) = logs(told(LINE.replace("/check?", r"/\xc3\xa9\"?")))
    assert log.attributes["url.path"] == '/claims/é"'


@pytest.mark.parametrize("request_line", [r"\x16\x03\x01\x02", "-", ""])
def test_what_is_no_request_line_is_a_log_without_a_method(request_line: str) -> None:
    """A TLS hello to the plain port, or a client that said nothing."""
    parsed = told(LINE.replace("POST /claims/check?id=7 HTTP/1.1", request_line).replace(" 200 ", " 408 "))
    assert "http.request.method" not in logs(parsed)[0].attributes
    assert spans(parsed)[0].name == "HTTP"


@pytest.mark.parametrize(
    "line",
    [
        "AH00094: Command line: '/usr/sbin/apache2'",
        LINE[:-1],
        LINE.replace("Nov", "Nix"),
        LINE.replace("21/Nov", "31/Nov"),
        LINE.replace("+0000", "0000"),
        LINE.replace(" 200 ", " ok "),
        LINE.replace("2026", "9999").replace("+0000", "-2359"),
        f"{LINE} more",
        "[" * 10_000,
        '1 - - [21/Nov/2026:03:30:10 +0000] "' + "\\" * 9_999,
    ],
)
def test_what_does_not_parse_is_text_and_counted(line: str) -> None:
    """Kept as it is, at CloudWatch's time."""
    parsed = told(line)
    (log,) = logs(parsed)
    assert (log.dataset, log.message, log.level, log.time_from) == ("text", line, "", "event")
    assert (spans(parsed), parsed.notes) == ([], {"unparsed": 1})


def test_a_hostile_line_is_scanned_once() -> None:
    """A megabyte of almost-matches costs no more than its length (the suite's time limit is the judge)."""
    for piece in ("a [", '"\\', "- - [x] ", '"" '):
        told(f"h - - {piece * 300_000}", f'{HEAD} 200 5 1 "{piece * 300_000}')


@given(st.text() | st.from_regex(r'\S+ - - \[[^\]]{20,30}\] "[^"]*" \d{3} \d+( .*)?', fullmatch=True))
def test_any_line_is_exactly_one_log(line: str) -> None:
    """Parsing never raises; blank lines are silent."""
    parsed = told(line)
    assert len(logs(parsed)) + parsed.silent == 1
