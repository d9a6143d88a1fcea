"""System -> Alarms: every rule on every subject it fits, as overrides change it, and who tells for whom."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from dashboards.alarms import of_endpoints, of_functions, of_hosts, of_messages, of_pipeline, slos
from dashboards.alarms.composites import Placed, with_composites
from dashboards.alarms.drafts import Around, Draft, around
from dashboards.alarms.links import links_of
from dashboards.alarms.notes import notes_of
from dashboards.alarms.overrides import Override, override_of, window_of
from dashboards.alarms.rules import RULES, Rule
from dashboards.alarms.values import Alarm, Alarms, Condition, Slo
from dashboards.expressions import Expression, Percent, metrics_of
from dashboards.model.marks import Marks, marks_of
from dashboards.pages.names import free
from dashboards.resources import Kind, Note, Place, System
from subscribers.alerts.model import SEVERITIES, Severity

#: In the order of the listing: what users see first.
_SOURCES = (of_endpoints.drafts, of_functions.drafts, of_hosts.drafts, of_messages.drafts, of_pipeline.drafts)
#: Rules about silence: only where somebody said that there is traffic at all hours.
_BUSY_ONLY = frozenset({"function-silent", "endpoint-silent"})
#: Kinds that no rule is about, and who tells instead.
_WITHOUT: dict[Kind, str] = {
    "websocket_api": "it counts messages, not requests; the functions of its routes tell what fails",
    "database_cluster": "its instances tell; one that the cluster makes itself is in no template",
}


def alarms_of(system: System) -> Alarms:
    """Return everything that is told of a system, in a stable order. Never raises.

    `off` says what is not judged and why: switched off, hidden, or without a threshold or data.
    """
    look, places = around(system), marks_of(system.config)
    taken: set[str] = set()
    off: list[tuple[str, Place]] = []
    made: list[tuple[Draft, Override]] = []
    for draft in _drafts(look):
        override = override_of(draft, system.config.dashboards, places)
        if why := _why_off(draft, override):
            off.append((f"{draft.rule} of {draft.subject}: {why}", override.place or draft.place))
        elif _is_wanted(draft, override):
            made.append((draft, override))
        elif draft.why:
            off.append((f"{draft.rule} of {draft.subject}: {draft.why}", draft.place))
    judged = {
        metric.subject: _urgency(draft, override)
        for draft, override in made
        if draft.rule == "endpoint-errors"
        for metric in metrics_of(draft.of)
    }
    alarms: list[Placed] = []
    for draft, override in made:
        # What tells for it must be as urgent.
        urgency = _urgency(draft, override)
        is_covered = bool(draft.told_by) and all(judged.get(one, -1) >= urgency for one in draft.told_by)
        names = tuple(dict.fromkeys(one.rpartition("/")[0] for one in draft.told_by)) if is_covered else ()
        alarm = _alarm(look, draft, override, taken)
        alarms.append(Placed(alarm=alarm, endpoint=draft.endpoint, explained_by=names))
    promises = [*_slos(look, places, taken, off)]
    told, composites = with_composites(look, alarms, taken)
    off.extend(_blind(system))
    return Alarms(
        alarms=tuple(told),
        slos=tuple(promises),
        composites=tuple(composites),
        off=tuple(dict.fromkeys(off)),  # both sides of an endpoint may be off for the same reason
    )


def override_notes(system: System) -> tuple[Note, ...]:
    """Return what is wrong with overrides, of observe.yaml and of templates, each with its file and line."""
    look = around(system)
    drafts = (*_drafts(look), *(draft for draft, _ in slos.drafts(look)))
    return tuple(notes_of(system, drafts, marks_of(system.config)))


def _drafts(look: Around) -> Iterator[Draft]:
    for source in _SOURCES:
        yield from source(look)


def _why_off(draft: Draft, override: Override) -> str:
    if override.own("hide"):
        return "hidden"
    if override.get("off"):
        return "switched off"
    if draft.threshold is None and "threshold" not in override.fields and _is_wanted(draft, override):
        return f"no threshold: {draft.reason}"
    return ""


def _is_wanted(draft: Draft, override: Override) -> bool:
    if draft.rule in _BUSY_ONLY:
        return bool(override.own("busy"))
    return bool(override.fields) or not (RULES[draft.rule].is_opt_in or draft.is_opt_in)


def _severity(draft: Draft, override: Override) -> Severity:
    severity: Severity = override.get("severity", draft.severity or RULES[draft.rule].severity)
    return severity


def _urgency(draft: Draft, override: Override) -> int:
    return SEVERITIES.index(_severity(draft, override))


def _alarm(look: Around, draft: Draft, override: Override, taken: set[str]) -> Alarm:
    rule = RULES[draft.rule]
    is_moved = "threshold" in override.fields
    said = override.fields["threshold"].place if is_moved else ""
    return Alarm(
        name=free(draft.name, taken),
        rule=draft.rule,
        subject=draft.subject,
        title=rule.title.format(draft.shown),
        condition=_condition(rule, draft, override),
        severity=_severity(draft, override),
        about=" ".join(part for part in (rule.about, draft.detail) if part),
        reason=f"Set by an override{f' at {said}' if str(said) else ''}." if is_moved else draft.reason,
        owner=override.own("owner", draft.owner),
        runbook=override.own("runbook", draft.runbook),
        links=links_of(look, draft),
        page=draft.page,
        place=override.place or draft.place,
    )


def _condition(rule: Rule, draft: Draft, override: Override) -> Condition:
    window, _ = window_of(rule, override)
    minimum = rule.minimum if draft.minimum is None else draft.minimum
    return Condition(
        of=_gated(draft.of, float(override.get("minimum", minimum))),
        op=rule.op,
        threshold=float(override.get("threshold", draft.threshold)),
        unit=rule.unit,
        period_s=window.period_s,
        periods=window.periods,
        datapoints=window.datapoints,
        missing=override.get("missing", rule.missing),
    )


def _gated(of: Expression, minimum: float) -> Expression:
    return msgspec.structs.replace(of, gate=minimum) if isinstance(of, Percent) else of


def _slos(look: Around, places: Marks, taken: set[str], off: list[tuple[str, Place]]) -> Iterator[Slo]:
    system = look.system
    for draft, kind in slos.drafts(look):
        override = override_of(draft, system.config.dashboards, places)
        if override.own("hide") or override.get("off"):
            why = "hidden" if override.own("hide") else "switched off"
            off.append((f"{draft.rule} of {draft.subject}: {why}", override.place or draft.place))
            continue
        made = slos.slo_of(system.endpoints[draft.subject], draft, kind, override, links_of(look, draft))
        yield msgspec.structs.replace(made, name=free(made.name, taken))


def _blind(system: System) -> Iterator[tuple[str, Place]]:
    """Sides of endpoints that nobody tells of, and resources that have no alarm of their own."""
    for resource in system.of_kind(*_WITHOUT):
        yield f"alarms of {resource.id}: {_WITHOUT[resource.kind]}", resource.place
    for endpoint in system.endpoints.values():
        for side in endpoint.sides:
            if not of_endpoints.is_measured(system, endpoint, side):
                why = f"no data of the {side.side} side: turn metrics by route on, or name it in observe.yaml"
                text = f"endpoint-errors of {endpoint.name}: {why}"
                yield text, endpoint.place
