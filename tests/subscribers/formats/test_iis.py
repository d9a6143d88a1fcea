"""W3C extended log files: fields by their header, by default, and of other servers that write one."""

from __future__ import annotations

from datetime import UTC

import pytest

from subscribers.formats.iis import DEFAULTS, IIS
from subscribers.formats.records import paged
from tests.subscribers.formats.telling import MS, T0, TRACEPARENT, all_told, told
from tests.subscribers.formats.test_records import logs, page

VALUES = {
    "date": "2026-11-21",
    "time": "03:30:10",
    "s-sitename": "W3SVC1",
    "s-ip": "10.0.0.5",
    "cs-method": "POST",
    "cs-uri-stem": "/claims",
    "cs-uri-query": "policy=7",
    "s-port": "443",
    "cs-username": "CORP\\frank",
    "c-ip": "203.0.113.9",
    "cs(User-Agent)": "Mozilla/5.0+(Windows+NT+10.0)",
    "cs(Referer)": "https://claims.example.com/?a+b",
    "sc-status": "500",
    "sc-substatus": "19",
    "sc-win32-status": "64",
    "time-taken": "46",
}
EXPECTED = {
    "iis.site_name": "W3SVC1",
    "network.local.address": "10.0.0.5",
    "http.request.method": "POST",
    "url.path": "/claims",
    "url.query": "policy=7",
    "server.port": 443,
    "user.name": "CORP\\frank",
    "client.address": "203.0.113.9",
    "user_agent.original": "Mozilla/5.0 (Windows NT 10.0)",
    "http.request.header.referer": "https://claims.example.com/?a+b",
    "http.response.status_code": 500,
    "iis.substatus": 19,
    "iis.win32_status": 64,
}


@pytest.mark.parametrize("names", DEFAULTS)
def test_without_a_header_the_default_fields_are_known(names: str) -> None:
    """Of IIS 10, 7 and 6; the latter does not write how long it took."""
    fields = names.split()
    one = told(IIS, " ".join(VALUES[name] for name in fields))
    absent = {"s-sitename": "iis.site_name", "cs(Referer)": "http.request.header.referer"}
    missing = {attribute for name, attribute in absent.items() if name not in fields}
    assert one.attributes == {name: value for name, value in EXPECTED.items() if name not in missing}
    took = 46 * MS if "time-taken" in fields else None
    assert one.exchange is not None
    assert (one.exchange.duration_ns, one.exchange.start_unix_nano) == (took, T0 - (took or 0))
    assert (one.level, one.exchange.when) == ("ERROR", "2026-11-21 03:30:10")


def test_the_header_tells_the_fields() -> None:
    """In its order, also those that the team added, until another header comes."""
    parsed = paged(IIS, UTC)(
        page(
            "#Software: Microsoft Internet Information Services 10.0",
            "#Version: 1.0",
            "#Date: 2026-11-21 03:00:00",
            "#Fields: date time c-ip cs-method cs-uri-stem sc-status time-taken "
            "X-Correlation-ID cs(traceparent)",
            f"2026-11-21 03:30:10 203.0.113.9 GET /a 200 5 CLM-1 {TRACEPARENT}",
            "#Fields: time cs-uri-stem",
            "03:30:10 /b",
            "what is this",
        )
    )
    first, second, third = logs(parsed)
    assert (first.correlation_id, first.trace_id, first.time_unix_nano) == (
        "CLM-1",
        TRACEPARENT[3:35],
        T0 - 5 * MS,
    )
    # Without a date it is the day that is nearest.
    assert (second.attributes, second.time_unix_nano) == ({"url.path": "/b"}, T0)
    assert third.dataset == "text"
    assert (parsed.silent, parsed.notes) == (5, {"unparsed": 1})


def test_decimals_are_seconds() -> None:
    """As CloudFront, separated by tabs, and Tomcat's valve, with quotes, write them."""
    cloudfront, tomcat = (
        "#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem "
        "sc-status time-taken",
        "#Fields: c-ip cs-method cs-uri date time sc-status time-taken cs(User-Agent)",
    )
    _, first = all_told(
        IIS,
        cloudfront,
        "2026-11-21\t03:30:10\tFRA2\t2390\t203.0.113.9\tGET\td111.cloudfront.net\t/a\t200\t0.250",
    )
    _, second = all_told(
        IIS, tomcat, '203.0.113.9 GET /a?b=c 2026-11-21 03:30:10 200 0.250 "say ""hi"" there"'
    )
    for one in (first, second):
        assert one is not None
        assert one.exchange is not None
        assert (one.exchange.start_unix_nano, one.exchange.duration_ns) == (T0 - 250 * MS, 250 * MS)
    assert second is not None
    assert second.attributes["user_agent.original"] == 'say "hi" there'
    assert second.attributes["url.query"] == "b=c"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "# a comment",
        "2026-11-21 03:30:10 10.0.0.5 GET /",
        " ".join(VALUES[name] for name in DEFAULTS[0].split()).replace("2026-11-21", "2026-13-41"),
        " ".join(VALUES[name] for name in DEFAULTS[0].split()).replace(" 500 ", " ok "),
    ],
)
def test_other_lines_are_none_of_iis(line: str) -> None:
    """Of another number of fields, or with no time, method or status where one belongs."""
    assert all_told(IIS, line) == [None]
