"""What is told together: the incidents of one rule are one alert, with one key and a list of its groups.

Forty functions that fail by one cause are one page. The alert is triggered with its first incidents; those
that come later are updates; it is resolved when the last one that was told is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from subscribers.alerts.incidents_values import Incident, Policy, Told, rank, worst
from subscribers.alerts.notice import Action, Notice


def told(
    before: Sequence[Incident],
    now: Sequence[Incident],
    breaching: frozenset[str],
    quiet: frozenset[str],
    now_s: int,
    policy: Policy,
) -> tuple[list[Incident], Notice | None]:
    """Return (incidents of one alert, what is told of it).

    before, now: the same incidents before and after they were judged; breaching: IDs of those that breach at
    this time, which a pending one may not; quiet: of those that are muted or inhibited.
    """
    was_live = {incident.id for incident in before if incident.is_live and incident.told}
    live = [i for i in now if i.is_live and i.told]
    over = [i for i in now if not i.is_live and i.told and i.id in was_live]
    fresh = [i for i in now if i.state == "pending" and i.id in breaching]
    if not live and not over:
        return _begun(before, now, fresh, now_s, policy)
    if not live and not fresh:
        return list(now), _resolved(over, now_s)
    awake = [i for i in live if i.id in breaching and i.id not in quiet]
    known = _known(live or over)
    reason = _reason(awake, fresh, known, now_s, policy) or ("" if live else "others recovered")
    if not reason:
        return list(now), None
    return _updated(now, fresh, known, reason, now_s)


def _begun(
    before: Sequence[Incident],
    now: Sequence[Incident],
    fresh: Sequence[Incident],
    now_s: int,
    policy: Policy,
) -> tuple[list[Incident], Notice | None]:
    if not fresh or now_s - min(i.opened_s for i in fresh) < policy.group_wait_s:
        return list(now), None
    rule = policy.rules.get(fresh[0].rule)
    known = Told(
        triggered_s=now_s,
        at_s=now_s,
        # Further than the one before, which may have been of this second.
        revision=max((i.told.revision for i in before if i.told), default=0) + 1,
        peak=worst(i.severity for i in fresh),
        notify=(rule.notify if rule else ()) or policy.notify,
    )
    ids = {i.id for i in fresh}
    after = [_told(i, known, now_s) if i.id in ids else i for i in now]
    return after, _notice("trigger", [i for i in after if i.told is known], known)


def _reason(
    awake: Sequence[Incident], fresh: Sequence[Incident], known: Told, now_s: int, policy: Policy
) -> str:
    """Why an open alert is told again now, "" where it is not."""
    if rank(worst(i.severity for i in (*awake, *fresh))) > rank(known.peak):
        return "more urgent than before"
    if fresh and now_s - known.at_s >= policy.update_wait_s:
        return "further groups"
    if awake and policy.repeat_s and now_s - known.at_s >= policy.repeat_s:
        return "still so"
    return ""


def _updated(
    now: Sequence[Incident], fresh: Sequence[Incident], known: Told, reason: str, now_s: int
) -> tuple[list[Incident], Notice | None]:
    listed = [*(i for i in now if i.state in ("open", "held")), *fresh]
    after_known = replace(
        known,
        at_s=now_s,
        revision=known.revision + 1,
        peak=worst((known.peak, *(i.severity for i in listed))),
    )
    recovered = [i for i in now if _is_recovered(i, known)]
    ids = {i.id for i in listed}
    after = [_told(i, after_known, now_s) if i.id in ids else i for i in now]
    members = [i for i in after if i.told is after_known]
    return after, _notice("update", members, after_known, known, recovered, reason)


def _resolved(over: Sequence[Incident], now_s: int) -> Notice:
    known = _known(over)
    reasons = dict.fromkeys(i.why for i in sorted(over, key=lambda i: i.changed_s, reverse=True))
    after = replace(known, at_s=now_s, revision=known.revision + 1)
    return _notice("resolve", over, after, known, reason="; ".join(reasons))


def _is_recovered(incident: Incident, known: Told) -> bool:
    """Whether it is over since its alert was told last."""
    return (
        not incident.is_live
        and incident.told is not None
        and incident.told.triggered_s == known.triggered_s
        and incident.changed_s > known.at_s
    )


def _told(incident: Incident, known: Told, now_s: int) -> Incident:
    if incident.state != "pending":
        return replace(incident, told=known)
    return replace(incident, state="open", changed_s=now_s, told=known, why="")


def _known(incidents: Iterable[Incident]) -> Told:
    """What was told last of an alert."""
    return max((i.told for i in incidents if i.told), key=lambda known: (known.triggered_s, known.revision))


def _notice(
    action: Action,
    members: Sequence[Incident],
    known: Told,
    before: Told | None = None,
    recovered: Sequence[Incident] = (),
    reason: str = "",
) -> Notice:
    ordered = sorted(members, key=lambda i: (not i.is_breaching, -rank(i.severity), i.since_s, i.id))
    return Notice(
        key=ordered[0].key,
        action=action,
        rule=ordered[0].rule,
        revision=known.revision,
        at_s=known.at_s,
        triggered_s=known.triggered_s,
        since_s=min(i.since_s for i in members),
        severity=worst(i.severity for i in members),
        peak=known.peak,
        peak_before=before.peak if before else "",
        incidents=tuple(ordered),
        recovered=tuple(recovered),
        reason=reason,
        notify=known.notify,
    )
