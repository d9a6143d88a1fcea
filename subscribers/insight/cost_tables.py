"""Costs as tables, and what has to be known to read them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from subscribers.insight.answer import Cell, Column, Question, Table
from subscribers.insight.cost_functions import FunctionCost, named, several
from subscribers.insight.cost_logs import USD_PER_GB
from subscribers.insight.cost_requests import EndpointCost
from subscribers.insight.cost_words import day, monthly
from subscribers.parsers.prices import LIST_PRICES

if TYPE_CHECKING:
    from subscribers.insight.cost import Cost

_COUNT, _USD = "1", "{USD}"
#: Told where there are several: else a name is enough.
_PLACE = (Column("account", "account"), Column("region", "Region"))
_NO_INVOCATIONS = "The store has no report of an invocation in this time."

#: Kinds of waste: fields of FunctionCost, and what they are called.
WASTE = {
    "retries": "Retries of a request",
    "redeliveries": "Messages processed again",
    "timeouts": "Timeouts",
    "errors": "Errors, timeouts included",
    "cold_starts": "Cold starts, their billed part",
}


def tables(cost: Cost, question: Question) -> Iterator[Table]:
    """Yield the tables; those of which nothing is known and nothing was asked are left out."""
    yield _functions(cost, question)
    yield _memory(cost, question)
    yield _waste(cost.functions)
    yield _endpoints(cost, question)
    if question.by:
        yield _values(cost, question)
    yield _groups(cost, question)
    yield _templates(cost, question)
    if cost.idle:
        yield _idle(cost, question)
    if cost.pressure:
        yield _pressure(cost, question)


def notes(cost: Cost, question: Question) -> Iterator[str]:
    """Yield what has to be known to read the tables: prices, limits, what is missing."""
    yield (
        "Amounts are estimates: billed time, size and requests at Lambda's list price of the Region, without "
        "free tier, discounts, provisioned concurrency and everything around functions."
    )
    own = [name for name, service in question.config.services.items() if service.pricing != LIST_PRICES]
    if own:
        yield f"Architecture or prices of observe.yaml hold for {', '.join(own)}."
    if unpriced := sum(one.unpriced for one in cost.functions):
        yield f"{unpriced:,} invocations tell no billed time or size, and have no price here."
    if any(one.was_resized for one in cost.functions):
        pairs = zip(named(cost.functions), cost.functions, strict=True)
        changed = ", ".join(name for name, one in pairs if one.was_resized)
        yield f"The memory of {changed} was changed in this time: there is no hint for it."
    yield "Kinds of waste overlap: a timeout is an error, and a retry may fail, too."
    if question.services:
        yield (
            f"Only what {', '.join(question.services)} cost, of endpoints and values, too. Requests are all "
            "that began at these endpoints."
        )
    yield (
        "An endpoint's own cost is that of the function that serves it; the whole is that of every "
        "invocation that its requests set off, each record of a batch with its part."
    )
    inferred = sum(one.inferred_invocations for one in cost.endpoints)
    if inferred:
        yield f"{inferred:,.0f} invocations are at their endpoint by correlation ID and time alone: inferred."
    yield (
        f"Log bytes are estimated from what lines say; CloudWatch's ingestion at {USD_PER_GB:.2f} USD a GB "
        "(us-east-1; other Regions up to twice that), without storage. What controls left out is not in it."
    )
    told = cost.templates
    if told.kinds:
        yield (
            f"Templates: {told.looked_at:,} of {told.kinds:,} kinds of messages were looked at, with "
            f"{100 * told.looked_at_bytes / max(1, told.bytes):.0f}% of the bytes."
        )
    if cost.extent.first_ever is not None:
        yield f"The store has log lines since {day(cost.extent.first_ever)}."
    yield from cost.problems


def _rows(rows: Iterable[tuple[Cell, ...]], most: int) -> tuple[tuple[tuple[Cell, ...], ...], int]:
    found = tuple(rows)
    return found[:most], max(0, len(found) - most)


def _functions(cost: Cost, question: Question) -> Table:
    shown = several(cost.functions)
    rows, more = _rows((_function(one, shown, cost, question) for one in cost.functions), question.most)
    return Table(
        name="functions",
        title="Functions",
        columns=(
            Column("function", "function"),
            *_PLACE,
            Column("invocations", "invoked", _COUNT),
            Column("billed_s", "billed", "s"),
            Column("gb_s", "GB-s", _COUNT),
            Column("usd", "cost", _USD, True),
            Column("usd_per_million", "per 1M", _USD, True),
            Column("usd_per_month", "per month", _USD, True),
        ),
        rows=rows,
        more=more,
        empty=_NO_INVOCATIONS,
    )


def _place(one: FunctionCost, shown: tuple[bool, bool]) -> tuple[Cell, Cell]:
    by_account, by_region = shown
    return one.account if by_account else None, one.region if by_region else None


def _function(
    one: FunctionCost, shown: tuple[bool, bool], cost: Cost, question: Question
) -> tuple[Cell, ...]:
    return (
        one.function,
        *_place(one, shown),
        one.invocations,
        one.billed_s,
        one.gb_s,
        one.usd,
        one.usd_per_million,
        monthly(one.usd, question, cost.extent),
    )


def _memory(cost: Cost, question: Question) -> Table:
    shown = several(cost.functions)
    rows, more = _rows(
        (
            (
                one.function,
                *_place(one, shown),
                one.size_mb,
                one.used_p99_mb,
                _share(one.used_p99_mb or 0, one.size_mb or 0),
                "less memory may do" if one.has_much_memory else None,
            )
            for one in cost.functions
        ),
        question.most,
    )
    return Table(
        name="memory",
        title="Memory of functions",
        columns=(
            Column("function", "function"),
            *_PLACE,
            Column("memory_mb", "size", "MBy"),
            Column("memory_used_p99_mb", "p99 used", "MBy"),
            Column("used_share", "used", "%"),
            Column("hint", "hint"),
        ),
        rows=rows,
        more=more,
        empty=_NO_INVOCATIONS,
    )


def _waste(functions: Sequence[FunctionCost]) -> Table:
    whole = sum(one.usd for one in functions)
    names = named(functions)
    rows = []
    for name, said in WASTE.items() if functions else ():
        number = sum(int(getattr(one, name)) for one in functions)
        amount = sum(float(getattr(one, f"{name}_usd")) for one in functions)
        most = max(zip(functions, names, strict=True), key=lambda one: float(getattr(one[0], f"{name}_usd")))
        share = 100 * amount / whole if whole else None
        rows.append((said, number, amount, share, most[1] if number else None))
    return Table(
        name="waste",
        title="Paid twice, or for nothing",
        columns=(
            Column("what", "what"),
            Column("invocations", "invocations", _COUNT),
            Column("usd", "cost", _USD, True),
            Column("share", "of all", "%", True),
            Column("most_in", "most in"),
        ),
        rows=tuple(rows),
        empty=_NO_INVOCATIONS,
        drawn="bar",
    )


def _endpoints(cost: Cost, question: Question) -> Table:
    rows, more = _rows((_endpoint(one) for one in cost.endpoints), question.most)
    return Table(
        name="endpoints",
        title="Endpoints",
        columns=(
            Column("endpoint", "endpoint"),
            Column("requests", "requests", _COUNT),
            Column("own_usd", "function", _USD, True),
            Column("whole_invocations", "set off", _COUNT),
            Column("whole_usd", "whole", _USD, True),
            Column("usd_per_million", "per 1M", _USD, True),
        ),
        rows=rows,
        more=more,
        empty="The store has no request with a route in this time.",
    )


def _endpoint(one: EndpointCost) -> tuple[Cell, ...]:
    return (
        one.endpoint or "(of no endpoint)",
        one.requests if one.endpoint else None,
        one.own_usd if one.own_invocations else None,
        round(one.whole_invocations, 1),
        one.whole_usd,
        one.usd_per_million,
    )


def _values(cost: Cost, question: Question) -> Table:
    whole = sum(one.usd for one in cost.values)
    told = [one for one in cost.values if one.value is not None]
    rows, more = _rows(
        (
            (
                one.value or "(not told)",
                round(one.invocations, 1),
                one.usd,
                100 * one.usd / whole if whole else None,
            )
            for one in (cost.values if told else ())
        ),
        question.most,
    )
    return Table(
        name="by",
        title=f"By {question.by}",
        columns=(
            Column("value", question.by),
            Column("invocations", "invocations", _COUNT),
            Column("usd", "cost", _USD, True),
            Column("share", "of all", "%", True),
        ),
        rows=rows,
        more=more,
        empty=f"Nothing tells {question.by}: no field of a log line, attribute of a span or tag of a metric.",
        drawn="bar",
    )


def _groups(cost: Cost, question: Question) -> Table:
    rows, more = _rows(
        (
            (
                one.log_group,
                one.lines,
                one.bytes,
                _share(one.own_bytes, one.bytes),
                _share(one.debug_bytes, one.bytes),
                one.usd,
            )
            for one in cost.groups
        ),
        question.most,
    )
    return Table(
        name="log_groups",
        title="Log groups",
        columns=(
            Column("log_group", "log group"),
            Column("lines", "lines", _COUNT),
            Column("bytes", "bytes", "By", True),
            Column("own_share", "the layer's", "%", True),
            Column("debug_share", "debug", "%", True),
            Column("usd", "ingestion", _USD, True),
        ),
        rows=rows,
        more=more,
        empty="The store has no log lines in this time.",
    )


def _templates(cost: Cost, question: Question) -> Table:
    archived = {one.log_group for one in cost.groups if not one.is_priced}
    rows, more = _rows(
        (
            (
                one.template,
                one.service,
                one.level or None,
                one.lines,
                one.bytes,
                _share(one.bytes, cost.templates.bytes),
                None if one.log_group in archived else one.bytes / 1e9 * USD_PER_GB,
            )
            for one in cost.templates.templates
        ),
        min(question.most, 20),
    )
    return Table(
        name="line_templates",
        title="Lines by template",
        columns=(
            Column("template", "template"),
            Column("service", "service"),
            Column("level", "level"),
            Column("lines", "lines", _COUNT),
            Column("bytes", "bytes", "By", True),
            Column("share", "of all", "%", True),
            Column("usd", "ingestion", _USD, True),
        ),
        rows=rows,
        more=more,
        empty="The store has no log lines in this time.",
    )


def _idle(cost: Cost, question: Question) -> Table:
    rows, more = _rows(
        (
            (
                one.function,
                one.service or None,
                one.named_by,
                None if one.last_unix_nano is None else day(one.last_unix_nano),
            )
            for one in cost.idle
        ),
        question.most,
    )
    return Table(
        name="idle",
        title="Functions that were not invoked",
        columns=(
            Column("function", "function"),
            Column("service", "service"),
            Column("named_by", "named by"),
            Column("last", "last invoked"),
        ),
        rows=rows,
        more=more,
    )


def _pressure(cost: Cost, question: Question) -> Table:
    rows, more = _rows(
        (
            (
                day(one.minute_unix_nano),
                one.service,
                one.lines,
                one.in_use,
                one.most,
                one.calls,
                one.usual_calls,
            )
            for one in cost.pressure
        ),
        question.most,
    )
    return Table(
        name="connections",
        title="Pressure on connections of the legacy side, by minute",
        columns=(
            Column("minute", "minute"),
            Column("service", "service"),
            Column("lines", "lines", _COUNT),
            Column("in_use", "in use", _COUNT),
            Column("most", "limit", _COUNT),
            Column("calls", "calls open", _COUNT),
            Column("usual_calls", "usually", _COUNT),
        ),
        rows=rows,
        more=more,
        drawn="lines",
    )


def _share(part: float, whole: float) -> float | None:
    return 100 * part / whole if whole else None
