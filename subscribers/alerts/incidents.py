"""From findings to incidents and notices: pure, once a minute.

    verdict         nobody was told                 somebody was told
    breach          pending, muted or inhibited     open; from held without a new page
    ok              resolved, silently              held; after `flapping_hold` resolved
    unknown         as it is, at most an hour       as it is, at most an hour; then resolved
    (no such rule)  resolved, silently              resolved at once

A group without a finding: nothing happened, which is `ok` where the rule counts what must not happen, and
else unknown. What is pending is told after `group_wait` (grouping). Who was told is always told the end, in
a mute window, too; nothing else is told in one. What was muted or inhibited is told when that is over. Nobody
is told of a breach that is not one at that minute: what is unknown then waits until it breaches, or is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec
from msgspec.structs import replace

from subscribers.alerts.grouping import told
from subscribers.alerts.incidents_bounds import bounded
from subscribers.alerts.incidents_inhibition import inhibited
from subscribers.alerts.incidents_kept import quieted, settled
from subscribers.alerts.incidents_values import (
    Incident,
    Inhibition,
    Policy,
    Told,
    id_of,
    key_of,
    policy_of,
    rank,
)
from subscribers.alerts.model import Finding, Flow, NewError, Rule, Threshold
from subscribers.alerts.mutes import muting
from subscribers.alerts.notice import Notice
from subscribers.alerts.saying import duration

__all__ = ["Advanced", "Incident", "Inhibition", "Policy", "Told", "advance", "policy_of"]

_VERDICTS = ("ok", "unknown", "breach")


class Advanced(msgspec.Struct, frozen=True):
    """incidents: all to remember; notices: what to tell, one a key at most."""

    incidents: tuple[Incident, ...]
    notices: tuple[Notice, ...]


def advance(before: Sequence[Incident], findings: Sequence[Finding], now_s: int, policy: Policy) -> Advanced:
    """Return what is so after the findings of one time, and what is to be told.

    before: the incidents that the call before returned; findings: of every rule that was judged, several of
    one rule and group count as the worst; now_s: of this evaluation, never less than in the call before.
    """
    known = {incident.id: incident for incident in before}
    found = bounded(known, _by_id(findings, policy), policy.scope)
    judged = {finding.rule for finding in findings}
    now: dict[str, Incident] = {}
    for id in {**known, **found}:
        incident = _judged(known.get(id), found.get(id), judged, now_s, policy)
        if incident is not None:
            now[id] = incident
    placed, quiet = _quieted(list(now.values()), now_s, policy)
    breaching = frozenset(id for id, finding in found.items() if finding.verdict == "breach")
    incidents: list[Incident] = []
    notices: list[Notice] = []
    earlier = _by_key(before)
    for key, members in _by_key(placed).items():
        after, notice = told(earlier.get(key, []), members, breaching, quiet, now_s, policy)
        incidents += after
        notices += [notice] if notice else []
    return Advanced(tuple(settled(known.get(one.id), one) for one in incidents), tuple(notices))


def _by_id(findings: Iterable[Finding], policy: Policy) -> dict[str, Finding]:
    """The findings by incident, the worst of each."""
    found: dict[str, Finding] = {}
    for finding in findings:
        id = id_of(key_of(finding.rule, policy.scope), finding.group)
        if id not in found or _badness(finding) > _badness(found[id]):
            found[id] = finding
    return found


def _badness(finding: Finding) -> tuple[int, int]:
    return _VERDICTS.index(finding.verdict), rank(finding.severity)


def _judged(
    incident: Incident | None, finding: Finding | None, judged: set[str], now_s: int, policy: Policy
) -> Incident | None:
    """An incident after its finding; None where there is none, or it need not be kept any longer."""
    is_live = incident is not None and incident.is_live
    if finding is not None and finding.verdict == "breach":
        return _breaching(incident if is_live else None, finding, now_s, policy)
    if incident is None:
        return None
    if not is_live:
        return incident if now_s - incident.changed_s < policy.keep_resolved_s else None
    if finding is None and incident.rule not in policy.rules and incident.rule not in judged:
        return _over(incident, "its rule is not configured any more", now_s)
    verdict = finding.verdict if finding else _silence(incident.rule, policy)
    return _not_breaching(incident, verdict, now_s, policy)


def _breaching(live: Incident | None, finding: Finding, now_s: int, policy: Policy) -> Incident:
    if live is not None:
        state = "open" if live.state == "held" else live.state
        changed_s = now_s if live.state == "held" else live.changed_s
        return replace(
            live,
            state=state,
            changed_s=changed_s,
            last_breach_s=now_s,
            finding=finding,
            is_quiet=False,
            why="",
        )
    key = key_of(finding.rule, policy.scope)
    return Incident(
        id=id_of(key, finding.group),
        key=key,
        rule=finding.rule,
        group=finding.group,
        state="pending",
        opened_s=now_s,
        changed_s=now_s,
        since_s=finding.since_s or finding.at_s,
        last_breach_s=now_s,
        finding=finding,
    )


def _not_breaching(incident: Incident, verdict: str, now_s: int, policy: Policy) -> Incident:
    incident = quieted(incident, now_s)
    quiet_s = now_s - incident.last_breach_s
    if verdict == "unknown" and incident.is_breaching:
        if quiet_s < policy.unknown_hold_s:
            return incident
        return _over(incident, f"no traffic to judge it by for {duration(quiet_s)}", now_s)
    if incident.told is None:
        return _over(incident, "recovered before anybody was told", now_s)
    if quiet_s >= policy.flapping_hold_s:
        return _over(incident, f"not so for {duration(quiet_s)}", now_s)
    return incident if incident.state == "held" else replace(incident, state="held", changed_s=now_s)


def _over(incident: Incident, why: str, now_s: int) -> Incident:
    return replace(incident, state="resolved", changed_s=now_s, why=why)


def _silence(name: str, policy: Policy) -> str:
    """What it means that a judged rule says nothing of a group: nothing happened there."""
    rule = policy.rules.get(name)
    if rule is None or name in policy.unjudged:
        return "unknown"
    return "ok" if _counts_what_must_not_happen(rule) else "unknown"


def _counts_what_must_not_happen(rule: Rule) -> bool:
    if isinstance(rule, Threshold):
        return rule.statistic in ("count", "sum") and rule.op in (">", ">=") and rule.value >= 0
    return isinstance(rule, NewError | Flow)


def _quieted(
    incidents: Sequence[Incident], now_s: int, policy: Policy
) -> tuple[list[Incident], frozenset[str]]:
    """The incidents, those that nobody was told of pending, muted or inhibited; and the IDs of the quiet."""
    causes = inhibited([i for i in incidents if i.is_live], policy.inhibit)
    mutes = {rule: _mute_of(rule, now_s, policy) for rule in {i.rule for i in incidents if i.is_live}}
    quiet = frozenset(i.id for i in incidents if i.is_live and (i.id in causes or mutes[i.rule] is not None))
    after = []
    for i in incidents:
        if i.is_live and i.told is None:
            i = _placed(i, mutes[i.rule], causes.get(i.id), now_s)
        after.append(i)
    return after, quiet


def _mute_of(name: str, now_s: int, policy: Policy) -> Mapping[str, object] | None:
    rule = policy.rules.get(name)
    return muting((*policy.mute, *(rule.mute if rule else ())), now_s)


def _placed(
    incident: Incident, mute: Mapping[str, object] | None, cause: Incident | None, now_s: int
) -> Incident:
    state, why = "pending", ""
    if mute is not None:
        state, why = "muted", str(mute.get("reason", "a mute window"))
    elif cause is not None:
        state, why = "inhibited", f"{cause.rule} is open"
    changed_s = incident.changed_s if state == incident.state else now_s
    return replace(incident, state=state, changed_s=changed_s, why=why)


def _by_key(incidents: Iterable[Incident]) -> dict[str, list[Incident]]:
    found: dict[str, list[Incident]] = {}
    for incident in incidents:
        found.setdefault(incident.key, []).append(incident)
    return found
