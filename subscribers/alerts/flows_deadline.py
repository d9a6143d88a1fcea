"""By when what starts must have arrived."""

from __future__ import annotations

from subscribers.alerts.calendars import next_deadline
from subscribers.alerts.model import Flow

#: Where a calendar has no day left: nothing is ever due.
_NEVER_S = 10 * 366 * 86_400


def deadline_of(flow: Flow, start_s: int) -> int:
    """Return the deadline of a start in epoch seconds: within a time, by a time of day, the earlier of both.

    The time of day is the calendar's first strictly after the start. Raises calendars.ZoneError.
    """
    found = [start_s + flow.within_s] if flow.within_s else []
    if flow.calendar is not None:
        by = next_deadline(flow.calendar, start_s + 1)
        found += [] if by is None else [by]
    return min(found, default=start_s + _NEVER_S)


class Deadlines:
    """The deadlines of a flow for many starts: a calendar is not asked for each."""

    def __init__(self, flow: Flow) -> None:
        self._within_s = flow.within_s
        self._flow = flow if flow.calendar is None else _by_calendar(flow)
        #: Starts in [first, last) have the same next deadline of the calendar.
        self._first_s = self._last_s = 0

    def of(self, start_s: int) -> int:
        """Return the deadline of a start; see deadline_of."""
        if self._flow.calendar is None:
            return deadline_of(self._flow, start_s)
        if not self._first_s <= start_s < self._last_s:
            self._first_s, self._last_s = start_s, deadline_of(self._flow, start_s)
        return min(self._last_s, start_s + self._within_s) if self._within_s else self._last_s


def _by_calendar(flow: Flow) -> Flow:
    return Flow(name=flow.name, start=flow.start, ends=flow.ends, calendar=flow.calendar)
