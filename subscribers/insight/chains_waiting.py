"""What functions pay for waiting: the time in which they only waited for a call. Pure but for a query.

An estimate: waiting x memory x price. Parallel calls count once, because the function is billed once.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from observe import semconv
from subscribers.config import Config
from subscribers.insight.answer import Question, Source
from subscribers.insight.calls import Trace, function_of, is_record
from subscribers.insight.spent_sweep import Interval, self_times
from subscribers.parsers.prices import LIST_PRICES
from subscribers.signals import Span

#: For whom a call waits: a function, the legacy side, a service of AWS, or somebody who tells nothing.
Callee = Literal["functions", "legacy", "aws", "elsewhere"]
_CALLEES: tuple[Callee, ...] = ("functions", "legacy", "aws", "elsewhere")
#: A service and the name of one of its functions.
Function = tuple[str, str]
_AWS = ("aws.", "messaging.")
_AWS_HOST = ".amazonaws.com"
_NS_PER_MS = 1e6

_SIZES = """
SELECT service, coalesce(nullif(json_extract_string(tags, '$."faas.name"'), ''), service) AS function,
       arg_max(value, time_unix_nano) AS size_mb, arg_max(region, time_unix_nano) AS region
FROM metrics
WHERE name = 'aws.lambda.memory_size' AND isfinite(value)
  AND time_unix_nano BETWEEN $first AND $last
GROUP BY ALL
"""


class Size(msgspec.Struct, frozen=True):
    """How much memory a function has, in units of 1,048,576 bytes, and where it runs."""

    size_mb: float
    region: str


class Sizes:
    """The sizes of functions: a service may have several."""

    def __init__(self, known: Mapping[Function, Size] = MappingProxyType({})) -> None:
        self._known = dict(known)
        functions: dict[str, list[str]] = defaultdict(list)
        for service, function in known:
            functions[service].append(function)
        self._single = {service: names[0] for service, names in functions.items() if len(names) == 1}

    def function(self, service: str, function: str) -> str:
        """Return a function's name as reports tell it: a log group may have a name of its own."""
        return function if (service, function) in self._known else self._single.get(service, function)

    def of(self, service: str, function: str) -> Size | None:
        """Return the size of a service's function, None where no report told it."""
        return self._known.get((service, self.function(service, function)))


class Waited(msgspec.Struct, frozen=True, kw_only=True):
    """What the looked-at invocations of a function waited, in milliseconds by whom they waited for.

    ran_ms: how long they took. usd: what waiting for functions and for the legacy side cost, None where the
    memory is not known; estimated.
    """

    service: str
    function: str
    invocations: int
    ran_ms: float
    functions_ms: float = 0.0
    legacy_ms: float = 0.0
    aws_ms: float = 0.0
    elsewhere_ms: float = 0.0
    size_mb: float | None = None
    usd_functions: float | None = None
    usd_legacy: float | None = None

    @property
    def share(self) -> float:
        """Share of its time in which it waited for functions and for the legacy side, in percent."""
        return 100 * (self.functions_ms + self.legacy_ms) / self.ran_ms if self.ran_ms else 0.0


def sizes(source: Source, question: Question) -> Sizes:
    """Return the latest memory size of each function, as its reports tell it."""
    times = {"first": question.first_unix_nano, "last": question.last_unix_nano}
    rows = source(_SIZES, times)
    return Sizes({(row["service"], row["function"]): Size(row["size_mb"], row["region"]) for row in rows})


def usd(config: Config, service: str, ms: float, size: Size) -> float:
    """Return what a function's time costs in US dollars, without the price of the request."""
    known = config.services.get(service)
    pricing = known.pricing if known else LIST_PRICES
    return pricing.usd(ms, size.size_mb, size.region) - pricing.usd(0, size.size_mb, size.region)


def prices(config: Config, known: Mapping[Function, Size]) -> str:
    """Return the prices of functions' time as a sentence, each with its functions; "" for none."""
    told: dict[str, list[str]] = defaultdict(list)
    for (service, function), size in sorted(known.items(), key=lambda item: item[0]):
        item = config.services.get(service)
        pricing = item.pricing if item else LIST_PRICES
        own = pricing.usd_per_gb_second is not None
        price = usd(config, service, 1000, Size(1024, size.region))
        source = "of observe.yaml" if own else f"list price of {size.region or 'most Regions'}"
        shown = f"{price:.10f}".rstrip("0")
        told[f"{shown} USD a GB-second, {source}, {pricing.architecture}"].append(shown_of(service, function))
    uses = (f"{price} ({', '.join(names)})" for price, names in told.items())
    return f"Used: {'; '.join(uses)}." if told else ""


def shown_of(service: str, function: str) -> str:
    """Return how people are told of a function: by its service, and its name where that is another."""
    return service if service == function else f"{service} ({function})"


