"""How many incidents one rule has at once: of what is more, one incident tells how many groups there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from subscribers.alerts.incidents_values import Incident, id_of, key_of, rank
from subscribers.alerts.model import Finding

#: Of one rule; nobody reads more, and each is an entry of the state.
OPEN_MAX = 1_000
#: The group of those that have no incident of their own.
MORE = {"group": "(more)"}


def bounded(
    known: Mapping[str, Incident], found: Mapping[str, Finding], scope: str, open_max: int = OPEN_MAX
) -> dict[str, Finding]:
    """Return findings by incident, those that would be too many new ones of a rule as one.

    known: what is remembered; found: the worst finding of each incident. Whoever has an incident keeps it; of
    the others the worst get one.
    """
    of_rule: dict[str, list[tuple[str, Finding]]] = {}
    free = Counter(dict.fromkeys({finding.rule for finding in found.values()}, open_max))
    free.subtract(incident.rule for incident in known.values() if incident.is_live)
    kept = dict(found)
    for id, finding in found.items():
        if finding.verdict == "breach" and not _is_live(known.get(id)):
            of_rule.setdefault(finding.rule, []).append((id, finding))
    for rule in free:
        more_id = id_of(key_of(rule, scope), MORE)
        # The sum itself takes no place.
        places = free[rule] + _is_live(known.get(more_id))
        new = sorted(of_rule.get(rule, ()), key=lambda one: (-rank(one[1].severity), one[0]))
        folded = new[max(places, 0) :]
        for id, _ in folded:
            del kept[id]
        if folded:
            kept[more_id] = _sum(finding for _, finding in folded)
        elif _is_live(known.get(more_id)):
            kept[more_id] = replace(known[more_id].finding, verdict="ok")
    return kept


def _is_live(incident: Incident | None) -> bool:
    return incident is not None and incident.is_live


def _sum(findings: Iterable[Finding]) -> Finding:
    """The findings of further groups as one, with the words and samples of the worst."""
    every = list(findings)
    worst = every[0]
    count = len(every)
    some = "1 further group breaches" if count == 1 else f"{count:,} further groups breach"
    return Finding(
        rule=worst.rule,
        verdict="breach",
        at_s=worst.at_s,
        group=MORE,
        severity=worst.severity,
        since_s=min(one.since_s or one.at_s for one in every),
        said=f"{some}, one of them: {worst.said}",
        value=float(count),
        unit="1",
        samples=worst.samples,
    )
