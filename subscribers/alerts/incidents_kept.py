"""What goes on as it was is not written again: twenty thousand open groups are no twenty thousand writes a
minute.

An incident stays as it was remembered while only the time of its last breach and its finding are others. They
are remembered anew after RENEWED_S; when the number has doubled or halved; and when something else changes.
"""

from __future__ import annotations

from msgspec.structs import replace

from subscribers.alerts.incidents_values import Incident
from subscribers.alerts.model import SLOT_S, Finding

#: A finding that is remembered is that much older than the last one at most.
RENEWED_S = 300
_FACTOR = 2


def settled(before: Incident | None, after: Incident) -> Incident:
    """Return `before` where nothing that matters has changed since, else `after`."""
    if before is None or before == after:
        return after
    is_same = replace(after, last_breach_s=before.last_breach_s, finding=before.finding) == before
    is_recent = after.last_breach_s - before.last_breach_s < RENEWED_S
    return before if is_same and is_recent and _is_near(before.finding, after.finding) else after


def quieted(incident: Incident, now_s: int) -> Incident:
    """Return an incident that does not breach now, with the time at which it can have breached last.

    Where it breached the time before, that was not remembered: a minute ago, or when evaluations stopped.
    """
    if incident.is_quiet:
        return incident
    latest_s = min(now_s - SLOT_S, incident.last_breach_s + RENEWED_S - SLOT_S)
    return replace(incident, last_breach_s=max(incident.last_breach_s, latest_s), is_quiet=True)


def _is_near(before: Finding, after: Finding) -> bool:
    return _stable(before) == _stable(after) and _is_near_number(before.value, after.value)


def _stable(finding: Finding) -> tuple[object, ...]:
    return finding.severity, finding.limit, finding.unit, finding.service, finding.side, finding.endpoint


def _is_near_number(before: float | None, after: float | None) -> bool:
    if before is None or after is None:
        return before == after
    low, high = sorted((abs(before), abs(after)))
    return before == after or (before * after > 0 and high < _FACTOR * low)
