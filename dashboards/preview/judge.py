"""What alarms would say of the data in the store: their conditions over the last periods, and before."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from typing import Literal

import msgspec

from dashboards.alarms.values import Alarm, Alarms, Composite, Condition, Slo
from dashboards.expressions import metrics_of
from dashboards.preview.data import absence
from dashboards.preview.evaluate import Points, points, whole
from dashboards.preview.facts import Facts
from dashboards.preview.units import length, shown
from dashboards.preview.window import Window
from subscribers.alerts.model import Op

State = Literal["ok", "fires", "no data", "unknown"]
_OPS: dict[Op, Callable[[float, float], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
}
#: Periods that are looked at, the newest ones: a day of minutes.
_MOST = 1440


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What an alarm, an SLO or a composite would say. text: why, as a sentence."""

    name: str
    title: str
    state: State
    text: str
    severity: str = ""
    page: str = ""
    owner: str = ""
    reason: str = ""
    #: Whether it is an SLO: a promise that is broken or kept, where the others fire or do not.
    is_promise: bool = False


def verdicts(alarms: Alarms, facts: Facts, window: Window) -> dict[str, Verdict]:
    """Judge everything, by name: alarms, SLOs, and composites by their children."""
    out: dict[str, Verdict] = {alarm.name: _of_alarm(alarm, facts, window) for alarm in alarms.alarms}
    out |= {slo.name: _of_slo(slo, facts) for slo in alarms.slos}
    composites = {composite.name: composite for composite in alarms.composites}
    for composite in alarms.composites:
        out[composite.name] = _of_composite(composite, composites, out)
    return out


def state_of(condition: Condition, values: Points) -> State:
    """Return what a condition says of the points of its last periods, oldest first; fewer count as missing.

    M of N: it fires where `datapoints` of the last `periods` are beyond the threshold; a missing one is
    within it (`ok`), beyond it (`breaching`) or left out (`keep`, which with no point at all is `no data`).
    """
    newest = values[-condition.periods :]
    last: Points = [*([None] * (condition.periods - len(newest))), *newest]
    if all(value is None for value in last) and condition.missing != "breaching":
        return "no data"
    beyond = sum(_is_beyond(condition, value) for value in last)
    return "fires" if beyond >= condition.datapoints else "ok"


def _is_beyond(condition: Condition, value: float | None) -> bool:
    if value is None:
        return condition.missing == "breaching"
    return _OPS[condition.op](value, condition.threshold)


def _of_alarm(alarm: Alarm, facts: Facts, window: Window) -> Verdict:
    absent = {absence(metric) for metric in metrics_of(alarm.condition.of)} - {""}
    if absent:
        return _verdict(alarm, "unknown", " ".join(sorted(absent)))
    if not window.has_data:
        return _verdict(alarm, "no data", "The store has nothing in this time.")
    values, length_s = _values(alarm.condition, facts, window)
    state = state_of(alarm.condition, values)
    return _verdict(alarm, state, " ".join(_told(alarm.condition, state, values, length_s)))


def _values(condition: Condition, facts: Facts, window: Window) -> tuple[Points, int]:
    """Its points over the window; the period is longer where facts are not as fine as that."""
    base_s = facts.base_s
    length_s = max(base_s, -(-condition.period_s // base_s) * base_s)
    pieces = window.pieces_of(length_s)[-_MOST:]
    # A period that the data has only begun, or begins in the middle of, is judged as it is.
    return points(condition.of, facts, pieces, length_s, condition.period_s), length_s


def _told(condition: Condition, state: State, values: Points, length_s: int) -> Iterator[str]:
    yield f"{judged(condition, length_s)}."
    known = [value for value in values if value is not None]
    if not known:
        yield "Nothing of it is in this time."
        return
    last = values[-condition.periods :]
    beyond = sum(value is not None and _is_beyond(condition, value) for value in last)
    yield f"Newest: {shown(known[-1], condition.unit)}; beyond it in {beyond} of {len(last)}."
    before = _times_fired(condition, values)
    if before and state != "fires":
        yield f"It would have fired {'once' if before == 1 else f'{before} times'} before."


def judged(condition: Condition, length_s: int = 0) -> str:
    """Return a condition in words: `> 5 % in 2 of 3 periods of 5 min`."""
    period = length(length_s or condition.period_s)
    threshold = shown(condition.threshold, condition.unit)
    if condition.periods == 1:
        return f"{condition.op} {threshold} in a period of {period}"
    return f"{condition.op} {threshold} in {condition.datapoints} of {condition.periods} periods of {period}"


def _times_fired(condition: Condition, values: Points) -> int:
    """How often it would have begun to fire, over the whole of the data."""
    periods = condition.periods
    ends = range(1, len(values) + 1)
    states = [state_of(condition, values[max(0, end - periods) : end]) == "fires" for end in ends]
    return sum(now and not before for before, now in zip([False, *states], states, strict=False))


def _of_slo(slo: Slo, facts: Facts) -> Verdict:
    bad, total = whole(slo.bad, facts) or 0.0, whole(slo.total, facts)
    least = max(slo.minimum, 1.0)
    state: State
    if total is None or total < least:
        return _slo_verdict(
            slo, "no data", f"{shown(total or 0, '1')} requests: too few to judge a promise by."
        )
    failed, allowed = 100 * bad / total, 100 - slo.objective
    state = "fires" if failed > allowed else "ok"
    rate = f"{shown(failed / allowed, '1')} times what it may spend" if allowed > 0 else "nothing may fail"
    return _slo_verdict(
        slo,
        state,
        f"{shown(100 - failed, '%')} of {shown(total, '1')} requests in this time were good, "
        f"{shown(slo.objective, '%')} are promised over {length(slo.window_s)}: {rate}.",
    )


def _slo_verdict(slo: Slo, state: State, text: str) -> Verdict:
    return Verdict(
        name=slo.name,
        title=slo.title,
        state=state,
        text=text,
        page=slo.page,
        owner=slo.owner,
        is_promise=True,
    )


def _of_composite(
    composite: Composite, composites: dict[str, Composite], known: dict[str, Verdict]
) -> Verdict:
    children = list(_leaves(composite.name, composites, set()))
    found = [known[name] for name in children if name in known]
    firing = [one.title for one in found if one.state == "fires"]
    silent = bool(found) and all(one.state in ("no data", "unknown") for one in found)
    text = f"Fires: {', '.join(firing)}." if firing else f"None of {len(found)} alarms fires."
    return Verdict(
        name=composite.name,
        title=composite.title,
        state="fires" if firing else "no data" if silent else "ok",
        text=text,
        severity=composite.severity,
        page=composite.page,
        owner=composite.owner,
    )


def _leaves(name: str, composites: dict[str, Composite], seen: set[str]) -> Iterator[str]:
    """The alarms below a composite; each composite once, so that a circle ends."""
    if name not in composites:
        yield name
    elif name not in seen:
        seen.add(name)
        for child in composites[name].children:
            yield from _leaves(child, composites, seen)


def _verdict(alarm: Alarm, state: State, text: str) -> Verdict:
    return Verdict(
        name=alarm.name,
        title=alarm.title,
        state=state,
        text=text,
        severity=alarm.severity,
        page=alarm.page,
        owner=alarm.owner,
        reason=alarm.reason,
    )


def periods_of(alarms: Alarms) -> set[int]:
    """Return the lengths, in seconds, that alarms judge in."""
    return {alarm.condition.period_s for alarm in alarms.alarms if alarm.condition.period_s > 0}