def waiting(
    traces: Sequence[Trace], known: Sizes, config: Config, drawn: Collection[str] | None = None
) -> list[Waited]:
    """Return what each function waited for, those that waited longest for others first.

    drawn: IDs of the traces whose invocations count, None for all: those that a correlation ID joins to them
    are of the sample only by chance, and sums over it are scaled up.
    """
    ran: dict[Function, list[float]] = defaultdict(list)
    waited: dict[Function, dict[Callee, float]] = defaultdict(lambda: dict.fromkeys(_CALLEES, 0.0))
    for trace in traces:
        for visit, by_callee in zip(trace.visits, waits(trace), strict=True):
            span = trace.span(visit)
            if visit.place.side != "serverless" or is_record(span):
                continue
            if drawn is not None and span.trace_id not in drawn:
                continue
            service = visit.place.service
            key = service, known.function(service, function_of(span))
            ran[key].append(_took(span) / _NS_PER_MS)
            for callee, ns in by_callee.items():
                waited[key][callee] += ns / _NS_PER_MS
    told = [_waited(key, ms, waited[key], known.of(*key), config) for key, ms in ran.items()]
    return sorted(told, key=lambda one: (-one.functions_ms - one.legacy_ms, one.service, one.function))


def _waited(
    key: Function, ran: Sequence[float], ms: Mapping[Callee, float], size: Size | None, config: Config
) -> Waited:
    service, function = key
    return Waited(
        service=service,
        function=function,
        invocations=len(ran),
        ran_ms=sum(ran),
        functions_ms=ms["functions"],
        legacy_ms=ms["legacy"],
        aws_ms=ms["aws"],
        elsewhere_ms=ms["elsewhere"],
        size_mb=size.size_mb if size else None,
        usd_functions=usd(config, service, ms["functions"], size) if size else None,
        usd_legacy=usd(config, service, ms["legacy"], size) if size else None,
    )


def waits(trace: Trace) -> list[dict[Callee, int]]:
    """Return per visit the nanoseconds that it only waited, by whom for: parallel waits share their time."""
    calls = _calls(trace)
    told: list[dict[Callee, int]] = []
    for i, visit in enumerate(trace.visits):
        own = trace.span(visit)
        intervals = [Interval(own.start_unix_nano, own.end_unix_nano, -1)]
        intervals += [Interval(span.start_unix_nano, span.end_unix_nano, 0) for span, _ in calls[i]]
        found: dict[Callee, int] = dict.fromkeys(_CALLEES, 0)
        for (_, callee), ns in zip(calls[i], self_times(intervals)[1:], strict=True):
            found[callee] += ns
        told.append(found)
    return told


def _calls(trace: Trace) -> list[list[tuple[Span, Callee]]]:
    """Per visit its calls that lie in no other call of it; where the call was not told, what it called."""
    found: list[list[tuple[Span, Callee]]] = [[] for _ in trace.visits]
    called = {visit.via: visit.place.side for visit in trace.visits if visit.way == "synchronous"}
    in_call: list[bool] = []
    for i, (node, owner) in enumerate(zip(trace.nodes, trace.owners, strict=True)):
        inner = node.parent >= 0 and trace.owners[node.parent] == owner and in_call[node.parent]
        is_call = node.span.kind in ("client", "producer")
        in_call.append(inner or is_call)
        if is_call and not inner and owner >= 0:
            side = called.get(i)
            found[owner].append((node.span, _callee(node.span) if side is None else _of_side(side)))
    for visit in trace.visits:
        if visit.way == "synchronous" and visit.via < 0:
            found[visit.caller].append((trace.span(visit), _of_side(visit.place.side)))
    return found


def _of_side(side: str) -> Callee:
    return "legacy" if side == "legacy" else "functions"


def _callee(span: Span) -> Callee:
    """For whom a call waits that nobody tells of having received."""
    if semconv.FAAS_INVOKED_NAME in span.attributes:
        return "functions"
    return "aws" if is_aws(span) else "elsewhere"


def is_aws(span: Span) -> bool:
    """Whether a call's span is one of a service of AWS."""
    host = span.attributes.get(semconv.SERVER_ADDRESS, span.attributes.get(semconv.URL_FULL, ""))
    told = span.kind == "producer" or any(name.startswith(_AWS) for name in span.attributes)
    return told or span.attributes.get(semconv.DB_SYSTEM_NAME) == "aws.dynamodb" or _AWS_HOST in str(host)


class Nested(msgspec.Struct, frozen=True):
    """What is billed below a request while its callers wait: milliseconds, and US dollars, estimated.

    usd: None where the memory of one of the functions is not known.
    """

    ms: float = 0.0
    usd: float | None = 0.0


def nested(trace: Trace, known: Sizes, config: Config) -> dict[int, Nested]:
    """Return per visit that nobody waits for what is billed for the functions below it.

    Whole milliseconds, as they are billed; a function that waits is billed meanwhile, too.
    """
    above = {i: i for i, visit in enumerate(trace.visits) if visit.way != "synchronous"}
    found = dict.fromkeys(above, Nested())
    for i, visit in enumerate(trace.visits):
        if visit.way != "synchronous":
            continue
        above[i] = above[visit.caller]
        if visit.place.side == "serverless":
            so_far, service, span = found[above[i]], visit.place.service, trace.span(visit)
            ms = math.ceil(_took(span) / _NS_PER_MS)
            size = known.of(service, function_of(span))
            price = None
            if so_far.usd is not None and size is not None:
                price = so_far.usd + usd(config, service, ms, size)
            found[above[i]] = Nested(so_far.ms + ms, price)
    return found


def _took(span: Span) -> int:
    return max(span.end_unix_nano - span.start_unix_nano, 0)
