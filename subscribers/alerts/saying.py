"""Numbers, times and what is counted, as people read them: `5.2%`, `1 h 30 min`, `312 requests`."""

from __future__ import annotations

import math
from datetime import UTC, datetime

from subscribers.alerts.calendars import ZoneError, local_of
from subscribers.alerts.model import Measure, Op, Selector, Statistic

_TEXT_MAX = 60
#: Numbers from here on, and below its reciprocal, are written with an exponent.
_WRITTEN_OUT = 1e15
#: A number that is not its limit must not read like it: as many digits more.
_MORE_DIGITS = 10
_UNITS_S = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_BYTES = ("B", "KiB", "MiB", "GiB", "TiB")
#: What a limit asks for, by the comparison that breaks it.
_LIMITS: dict[Op, str] = {
    ">": "limit {}",
    ">=": "must be below {}",
    "<": "must be at least {}",
    "<=": "must be above {}",
}
#: Metrics that count a thing: one, several, and what became of those of whose number they are a share.
_COUNTERS = {
    "aws.lambda.invocations": ("invocation", "invocations", "were invocations"),
    "aws.lambda.errors": ("failed invocation", "failed invocations", "failed"),
    "aws.lambda.timeouts": ("timeout", "timeouts", "timed out"),
    "aws.lambda.out_of_memory": (
        "invocation out of memory",
        "invocations out of memory",
        "ran out of memory",
    ),
    "aws.lambda.cold_starts": ("cold start", "cold starts", "started cold"),
}
#: Metrics of which each invocation tells one value.
_MEASURED = "aws.lambda."
_ERRORS = frozenset(("ERROR", "FATAL"))


def number(value: float, more: int = 0) -> str:
    """Return a number as short as it can be read: `1,234`, `0.052`, `1.8e308`; more: digits beyond that.

    Any number, infinities and NaN too.
    """
    if not math.isfinite(value):
        return (
            "no number"
            if math.isnan(value)
            else "more than can be told"
            if value > 0
            else "less than can be told"
        )
    if abs(value) >= _WRITTEN_OUT or 0 < abs(value) < 1 / _WRITTEN_OUT:
        return f"{value:.{1 + more}e}".replace("e+", "e").replace("e-0", "e-")
    if value == int(value):
        return f"{int(value):,}"
    magnitude = abs(value)
    decimals = 0 if magnitude >= 100 else 1 if magnitude >= 1 else 2
    while magnitude < 0.1 and decimals < 12:
        magnitude, decimals = magnitude * 10, decimals + 1
    text = f"{value:,.{decimals + more}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def quantity(value: float, unit: str, unlike: float | None = None) -> str:
    """Return a number with its unit (UCUM): `5.2%`, `1.2 s`, `3 MiB`.

    unlike: what it stands beside, and does not read like unless it is equal.
    """
    text = _quantity(value, unit, 0)
    if unlike is None or value == unlike:
        return text
    other = _quantity(unlike, unit, 0)
    finer = (_quantity(value, unit, more) for more in range(_MORE_DIGITS))
    return next((one for one in finer if one != other), text)


def duration(seconds: float) -> str:
    """Return a time in its two largest units: `45 s`, `1 h 30 min`, `28 d`."""
    if not 60 <= seconds < _WRITTEN_OUT:
        return f"{number(seconds)} s"
    left, parts = round(seconds), []
    for length, name in _UNITS_S:
        if left >= length:
            parts.append(f"{left // length} {name}")
        elif parts:
            break
        left %= length
    return " ".join(parts[:2])


def clock(at_s: int, timezone: str = "UTC", beside_s: int | None = None) -> str:
    """Return a time as clocks show it: `03:30 Europe/Paris`; with its day where that is not beside_s's."""
    try:
        local = local_of(timezone, at_s)
        beside = None if beside_s is None else local_of(timezone, beside_s)
    except ZoneError:
        local, timezone = datetime.fromtimestamp(at_s, UTC), "UTC"
        beside = None if beside_s is None else datetime.fromtimestamp(beside_s, UTC)
    is_same_day = beside is not None and beside.date() == local.date()
    return f"{local:%H:%M} {timezone}" if is_same_day else f"{local:%a %Y-%m-%d %H:%M} {timezone}"


def limit_said(op: Op, limit: float, unit: str) -> str:
    """Return what a limit asks for: `limit 2%`, `must be at least 5`."""
    return _LIMITS[op].format(quantity(limit, unit))


def counted(count: float, selector: Selector) -> str:
    """Return so many of what a selector selects: `no requests`, `1 request`, `312 failed requests`."""
    one, several = things(selector)
    return f"{number(count) if count else 'no'} {one if count == 1 else several}"


def at_most(count: float, selector: Selector) -> str:
    """Return so few of what a selector selects: `only 1 request`, `no requests`."""
    return f"only {counted(count, selector)}" if count else counted(count, selector)


def things(selector: Selector) -> tuple[str, str]:
    """Return what a selector selects, one and several of it."""
    one, several = _noun(selector)
    conditions = _conditions(selector)
    return f"{one}{conditions}", f"{several}{conditions}"


