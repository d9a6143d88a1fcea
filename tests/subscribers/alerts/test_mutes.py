"""Mute windows: once, weekly, over midnight, over the days on which clocks are changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.mutes import muting

PARIS = "Europe/Paris"


def muted(mute: dict[str, object], first: str, minutes: int) -> list[str]:
    """When it mutes from an instant on, as `HH:MM-HH:MM` of UTC, minute by minute."""
    start = datetime.fromisoformat(first)
    moments = [start + timedelta(minutes=n) for n in range(minutes)]
    flags = [muting([mute], moment.timestamp()) is not None for moment in moments]
    found: list[str] = []
    for moment, before, now in zip(moments, [False, *flags], [*flags, False], strict=False):
        if now and not before:
            found.append(f"{moment:%H:%M}-")
        if before and not now:
            found[-1] += f"{moment:%H:%M}"
    return found


def test_once() -> None:
    """From its first second to the one before its last; in whatever offset it is written."""
    mute = {"from": "2026-03-31T22:00:00Z", "to": "2026-04-01T01:30:00+02:00"}
    assert muted(mute, "2026-03-31T20:00:00+00:00", 300) == ["22:00-23:30"]


def test_weekly_over_midnight() -> None:
    """Friday 22:00 to 06:00: the night to Saturday, none of the others."""
    mute = {"days": ["fri"], "start": "22:00", "end": "06:00", "timezone": "UTC"}
    assert muted(mute, "2026-11-19T12:00:00+00:00", 4 * 1440) == ["22:00-06:00"]
    assert muting([mute], datetime(2026, 11, 21, 5, 59, tzinfo=UTC).timestamp()) == mute
    assert muting([mute], datetime(2026, 11, 22, 5, 59, tzinfo=UTC).timestamp()) is None


@pytest.mark.parametrize(
    ("days", "count"), [("daily", 7), ("weekdays", 5), ("weekends", 2), (["mon", "wed"], 2)]
)
def test_days(days: object, count: int) -> None:
    """Groups of days and days."""
    mute = {"days": days, "start": "10:00", "end": "11:00", "timezone": "UTC"}
    assert muted(mute, "2026-11-16T00:00:00+00:00", 7 * 1440) == ["10:00-11:00"] * count


def test_without_days_it_is_every_day_and_as_long_as_a_day_where_both_are_equal() -> None:
    """A window that begins when it ends is 24 hours."""
    mute = {"start": "08:00", "end": "08:00", "timezone": "UTC"}
    assert muted(mute, "2026-11-16T00:00:00+00:00", 1440)[-1] == "00:00-"


@pytest.mark.parametrize(
    ("day", "start", "end", "wanted"),
    [
        # Summer time begins on 2026-03-29 at 01:00 UTC: there is no 02:00 to 03:00.
        ("2026-03-28", "02:00", "04:00", ["01:00-03:00"]),
        ("2026-03-29", "02:00", "04:00", ["01:00-02:00"]),
        ("2026-03-29", "02:30", "04:00", ["01:00-02:00"]),
        ("2026-03-29", "01:00", "02:30", ["00:00-01:00"]),
        ("2026-03-29", "02:10", "02:50", []),
        ("2026-03-29", "22:00", "06:00", ["20:00-"]),
        # It ends on 2026-10-25 at 01:00 UTC: 02:00 to 03:00 comes twice.
        ("2026-10-25", "01:00", "02:30", ["23:00-00:30"]),
        ("2026-10-25", "02:00", "04:00", ["00:00-03:00"]),
        ("2026-10-25", "02:30", "04:00", ["00:30-03:00"]),
        ("2026-10-24", "23:00", "05:00", ["21:00-04:00"]),
    ],
)
def test_clocks_that_are_changed(day: str, start: str, end: str, wanted: list[str]) -> None:
    """A window begins when its start is shown first; an hour that comes twice is not muted twice."""
    name = datetime.fromisoformat(day).strftime("%a").lower()
    mute = {"days": [name], "start": start, "end": end, "timezone": PARIS}
    first = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(PARIS)).astimezone(UTC)
    assert muted(mute, first.isoformat(), 2000 if day == "2026-10-24" else 1440) == wanted


def test_what_says_no_time_never_mutes() -> None:
    """Neither a reason alone nor a zone that nobody knows may keep a page back."""
    assert muting([{"reason": "x"}], 0) is None
    assert muting([{"start": "00:00", "end": "00:00", "timezone": "Nowhere/Land"}], 0) is None


def test_both_is_where_both_are() -> None:
    """Nights of one week."""
    mute = {
        "from": "2026-11-17T00:00:00Z",
        "to": "2026-11-19T00:00:00Z",
        "start": "01:00",
        "end": "02:00",
        "timezone": "UTC",
    }
    assert muted(mute, "2026-11-16T00:00:00+00:00", 7 * 1440) == ["01:00-02:00"] * 2


minutes = st.integers(0, 1439).map(lambda n: f"{n // 60:02}:{n % 60:02}")


@given(
    st.integers(1_700_000_000, 1_900_000_000), minutes, minutes, st.sampled_from([PARIS, "America/New_York"])
)
def test_far_from_the_changes_it_is_what_the_clock_shows(at_s: int, start: str, end: str, zone: str) -> None:
    """A law, against a comparison of wall clocks; on days without a change both say the same."""
    local = datetime.fromtimestamp(at_s, ZoneInfo(zone))
    around = [local + timedelta(days=n) for n in (-2, 2)]
    if around[0].utcoffset() != around[1].utcoffset():
        return
    shown = f"{local:%H:%M}"
    wanted = start <= shown < end if start < end else shown >= start or shown < end
    mute = {"start": start, "end": end, "timezone": zone}
    assert (muting([mute], at_s) is not None) == wanted
