"""Times without a year or a day: CloudWatch's lines are near its time, a file's not after it was written."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from subscribers.envelope import LogEvent
from subscribers.formats import FORMATS, moments
from subscribers.formats.custom import custom
from subscribers.formats.records import paged
from subscribers.formats.told import Clock
from subscribers.parsers.page import Format, Page
from tests.subscribers.formats.test_records import logs, page

_DAY, _YEAR = ("2026-12-31", "2027-01-01"), ("2026-03-04", "2027-03-04")
#: (format, a line with the time 02:15:10, its day in a file that was last written at the end of 2026, and in
#: CloudWatch's stream at that time)
LINES: list[tuple[Format, str, tuple[str, str]]] = [
    (paged(FORMATS["java"], UTC), "02:15:10.123 [main] INFO  com.example.Claims - paid", _DAY),
    (paged(FORMATS["syslog"], UTC), "Mar  4 02:15:10 app-1 claims[7]: paid", _YEAR),
    (paged(FORMATS["klog"], UTC), "I0304 02:15:10.123456       1 main.go:7] paid", _YEAR),
    (paged(FORMATS["zos_joblog"], UTC), "02.15.10 JOB01234  IEF404I CLAIMS - ENDED", _DAY),
    (paged(FORMATS["cef"], UTC), "Mar  4 02:15:10 h CEF:0|v|p|1|100|paid|3|src=10.0.0.1", _YEAR),
    (custom({"log4j": "%d{ABSOLUTE} %p %m%n"}), "02:15:10,123 INFO paid", _DAY),
    (custom({"grok": "^%{TIME:time} %{GREEDYDATA:message}"}), "02:15:10 paid", _DAY),
    (custom({"csv": {"columns": ["time", "x"]}}), "01/05/2027 02:15:10,x", ("2027-01-05", "2027-01-05")),
    (custom({"csv": {"columns": ["time", "x"]}}), "01/12/2026 02:15:10,x", ("2026-12-01", "2026-12-01")),
    (custom({"fixed_width": [{"name": "t", "start": 1, "length": 8, "type": "time"}]}), "02:15:10", _DAY),
]


def at(text: str) -> int:
    """Milliseconds since the epoch of an ISO time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1000


def of(line: str, timestamp_ms: int, file: str) -> Page:
    """A page with one line; file: "" where CloudWatch sent it."""
    return replace(page(line), events=(LogEvent(timestamp_ms=timestamp_ms, message=line),), file=file)


@pytest.mark.parametrize(("format", "line", "days"), LINES, ids=[line for _, line, _ in LINES])
def test_a_line_of_a_file_is_not_after_it(format: Format, line: str, days: tuple[str, str]) -> None:
    """What stands in a file was there when it was last written; what CloudWatch sends is near its time."""
    written = at("2026-12-31T23:59:59")
    for file, day in zip(("a file", ""), days, strict=True):
        (log,) = logs(format(of(line, written, file)))
        assert log.time_unix_nano // 10**9 == at(f"{day}T02:15:10") // 1000


def test_the_day_of_a_file_is_that_of_its_zone() -> None:
    """A line of this morning in Tokyo, where a file was written when it was still yesterday in London."""
    written = at("2026-11-20T23:30:00") * 10**6
    clock = Clock(ZoneInfo("Asia/Tokyo"), written, is_latest=True)
    assert moments.month_day("Nov", "21", "08:29:59.5", clock) == written - 500_000_000
    assert moments.month_day("Nov", "21", "08:36:00", clock) == written + 360 * 10**9 - 365 * 86_400 * 10**9
    assert moments.month_day("Feb", "30", "08:36:00", clock) is None


@given(
    st.integers(0, 364 * 86_400),
    st.sampled_from([UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")]),
    st.integers(1_795_231_810, 1_995_231_810),
)
def test_a_day_of_a_month_in_a_file_is_of_the_year_before_it(ago: int, zone: tzinfo, written: int) -> None:
    """Its lines are of that year, to the second: also those of the day that it was written on."""
    line = datetime.fromtimestamp(written - ago, zone)
    clock = Clock(zone, written * 10**9, is_latest=True)
    found = moments.month_day(f"{line:%b}", f"{line.day}", f"{line:%H:%M:%S}", clock)
    assert found is not None
    assert abs(found // 10**9 - (written - ago)) in (0, 3600)  # the hour that a clock shows twice
    parts = {
        "M": f"{line.month}",
        "d": f"{line.day}",
        **dict(zip("Hms", f"{line:%H:%M:%S}".split(":"), strict=True)),
    }
    assert found == clock.unix_nano(parts)
