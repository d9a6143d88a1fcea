"""What changed: versions that ran for the first time, cutovers of endpoints, another observe.yaml.

The first question of whoever is woken is what was deployed. Subscribers tell which version of a service ran
(tally); what was seen first in the time that is remembered is a deployment, unless nothing was seen before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from subscribers.alerts.message import Changed
from subscribers.alerts.model import SLOT_S
from subscribers.alerts.plan import Plan, digest_of
from subscribers.alerts.state import Entry, State

VERSIONS = "versions"
_PLANS = "plans"
#: Of one service: no version that ran before this many is looked for.
_KEPT_S = 30 * 86_400
_SEPARATOR = "\x1f"


def version_entry(service: str, version: str, slot: int) -> Entry:
    """Return the entry that tells that a version of a service ran at a time."""
    sort = _SEPARATOR.join((service[:200], version[:200], f"{slot:08x}"))
    return Entry(VERSIONS, sort, b"", slot * SLOT_S + _KEPT_S)


def changes_of(plan: Plan, state: State, now_s: int) -> tuple[Changed, ...]:
    """Return what changed before a time. Raises StateError."""
    found = [*_deployments(state), *_cutovers(plan), *_configurations(plan, state)]
    return tuple(change for change in found if change.at_s <= now_s)


def _deployments(state: State) -> Iterator[Changed]:
    """Versions that are not the first that is known of their service."""
    seen: dict[str, dict[str, int]] = {}
    for entry in state.query(VERSIONS):
        service, _, rest = entry.sort.partition(_SEPARATOR)
        version, _, slot = rest.rpartition(_SEPARATOR)
        at_s = int(slot, 16) * SLOT_S
        versions = seen.setdefault(service, {})
        versions[version] = min(at_s, versions.get(version, at_s))
    for service, versions in seen.items():
        first = min(versions.values())
        for version, at_s in versions.items():
            if at_s > first:
                said = f"{service} version {version} first seen"
                yield Changed(kind="deployment", at_s=at_s, said=said, service=service)


def _cutovers(plan: Plan) -> Iterator[Changed]:
    for endpoint in plan.config.endpoints.values():
        if not endpoint.cutover:
            continue
        at_s = int(datetime.fromisoformat(endpoint.cutover).timestamp())
        yield Changed(kind="cutover", at_s=at_s, said=f"{endpoint.name} ({endpoint.route}) cut over")


def remember_plan(plan: Plan, state: State, now_s: int) -> None:
    """Remember since when what is judged is what it is. Raises StateError."""
    digest = digest_of(plan)
    if state.get(_PLANS, digest) is None:
        state.put([Entry(_PLANS, digest, str(now_s).encode(), now_s + _KEPT_S)])


def _configurations(plan: Plan, state: State) -> Iterator[Changed]:
    """When what is judged became what it is now, unless it was always so."""
    digest = digest_of(plan)
    known = {entry.sort: int(entry.body) for entry in state.query(_PLANS)}
    if digest in known and known[digest] > min(known.values()):
        yield Changed(kind="configuration", at_s=known[digest], said="alert rules of observe.yaml changed")
