"""What of the costs somebody should know."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from subscribers.insight.answer import Finding, Question
from subscribers.insight.cost_functions import named
from subscribers.insight.cost_logs import USD_PER_GB
from subscribers.insight.cost_tables import WASTE
from subscribers.insight.cost_words import asked_s, day, monthly, percent, usd

if TYPE_CHECKING:
    from subscribers.insight.cost import Cost

#: Shares of a cost from which something is said, and from which it is a warning.
_SAID, _WARNED = 0.01, 0.05
#: A template or level with this share of the bytes is worth a look.
_MANY_BYTES = 0.2
#: A function that was not invoked for so long is likely not needed.
_LONG_S = 7 * 86_400


def findings(cost: Cost, question: Question) -> Iterator[Finding]:
    """Yield the findings, the total first."""
    if cost.functions:
        yield _total(cost, question)
        yield from _waste(cost)
        yield from _memory(cost)
    yield from _logs(cost)
    yield from _idle(cost, question)
    yield from _pressure(cost)


def _total(cost: Cost, question: Question) -> Finding:
    whole = sum(one.usd for one in cost.functions)
    number = sum(one.invocations for one in cost.functions)
    dearest, name = cost.functions[0], named(cost.functions)[0]
    month = monthly(whole, question, cost.extent)
    text = f"{number:,} invocations cost {usd(whole)}; {name} has {percent(dearest.usd, whole)} of it."
    if month is not None:
        text += f" A month like this would cost {usd(month)}."
    evidence = {"usd": whole, "invocations": number, "usd_per_month": month}
    return Finding(level="info", text=text, evidence=evidence, basis="estimated")


def _waste(cost: Cost) -> Iterator[Finding]:
    whole = sum(one.usd for one in cost.functions)
    for name, said in WASTE.items():
        amount = sum(float(getattr(one, f"{name}_usd")) for one in cost.functions)
        number = sum(int(getattr(one, name)) for one in cost.functions)
        if not whole or amount < _SAID * whole:
            continue
        is_much = amount >= _WARNED * whole and name != "cold_starts"
        text = f"{said} ({number:,}) are {percent(amount, whole)} of the cost of functions: {usd(amount)}."
        evidence = {"usd": amount, "invocations": number, "share": amount / whole}
        yield Finding(level="warning" if is_much else "info", text=text, evidence=evidence, basis="estimated")


def _memory(cost: Cost) -> Iterator[Finding]:
    pairs = zip(named(cost.functions), cost.functions, strict=True)
    large = {name: one for name, one in pairs if one.has_much_memory}
    if large:
        names = ", ".join(large)
        sizes = {name: {"memory_mb": one.size_mb, "p99_mb": one.used_p99_mb} for name, one in large.items()}
        text = (
            f"{names}: less than half of the memory is used by 99% of invocations. Less memory is cheaper, "
            "and slower where the processor counts, which comes with it: try before you change it."
        )
        yield Finding(level="info", text=text, evidence=sizes, basis="estimated")


def _logs(cost: Cost) -> Iterator[Finding]:
    yield from _logs_of_functions(cost)
    whole = sum(one.bytes for one in cost.groups)
    debug = sum(one.debug_bytes for one in cost.groups)
    if whole and debug >= _MANY_BYTES * whole:
        yield Finding(
            level="warning",
            text=f"{percent(debug, whole)} of all log bytes are at DEBUG or TRACE.",
            evidence={"bytes": debug, "all_bytes": whole},
            basis="estimated",
        )
    for one in cost.templates.templates[:1]:
        if one.bytes >= _MANY_BYTES * cost.templates.bytes:
            share = percent(one.bytes, cost.templates.bytes)
            text = (
                f"One kind of line of {one.service or one.log_group} has {share} of the bytes of messages: "
            )
            evidence = {"template": one.template, "lines": one.lines, "bytes": one.bytes}
            yield Finding(level="info", text=text + one.template[:120], evidence=evidence, basis="estimated")


def _logs_of_functions(cost: Cost) -> Iterator[Finding]:
    """What log lines of functions cost beside the functions, and whose lines they are."""
    groups = [one for one in cost.groups if one.side == "serverless"]
    paid, spent = sum(one.usd or 0 for one in groups), sum(one.usd for one in cost.functions)
    own, whole = sum(one.own_bytes for one in groups), sum(one.bytes for one in groups)
    if spent and paid > spent:
        yield Finding(
            level="warning",
            text=f"Taking in the log lines of functions costs more than running them: {usd(paid)} "
            f"against {usd(spent)}.",
            evidence={"log_usd": paid, "functions_usd": spent, "usd_per_gb": USD_PER_GB},
            basis="estimated",
        )
    if own:
        yield Finding(
            level="info",
            text=f"{percent(own, whole)} of the log bytes of functions are the layer's own lines: spans, "
            "metrics, receipts.",
            evidence={"bytes": own, "all_bytes": whole},
            basis="estimated",
        )


def _idle(cost: Cost, question: Question) -> Iterator[Finding]:
    if not cost.idle or cost.extent.first_ever is None:
        return
    is_long = asked_s(question, cost.extent) >= _LONG_S
    since = day(max(question.first_unix_nano, cost.extent.first_ever))
    names = ", ".join(one.function for one in cost.idle[:10])
    text = f"Nobody invoked {names}{' and others' if len(cost.idle) > 10 else ''} since {since}."
    yield Finding(
        level="warning" if is_long else "info",
        text=text + ("" if is_long else " That is less than a week."),
        evidence={"functions": [one.function for one in cost.idle]},
    )


def _pressure(cost: Cost) -> Iterator[Finding]:
    by_service: dict[str, list[int]] = {}
    for i, one in enumerate(cost.pressure):
        by_service.setdefault(one.service, []).append(i)
    for service, indices in by_service.items():
        minutes = [cost.pressure[i] for i in indices]
        lines, calls = sum(one.lines for one in minutes), max(one.calls for one in minutes)
        usual = minutes[0].usual_calls
        said = f"{lines:,} lines say so" if lines else "its gauges say so"
        text = (
            f"Connections of {service} were short, in {len(minutes):,} of the minutes, "
            f"first at {day(minutes[0].minute_unix_nano)}: {said}. "
            f"Functions had up to {calls:,} HTTP calls open at a time then, {usual:,.0f} in the usual minute."
        )
        ids = tuple(dict.fromkeys(one.correlation_id for one in minutes if one.correlation_id))[:5]
        yield Finding(
            level="bad" if lines else "warning",
            text=text,
            evidence={"lines": lines, "minutes": len(minutes), "calls": calls, "usual_calls": usual},
            basis="inferred",
            correlation_ids=ids,
        )
