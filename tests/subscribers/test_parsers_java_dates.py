"""Which of several times a line means that leaves out its year or its day."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.parsers import java_dates

S = 10**9
#: 2026-11-21T03:30:10Z.
AT = 1_795_231_810 * S
ZONES = st.sampled_from([UTC, ZoneInfo("Asia/Tokyo"), ZoneInfo("America/New_York")])


def parts_of(at: datetime, *, day: bool) -> java_dates.Parts:
    """What a line says that leaves out the year, or the day too."""
    clock = {"H": f"{at.hour}", "m": f"{at.minute}", "s": f"{at.second}"}
    return {"M": f"{at.month}", "d": f"{at.day}", **clock} if day else clock


@given(st.integers(0, 364 * 86_400), ZONES, st.integers(AT // S, AT // S + 10**9))
def test_lines_of_a_file_are_of_the_year_before_it_was_written(ago: int, zone: tzinfo, written: int) -> None:
    """Whatever a line of that year says without its year, its own time is found."""
    line = datetime.fromtimestamp(written - ago, zone)
    found = java_dates.unix_nano(parts_of(line, day=True), zone, written * S, is_latest=True)
    assert found is not None
    assert abs(found - (written - ago) * S) in (0, 3600 * S)  # the hour that a clock shows twice


@given(st.integers(0, 86_399 - 3600), ZONES, st.integers(AT // S, AT // S + 10**9))
def test_and_of_the_day_before(ago: int, zone: tzinfo, written: int) -> None:
    """As logback's `HH:mm:ss.SSS` is written; days of 23 and 25 hours are an hour off at most."""
    line = datetime.fromtimestamp(written - ago, zone)
    found = java_dates.unix_nano(parts_of(line, day=False), zone, written * S, is_latest=True)
    assert found is not None
    assert abs(found - (written - ago) * S) in (0, 3600 * S)


@pytest.mark.parametrize(
    ("ahead", "expected"), [(300, 300), (301, 301 - 86_400), (-1, -1), (43_201, 43_201 - 86_400)]
)
def test_a_clock_may_be_five_minutes_ahead(ahead: int, expected: int) -> None:
    """More than that after the file's time is the day before."""
    line = datetime.fromtimestamp(AT // S + ahead, UTC)
    found = java_dates.unix_nano(parts_of(line, day=False), UTC, AT, is_latest=True)
    assert found == AT + expected * S


def test_a_time_that_leaves_nothing_out_is_what_it_says() -> None:
    """Also where it is after the file's."""
    parts = {"y": "2027", "M": "1", "d": "1", "H": "0"}
    later = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp()) * S
    assert java_dates.unix_nano(parts, UTC, AT, is_latest=True) == later


@given(st.lists(st.integers(0, 2 * AT), min_size=1), st.integers(0, 2 * AT))
def test_what_is_meant_is_one_of_them(found: list[int], near: int) -> None:
    """The last that is not after the time; the first of all where each is; or the nearest."""
    latest = java_dates.meant(found, near, is_latest=True)
    before = [nano for nano in found if nano <= near + 300 * S]
    assert latest == (max(before) if before else min(found))
    nearest = java_dates.meant(found, near, is_latest=False)
    assert nearest in found
    assert all(abs(nearest - near) <= abs(nano - near) for nano in found)
