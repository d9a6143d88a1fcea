"""observe.yaml -> what is judged, and what has to be counted for it.

Rules of the file, objectives of its endpoints, its flows, and the rules that are on by default (built_in).
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import blake2b
from types import MappingProxyType
from typing import Any

import msgspec

from subscribers.alerts.built_in import built_in_rules
from subscribers.alerts.calendars import calendar_of, reach_s
from subscribers.alerts.measures import measure_of, selector_of
from subscribers.alerts.model import (
    Absence,
    AnyRule,
    Change,
    Flow,
    FlowPoint,
    Measure,
    NewError,
    Objective,
    Rate,
    Selector,
    Statistic,
    Threshold,
)
from subscribers.config import Config, Endpoint, duration_ms

_WINDOW_S, _LATE_S = 300, 120
_DAY_S = 86_400
#: Statistics that need the numbers themselves.
_VALUED: frozenset[Statistic] = frozenset(("avg", "min", "max", "p50", "p90", "p95", "p99"))
#: The period of an error budget where observe.yaml names none.
_BUDGET_S = 28 * _DAY_S
#: Windows of burn rates that are exact to the minute; longer ones begin at a whole hour.
_BURN_S = 7 * 3600
#: How far back new errors are looked for after a pause of the evaluator.
NEW_ERROR_KEEP_S = 26 * 3600
#: How far back an absence looks for when the last one came.
_LAST_SEEN_S = 8 * _DAY_S


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is judged. rules: by name, in the file's order, built-in ones last; notes: what is missing."""

    rules: dict[str, AnyRule]
    config: Config
    notes: tuple[str, ...] = ()

    @property
    def measures(self) -> dict[str, Measure]:
        """Return what has to be counted, by ID."""
        return _shared(self.rules.values())

    @property
    def flows(self) -> dict[str, Flow]:
        """Return the flows, by name."""
        return {name: rule for name, rule in self.rules.items() if isinstance(rule, Flow)}


def plan_of(config: Config, limits_ms: Mapping[str, float] = MappingProxyType({})) -> Plan:
    """Return the plan of a configuration, which is valid.

    limits_ms: timeouts of functions, by service; see insight.template_limits.
    """
    defaults = config.alerts.get("defaults", {})
    rules = [_rule(name, tree, defaults) for name, tree in config.alerts.get("rules", {}).items()]
    rules += [rule for endpoint in config.endpoints.values() for rule in _objectives(endpoint, defaults)]
    rules += [_flow(name, tree, defaults) for name, tree in config.flows.items()]
    off = {name for name, tree in config.alerts.get("rules", {}).items() if not tree.get("enabled", True)}
    found = {rule.name: rule for rule in rules if rule.name not in off}
    if defaults.get("built_in", True):
        off |= set(defaults.get("without", ()))
        for rule in built_in_rules(config, limits_ms):
            if rule.name not in off:
                found.setdefault(rule.name, _with_defaults(rule, defaults))
    shared = _shared(found.values())
    return Plan(rules={name: _sharing(rule, shared) for name, rule in found.items()}, config=config)


def measures_of(rule: AnyRule) -> Iterator[Measure]:
    """Yield the measures that a rule asks for."""
    if isinstance(rule, Rate | Objective):
        yield rule.bad
        yield rule.total
    elif not isinstance(rule, Flow):
        yield rule.measure


def _shared(rules: Iterable[AnyRule]) -> dict[str, Measure]:
    """Return the measures of rules, by ID; asked for twice, the longer lateness and reach hold."""
    found: dict[str, Measure] = {}
    for measure in itertools.chain.from_iterable(map(measures_of, rules)):
        known = found.get(measure.id)
        found[measure.id] = _longer(known, measure) if known else measure
    return found


def _sharing(rule: AnyRule, shared: Mapping[str, Measure]) -> AnyRule:
    """Return a rule that is judged when what it shares with others is summed, and not before."""
    if isinstance(rule, Flow):
        return rule
    names = ("bad", "total") if isinstance(rule, Rate | Objective) else ("measure",)
    return msgspec.structs.replace(rule, **{name: shared[getattr(rule, name).id] for name in names})


