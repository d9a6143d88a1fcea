"""Deadlines of calendars, on days the clocks change, too."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.calendars import (
    ZoneError,
    calendar_of,
    deadline_of,
    is_expected,
    last_deadline,
    next_deadline,
    reach_s,
)
from subscribers.alerts.model import Calendar

WEEKDAYS = {"by": "03:30", "timezone": "Europe/Paris", "days": "weekdays"}


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_a_calendar_is_what_the_file_says() -> None:
    """Days and times of observe.yaml become numbers."""
    read = calendar_of({**WEEKDAYS, "except": ["2026-12-25"]})
    assert read == Calendar(210, "Europe/Paris", (0, 1, 2, 3, 4), ("2026-12-25",))
    assert calendar_of({"by": "23:59", "timezone": "UTC"}).days == tuple(range(7))
    assert calendar_of({"by": "23:59", "timezone": "UTC", "days": "weekends"}).days == (5, 6)
    assert calendar_of({"by": "00:00", "timezone": "UTC", "days": ["sun", "tue"]}).days == (1, 6)


@pytest.mark.parametrize(
    ("day", "by", "deadline"),
    [
        ("2026-11-23", "03:30", "2026-11-23T02:30"),
        ("2026-07-01", "03:30", "2026-07-01T01:30"),
        # On 29 March there is no time from 02:00 to 03:00: 02:30 is 03:30 of the new time.
        ("2026-03-29", "02:30", "2026-03-29T01:30"),
        ("2026-03-29", "01:59", "2026-03-29T00:59"),
        ("2026-03-29", "03:00", "2026-03-29T01:00"),
        # On 25 October the time from 02:00 to 03:00 is there twice: the second one counts.
        ("2026-10-25", "02:30", "2026-10-25T01:30"),
        ("2026-10-25", "01:59", "2026-10-24T23:59"),
        ("2026-10-25", "03:00", "2026-10-25T02:00"),
    ],
)
def test_a_deadline_is_a_local_time(day: str, by: str, deadline: str) -> None:
    """What the clocks skip or show twice is the later of what it can mean."""
    calendar = calendar_of({"by": by, "timezone": "Europe/Paris"})
    assert deadline_of(calendar, date.fromisoformat(day)) == utc(deadline)


def test_deadlines_skip_days_that_are_none() -> None:
    """After Friday's comes Monday's, but for a holiday."""
    calendar = calendar_of({**WEEKDAYS, "except": ["2026-11-23"]})
    friday, tuesday = utc("2026-11-20T02:30"), utc("2026-11-24T02:30")
    assert last_deadline(calendar, friday) == friday
    assert last_deadline(calendar, tuesday - 1) == friday
    assert next_deadline(calendar, friday) == friday
    assert next_deadline(calendar, friday + 1) == tuesday


def test_a_zone_far_from_utc_has_its_own_day() -> None:
    """In Kiritimati it is tomorrow: its Monday begins on our Sunday."""
    calendar = calendar_of({"by": "08:00", "timezone": "Pacific/Kiritimati", "days": ["mon"]})
    assert next_deadline(calendar, utc("2026-11-20T00:00")) == utc("2026-11-22T18:00")
    assert last_deadline(calendar, utc("2026-11-22T18:00")) == utc("2026-11-22T18:00")


def test_a_calendar_without_a_day_has_no_deadline() -> None:
    """A calendar may name no day at all."""
    calendar = Calendar(0, "UTC", ())
    assert next_deadline(calendar, 0) is None
    assert last_deadline(calendar, utc("2026-11-22T00:00")) is None


def test_windows_reach_back_over_two_gaps() -> None:
    """What counts for Monday's deadline begins on Friday, and is judged until Tuesday."""
    for days, gaps in ((range(7), 3), (range(5), 7), ((5, 6), 13), ((2,), 15), ((), 15)):
        assert reach_s(Calendar(0, "UTC", tuple(days))) == gaps * 86_400


def test_an_unknown_zone_is_said() -> None:
    """A machine without the zone's data says so, in a sentence."""
    with pytest.raises(ZoneError, match="the time zone Mars/Base is not known here"):
        next_deadline(Calendar(0, "Mars/Base"), 0)


@given(
    at_s=st.integers(1_700_000_000, 2_000_000_000),
    by=st.integers(0, 1439),
    zone=st.sampled_from(
        ["UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]
    ),
    days=st.sets(st.integers(0, 6), min_size=1),
)
def test_the_next_and_the_last_deadline_enclose_a_time(at_s: int, by: int, zone: str, days: set[int]) -> None:
    """Between two deadlines there is no other: what comes next after the last one is the next."""
    calendar = Calendar(by, zone, tuple(sorted(days)))
    last, following = last_deadline(calendar, at_s), next_deadline(calendar, at_s + 1)
    assert last is not None
    assert following is not None
    assert last <= at_s < following
    assert next_deadline(calendar, last) == last
    assert next_deadline(calendar, last + 1) == following
    assert following - last <= timedelta(days=8).total_seconds()


@given(day=st.dates(date(2000, 1, 1), date(2040, 1, 1)))
def test_a_day_is_expected_by_its_weekday(day: date) -> None:
    """Weekdays are those from Monday to Friday, but for exceptions."""
    calendar = calendar_of(WEEKDAYS)
    assert is_expected(calendar, day) == (day.isoweekday() <= 5)
    assert not is_expected(calendar_of({**WEEKDAYS, "except": [str(day)]}), day)
