"""Promises of endpoints: burn rates over a long and a short window, gated by traffic.

https://sre.google/workbook/alerting-on-slos/
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import msgspec

from dashboards.alarms.drafts import Around, Draft, metric
from dashboards.alarms.overrides import Override
from dashboards.alarms.rules import RULES
from dashboards.alarms.values import Burn, Slo
from dashboards.expressions import Expression, Total
from dashboards.panels import Link
from dashboards.resources import EndpointView, kebab
from subscribers.config import duration_ms

_HOUR_S, _DAY_S = 3_600, 86_400
_WINDOW_S = 28 * _DAY_S
#: From the fastest to the slowest: the first two wake somebody, the others are for working hours.
BURNS = (
    Burn(factor=14.4, long_s=_HOUR_S, short_s=300, severity="critical"),
    Burn(factor=6, long_s=6 * _HOUR_S, short_s=1_800, severity="critical"),
    Burn(factor=3, long_s=_DAY_S, short_s=2 * _HOUR_S, severity="warning"),
    Burn(factor=1, long_s=3 * _DAY_S, short_s=6 * _HOUR_S, severity="warning"),
)
#: Failures below which a burn is chance.
_FAILURES = 3
_BAD = {"availability": "errors", "latency": "slow"}


def drafts(around: Around) -> Iterator[tuple[Draft, str]]:
    """Yield a draft and its kind, `availability` or `latency`, for each promise of observe.yaml."""
    for endpoint in around.system.endpoints.values():
        for kind in _BAD:
            if endpoint.config is not None and kind in endpoint.config.slo:
                yield _draft(around, endpoint, kind), kind


def _draft(around: Around, endpoint: EndpointView, kind: str) -> Draft:
    slo = endpoint.config.slo if endpoint.config else {}
    bad = _over_sides(endpoint, _BAD[kind])
    objective = float(slo["availability"] if kind == "availability" else slo["latency"]["p"])
    limit = f" within {slo['latency']['ms']:,g} ms" if kind == "latency" else ""
    return Draft(
        rule=f"endpoint-slo-{kind}",
        subject=endpoint.name,
        keys=(endpoint.name,),
        label=f"{endpoint.name}-{kind}",
        shown=f"{objective:g}% of {endpoint.route}{limit}",
        of=bad,
        threshold=objective,
        reason=f"endpoints.{endpoint.name}.slo",
        owner=endpoint.owner,
        runbook=endpoint.runbook,
        page=around.pages.endpoints[endpoint.name],
        endpoint=endpoint.name,
        place=endpoint.place,
    )


def slo_of(
    endpoint: EndpointView,
    draft: Draft,
    kind: str,
    override: Override,
    links: tuple[Link, ...],
) -> Slo:
    """Return the promise. An override may set minimum, and the severity of the two fast burns."""
    slo = endpoint.config.slo if endpoint.config else {}
    objective = draft.threshold or 0.0
    fast = override.get("severity", "critical")
    burns = [
        msgspec.structs.replace(burn, severity=fast) if burn.severity == "critical" else burn
        for burn in BURNS
        # With an objective of 93% nothing burns 14.4 times as fast as allowed: 101% of requests.
        if burn.factor * (100 - objective) < 100
    ]
    return Slo(
        name=f"slo-{kebab(draft.label)}",
        endpoint=endpoint.name,
        title=RULES[draft.rule].title.format(draft.shown),
        objective=objective,
        window_s=duration_ms(slo["window"]) // 1000 if "window" in slo else _WINDOW_S,
        bad=draft.of,
        total=_over_sides(endpoint, "requests"),
        latency_ms=float(slo["latency"]["ms"]) if kind == "latency" else None,
        burns=tuple(burns),
        minimum=float(
            override.get("minimum", max(RULES[draft.rule].minimum, least_requests(burns, objective)))
        ),
        about=RULES[draft.rule].about,
        owner=override.own("owner", draft.owner),
        runbook=override.own("runbook", draft.runbook),
        links=links,
        page=draft.page,
        place=override.place or draft.place,
    )


def least_requests(burns: Sequence[Burn], objective: float) -> float:
    """Return how many requests a long window needs, so that fewer than three failures wake nobody.

    Of 60 requests with 99.9% promised, one that fails burns 17 times too fast: that is chance, not a fault.
    What is judged is the slowest of the burns that wake somebody.
    """
    slowest = min((burn.factor for burn in burns if burn.long_s < _DAY_S), default=0.0)
    budget = slowest * (100 - objective) / 100
    return float(math.ceil(round(_FAILURES / budget, 6))) if budget else 0.0


def _over_sides(endpoint: EndpointView, measure: str) -> Expression:
    sides = tuple(metric(f"endpoint.{measure}", f"{endpoint.name}/{side.side}") for side in endpoint.sides)
    return sides[0] if len(sides) == 1 else Total(sides)
