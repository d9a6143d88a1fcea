"""What changed: versions that ran for the first time, cutovers of endpoints, another observe.yaml.

The first question of whoever is woken is what was deployed. Subscribers tell which version of a service ran
(tally); what was seen first in the time that is remembered is a deployment, unless nothing was seen before.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from subscribers.alerts.message import Changed
from subscribers.alerts.model import SLOT_S
from subscribers.alerts.plan import Plan, digest_of
from subscribers.alerts.state import LAST, Entry, State
from subscribers.alerts.versions import KEPT_S, SEPARATOR, VERSIONS

_PLANS = "plans"


def changes_of(plan: Plan, state: State, now_s: int, services: Iterable[str]) -> tuple[Changed, ...]:
    """Return what changed before a time, of services and of what is about all. Raises StateError."""
    found = [
        *(change for service in services for change in _deployments(state, service)),
        *_cutovers(plan),
        *_configurations(plan, state),
    ]
    return tuple(change for change in found if change.at_s <= now_s)


def _deployments(state: State, service: str) -> Iterator[Changed]:
    """Versions of a service that are not the first that is known of it."""
    begin = f"{service[:200]}{SEPARATOR}"
    versions: dict[str, int] = {}
    for entry in state.query(VERSIONS, begin, f"{begin}{LAST}"):
        version, _, slot = entry.sort.removeprefix(begin).rpartition(SEPARATOR)
        at_s = int(slot, 16) * SLOT_S
        versions[version] = min(at_s, versions.get(version, at_s))
    first = min(versions.values(), default=0)
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
        state.put([Entry(_PLANS, digest, str(now_s).encode(), now_s + KEPT_S)])


def _configurations(plan: Plan, state: State) -> Iterator[Changed]:
    """When what is judged became what it is now, unless it was always so."""
    digest = digest_of(plan)
    known = {entry.sort: int(entry.body) for entry in state.query(_PLANS)}
    if digest in known and known[digest] > min(known.values()):
        yield Changed(kind="configuration", at_s=known[digest], said="alert rules of observe.yaml changed")