def _longer(one: Measure, other: Measure) -> Measure:
    return msgspec.structs.replace(
        one,
        late_s=max(one.late_s, other.late_s),
        keep_s=max(one.keep_s, other.keep_s),
        keep_hours_s=max(one.keep_hours_s, other.keep_hours_s),
    )


def _rule(name: str, tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> AnyRule:
    common = {**_common(name, tree, defaults), "reason": f"alerts.rules.{name}"}
    return _MAKERS[tree["type"]](tree, common)


def _common(name: str, tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "severity": tree.get("severity", defaults.get("severity", "error")),
        "notify": tuple(tree.get("notify", defaults.get("notify", ()))),
        "mute": tuple(tree.get("mute", ())),
        **{key: tree[key] for key in ("description", "owner", "runbook", "labels") if key in tree},
    }


def _with_defaults(rule: AnyRule, defaults: Mapping[str, Any]) -> AnyRule:
    return msgspec.structs.replace(rule, notify=tuple(defaults.get("notify", ())))


def seconds(tree: Mapping[str, Any], key: str, default_s: int) -> int:
    """Return a duration of the file in seconds."""
    return duration_ms(tree[key]) // 1000 if key in tree else default_s


def _windows(tree: Mapping[str, Any]) -> dict[str, Any]:
    times = tree.get("for", {"breaching": 1, "of": 1})
    window_s = seconds(tree, "window", _WINDOW_S)
    return {"window_s": window_s, "breaching": times["breaching"], "of": times["of"]}


def _measured(tree: Mapping[str, Any], key: str, *, reach_s: int = 0, is_valued: bool = False) -> Measure:
    windows = _windows(tree)
    reach_s = reach_s or windows["window_s"] * windows["of"]
    return measure_of(
        selector_of(tree[key]),
        field=tree.get("field", ""),
        is_valued=is_valued,
        by=tuple(tree.get("by", ())),
        late_s=seconds(tree, "late", _LATE_S),
        keep_s=reach_s,
    )


def _threshold(tree: Mapping[str, Any], common: dict[str, Any]) -> Threshold:
    statistic: Statistic = tree.get("statistic", "count")
    measure = _measured(tree, "of", is_valued=statistic in _VALUED or "field" in tree)
    return Threshold(
        **common,
        **_windows(tree),
        measure=measure,
        statistic=statistic,
        op=tree.get("op", ">"),
        value=tree["value"],
        minimum=tree.get("minimum", 0),
        unit=_unit(measure, statistic),
    )


def _rate(tree: Mapping[str, Any], common: dict[str, Any]) -> Rate:
    bad, total = _measured(tree, "bad"), _measured(tree, "of")
    return Rate(
        **common, **_windows(tree), bad=bad, total=total, above=tree["above"], minimum=tree["minimum"]
    )


def _absence(tree: Mapping[str, Any], common: dict[str, Any]) -> Absence:
    every_s = seconds(tree, "every", 0)
    selector = selector_of(tree["expect"])
    measure = measure_of(selector, late_s=_LATE_S, keep_s=3600, keep_hours_s=max(_LAST_SEEN_S, 2 * every_s))
    calendar = calendar_of(tree["calendar"]) if "calendar" in tree else None
    keep_s = max(2 * every_s, _LAST_SEEN_S, reach_s(calendar) if calendar else 0)
    measure = msgspec.structs.replace(measure, keep_s=keep_s)
    return Absence(
        **common,
        measure=measure,
        calendar=calendar,
        every_s=every_s,
        count=tree.get("count", 1),
        called=tree["expect"].get("called", ""),
    )


def _new_error(tree: Mapping[str, Any], common: dict[str, Any]) -> NewError:
    given = tree.get("of", {"signal": "log", "level": ["ERROR", "FATAL"]})
    measure = measure_of(
        selector_of(given), by=("service", "error.fingerprint"), late_s=_LATE_S, keep_s=NEW_ERROR_KEEP_S
    )
    lookback_s = seconds(tree, "lookback", 14 * _DAY_S)
    return NewError(**common, measure=measure, lookback_s=lookback_s, minimum=tree.get("minimum", 1))


def _change(tree: Mapping[str, Any], common: dict[str, Any]) -> Change:
    statistic: Statistic = tree.get("statistic", "count")
    against_s, window_s = seconds(tree, "against", 7 * _DAY_S), seconds(tree, "window", _WINDOW_S)
    is_valued = statistic in _VALUED or "field" in tree
    measure = _measured(tree, "of", reach_s=against_s + 2 * window_s, is_valued=is_valued)
    return Change(
        **common,
        measure=measure,
        statistic=statistic,
        against_s=against_s,
        window_s=window_s,
        percent=tree["percent"],
        direction=tree.get("direction", "either"),
        minimum=tree.get("minimum", 1),
        unit=_unit(measure, statistic),
    )


_MAKERS: dict[str, Callable[[Mapping[str, Any], dict[str, Any]], AnyRule]] = {
    "threshold": _threshold,
    "rate": _rate,
    "absence": _absence,
    "new_error": _new_error,
    "change": _change,
}


def _unit(measure: Measure, statistic: Statistic) -> str:
    """Return the UCUM unit of a rule's number, where it is known."""
    if statistic == "count":
        return "1"
    if measure.field.endswith("_ms") or (measure.selector.signal == "span" and not measure.field):
        return "ms"
    named = measure.field or measure.selector.metric
    return "ms" if named.startswith("aws.lambda.") and named.endswith("duration") else ""


def _objectives(endpoint: Endpoint, defaults: Mapping[str, Any]) -> Iterator[Objective]:
    slo = endpoint.slo
    window_s = seconds(slo, "window", _BUDGET_S)
    requests = Selector(signal="span", endpoint=endpoint.name, is_request=True)

    def measured(selector: Selector) -> Measure:
        return measure_of(selector, late_s=_LATE_S, keep_s=_BURN_S, keep_hours_s=max(window_s, 3 * _DAY_S))

    def made(kind: str, percent: float, bad: Selector, **more: Any) -> Objective:
        common: dict[str, Any] = {
            **_common(f"slo.{endpoint.name}.{kind}", {"severity": "critical"}, defaults),
            "owner": endpoint.owner,
            "runbook": endpoint.runbook,
            "labels": endpoint.labels,
        }
        return Objective(
            **common,
            endpoint=endpoint.name,
            kind=kind,  # type: ignore[arg-type]
            bad=measured(bad),
            total=measured(requests),
            percent=percent,
            window_s=window_s,
            reason=f"endpoints.{endpoint.name}.slo",
            **more,
        )

    if "availability" in slo:
        failed = msgspec.structs.replace(requests, status="error")
        yield made("availability", slo["availability"], failed)
    if "latency" in slo:
        limit_ms = slo["latency"]["ms"]
        slow = msgspec.structs.replace(requests, above=limit_ms)
        yield made("latency", slo["latency"]["p"], slow, limit_ms=limit_ms)


def _flow(name: str, tree: Mapping[str, Any], defaults: Mapping[str, Any]) -> Flow:
    def point(given: Mapping[str, Any], called: str) -> FlowPoint:
        return FlowPoint(
            name=_called(given) or called, selector=selector_of(given), key=given.get("key", tree["key"])
        )

    deadline = tree["deadline"]
    return Flow(
        **_common(name, tree, defaults),
        reason=f"flows.{name}",
        start=point(tree["start"], "start"),
        ends=tuple(point(end, f"end {n}") for n, end in enumerate(tree["ends"], 1)),
        within_s=seconds(deadline, "within", 0),
        calendar=calendar_of(deadline["calendar"]) if "calendar" in deadline else None,
    )


def _called(point: Mapping[str, Any]) -> str:
    """What people call a point: as the file says, else by its services."""
    if "called" in point:
        return str(point["called"])
    services = point.get("service", ())
    return services if isinstance(services, str) else ", ".join(services)


def digest_of(plan: Plan) -> str:
    """Return 16 hex digits of all that is judged."""
    return blake2b(msgspec.json.encode(plan.rules, order="sorted"), digest_size=8).hexdigest()
