"""Expressions of the catalogue as arithmetic over readings, which each language prints in its own way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Literal

import msgspec

from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total
from dashboards.kibana.fields import BILLED, Reading, reading
from dashboards.kibana.store import Index, Store
from dashboards.resources import System
from subscribers.parsers.prices import LIST_PRICES, Pricing

Operator = Literal["add", "multiply", "divide"]
SIGNS: dict[Operator, str] = {"add": "+", "multiply": "*", "divide": "/"}


class Number(msgspec.Struct, frozen=True):
    """A constant."""

    value: float


class Operation(msgspec.Struct, frozen=True):
    """Two values and what is done with them; of a division whose divisor is 0 there is no value."""

    operator: Operator
    left: Calculation
    right: Calculation


class Gate(msgspec.Struct, frozen=True):
    """`then` where `of` is at least `minimum`, else 0."""

    of: Calculation
    minimum: float
    then: Calculation


Calculation = Reading | Number | Operation | Gate


class Absent(msgspec.Struct, frozen=True):
    """An expression that cannot be read there, and why."""

    measure: str
    reason: str


def calculation(expression: Expression, system: System, store: Store) -> Calculation | Absent:
    """Return an expression over readings, or what of it is absent."""

    def of(found: Expression) -> Calculation:
        match found:
            case Metric(measure="function.cost"):
                return _cost(found)
            case Metric():
                read = reading(found, system, store)
                if isinstance(read, str):
                    raise _AbsentError(Absent(found.measure, read))
                if read.scale == 1:
                    return read
                return Operation("multiply", msgspec.structs.replace(read, scale=1.0), Number(read.scale))
            case Percent(of=top, over=over, gate=gate):
                bottom = of(over)
                share = Operation("divide", Operation("multiply", Number(100), of(top)), bottom)
                return Gate(bottom, gate, share) if gate else share
            case Quotient(of=top, over=over):
                return Operation("divide", of(top), of(over))
            case Scaled(of=one, by=by):
                return Operation("multiply", of(one), Number(by))
            case Total(of=several):
                total = of(several[0])
                for one in several[1:]:
                    total = Operation("add", total, of(one))
                return total

    def _cost(metric: Metric) -> Calculation:
        resource = system.resources.get(metric.subject)
        memory_mb = resource.limits.get("memory_mb", 0) if resource else 0
        if resource is None or not memory_mb:
            raise _AbsentError(Absent(metric.measure, "the memory of the function is not known"))
        pricing = _pricing(system, metric.subject)
        if resource.facts.get("architecture") == "arm64" and pricing.architecture != "arm64":
            pricing = msgspec.structs.replace(pricing, architecture="arm64")
        request = pricing.usd(0, memory_mb, system.region)
        billed = pricing.usd(1, memory_mb, system.region) - request
        return of(
            Total(
                (
                    Scaled(Metric(BILLED, metric.subject, "sum"), float(f"{billed:.12g}")),
                    Scaled(Metric("function.invocations", metric.subject, "sum"), float(f"{request:.12g}")),
                )
            )
        )

    try:
        return of(expression)
    except _AbsentError as absent:
        return absent.what


class _AbsentError(Exception):
    def __init__(self, what: Absent) -> None:
        super().__init__(what.reason)
        self.what = what


def _pricing(system: System, subject: str) -> Pricing:
    for service in system.services.values():
        if subject in service.functions and service.config is not None:
            return service.config.pricing
    return LIST_PRICES


def readings_of(found: Calculation) -> Iterator[Reading]:
    """Yield the readings of a calculation, in order, repeated ones too."""
    match found:
        case Reading():
            yield found
        case Operation(left=left, right=right):
            yield from readings_of(left)
            yield from readings_of(right)
        case Gate(of=of, then=then):
            yield from readings_of(of)
            yield from readings_of(then)


def index_of(*several: Calculation) -> Index:
    """Return where all that they read is: one kind of documents, or all."""
    kinds = {read.index for found in several for read in readings_of(found)}
    return kinds.pop() if len(kinds) == 1 else "all"


def number(value: float) -> str:
    """Return a constant without an exponent, as every one of the languages reads it."""
    return str(int(value)) if value == int(value) else f"{Decimal(repr(value)):f}"


class Language(msgspec.Struct, frozen=True):
    """How a language writes what differs. reading: a value; division and gate: of texts."""

    reading: Callable[[Reading], str]
    division: Callable[[str, str], str]
    gate: Callable[[str, str, str], str]


def written(found: Calculation, language: Language) -> str:
    """Return a calculation as a text of a language, in brackets where they are needed."""
    match found:
        case Reading():
            return language.reading(found)
        case Number(value=value):
            return number(value)
        case Gate(of=of, minimum=minimum, then=then):
            return language.gate(written(of, language), number(minimum), written(then, language))
        case Operation(operator=operator, left=left, right=right):
            one, two = written(left, language), written(right, language)
            if operator == "divide":
                return language.division(one, two)
            return f"({one} {SIGNS[operator]} {two})"