def share_said(said: str, count: float, bad: Selector, total: Selector) -> str:
    """Return a share as what became of them: `5.2% of 312 requests failed`. said: the share."""
    if bad.signal == "metric" and bad.metric not in _COUNTERS:
        return f"{bad.metric} came to {said} of {number(count)} {total.metric or things(total)[1]}"
    return f"{said} of {counted(count, total)} {_became(bad, total)}"


def statistic_said(statistic: Statistic, measure: Measure, value: float, events: float, said: str) -> str:
    """Return what a statistic says: `12 requests`, `p95 duration of 312 requests was 1.2 s`.

    said: the value with its unit.
    """
    selector = measure.selector
    if statistic == "count" and (selector.signal != "metric" or selector.metric in _COUNTERS):
        return counted(value, selector)
    if statistic in ("count", "sum") and selector.metric in _COUNTERS and not measure.field:
        return counted(value, selector)
    if statistic in ("count", "sum") and selector.signal == "metric" and not measure.field:
        return f"{selector.metric} came to {said}"
    names = {"avg": "average", "min": "lowest", "max": "highest", "sum": "sum of"}
    return f"{names.get(statistic, statistic)} {_named(measure)} of {counted(events, selector)} was {said}"


def shortened(text: str, most: int = _TEXT_MAX) -> str:
    """Return a text on one line, at most so many characters of it."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _quantity(value: float, unit: str, more: int) -> str:
    if unit == "%":
        return f"{number(value, more)}%"
    if unit == "By":
        return _bytes(value, more)
    if unit in ("ms", "s") and not more:
        seconds = value / 1000 if unit == "ms" else value
        if abs(seconds) >= 60:
            return f"-{duration(-seconds)}" if seconds < 0 else duration(seconds)
    if unit == "ms" and abs(value) >= 1000:
        return f"{number(value / 1000, more)} s"
    name = "" if unit == "1" else unit.strip("{}")
    return f"{number(value, more)} {name}".rstrip()


def _bytes(value: float, more: int) -> str:
    power = 0
    while abs(value) >= 1024 and power < len(_BYTES) - 1:
        value, power = value / 1024, power + 1
    return f"{number(value, more)} {_BYTES[power]}"


def _noun(selector: Selector) -> tuple[str, str]:
    if selector.signal == "metric":
        return _of_metric(selector.metric)
    return _lines(selector) if selector.signal == "log" else _operations(selector)


def _became(bad: Selector, total: Selector) -> str:
    if bad.signal == "metric":
        return _COUNTERS[bad.metric][2]
    if bad.above is not None and bad.above != total.above:
        is_time = bad.signal == "span"
        return (
            f"took longer than {quantity(bad.above, 'ms')}" if is_time else f"were above {number(bad.above)}"
        )
    if bad.status == "error" and bad.fields == total.fields and bad.name == total.name:
        return "failed"
    if bad.levels and set(bad.levels) <= _ERRORS and not (bad.contains or bad.matches or bad.fields):
        return "were errors"
    is_same = _noun(bad) == _noun(total)
    return f"were those{_conditions(bad)}" if is_same else f"were {things(bad)[1]}"


def _of_metric(metric: str) -> tuple[str, str]:
    if metric in _COUNTERS:
        return _COUNTERS[metric][:2]
    if metric.startswith(_MEASURED):
        return "invocation", "invocations"
    return f"value of {metric}", f"values of {metric}"


def _named(measure: Measure) -> str:
    """The name of the number that is measured."""
    if measure.field or measure.selector.signal != "metric":
        return measure.field or "duration"
    return measure.selector.metric.removeprefix(_MEASURED)


def _lines(selector: Selector) -> tuple[str, str]:
    levels = set(selector.levels)
    if levels and levels <= _ERRORS:
        return "error line", "error lines"
    if levels == {"WARN"}:
        return "warning", "warnings"
    return "log line", "log lines"


def _operations(selector: Selector) -> tuple[str, str]:
    failed = "failed " if selector.status == "error" else ""
    if selector.name:
        return f"{failed}call of {selector.name}", f"{failed}calls of {selector.name}"
    if selector.is_request and selector.kinds == ("consumer",):
        return f"{failed}invocation", f"{failed}invocations"
    if selector.is_request or selector.kinds == ("server",):
        return f"{failed}request", f"{failed}requests"
    if selector.kinds and set(selector.kinds) <= {"client", "producer"}:
        return f"{failed}outgoing call", f"{failed}outgoing calls"
    return f"{failed}operation", f"{failed}operations"


def _conditions(selector: Selector) -> str:
    found = [f' with "{shortened(selector.contains)}"'] if selector.contains else []
    if selector.matches:
        found.append(f' that match "{shortened(selector.matches)}"')
    for name, values in selector.fields.items():
        texts = [number(v) if isinstance(v, float) else str(v) for v in values[:2]]
        found.append(f" with {name} {' or '.join(texts)}{' or others' if len(values) > 2 else ''}")
    if selector.above is not None:
        unit = "ms" if selector.signal == "span" else ""
        found.append(f" above {quantity(selector.above, unit)}")
    return ",".join(found)
