"""Metrics on stdout, by the methods of the DogStatsD client: no socket, no agent.

    metrics.increment("claims.submitted", tags={"product": "motor"})
    metrics.timing("legacy.lookup", 12.5)
    with metrics.timed("legacy.lookup"): ...

What an invocation measures is gathered and written once, at its end, in the format of OBSERVE_METRICS_FORMAT:
docs/metrics.md. Nothing here raises for a value, a name or tags that cannot be written: that is left out and
said once, as every fault of telemetry is.

tags: {"key": "value"}, ["key:value", "flag"] or "key:value". sample_rate: the share of values that is kept, 0
to 1. cardinality: of the tags an agent adds: none, low, orchestrator or high.
https://datadogpy.readthedocs.io/en/latest/#datadog-dogstatsd-module
"""

from __future__ import annotations

import functools
import time

from observe import aggregate, guard, metric_lines, series

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, Self, TypeVar

    Tags = Mapping[str, object] | Iterable[str] | None
    F = TypeVar("F", bound=Callable[..., Any])

__all__ = [
    "CRITICAL",
    "OK",
    "UNKNOWN",
    "WARNING",
    "count",
    "count_with_timestamp",
    "decrement",
    "distributed",
    "distribution",
    "event",
    "gauge",
    "gauge_with_timestamp",
    "histogram",
    "increment",
    "service_check",
    "set",
    "timed",
    "timing",
]

#: Statuses of a service check.
OK, WARNING, CRITICAL, UNKNOWN = range(4)
#: Characters of an event, as datadogpy has it; agents take 8 KiB.
EVENT_MAX = 8 * 1024
_CO_COROUTINE = 0x80  # inspect's; importing it takes several ms


def increment(
    metric: str,
    value: float = 1,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Add `value` to the count `metric`."""
    guard.guarded_for(metric, aggregate.record, "count", metric, value, tags, sample_rate, cardinality)


def count(
    metric: str,
    value: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Add `value` to the count `metric`."""
    guard.guarded_for(metric, aggregate.record, "count", metric, value, tags, sample_rate, cardinality)


def decrement(
    metric: str,
    value: float = 1,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Subtract `value` from the count `metric`."""
    guard.guarded_for(metric, _decrement, metric, value, tags, sample_rate, cardinality)


def _decrement(metric: str, value: float, *more: Any) -> None:
    aggregate.record("count", metric, -value if value else value, *more)


def gauge(
    metric: str,
    value: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Record that `metric` is `value` now; of an invocation the last one is told."""
    guard.guarded_for(metric, aggregate.record, "gauge", metric, value, tags, sample_rate, cardinality)


def count_with_timestamp(
    metric: str,
    value: float,
    timestamp: float = 0,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Add `value` to the count `metric` at `timestamp`, in seconds since the epoch; 0: now."""
    more = (tags, sample_rate, cardinality)
    guard.guarded_for(metric, aggregate.record_at, "count", metric, value, timestamp, *more)


def gauge_with_timestamp(
    metric: str,
    value: float,
    timestamp: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Record that `metric` was `value` at `timestamp`, in seconds since the epoch; 0: now."""
    more = (tags, sample_rate, cardinality)
    guard.guarded_for(metric, aggregate.record_at, "gauge", metric, value, timestamp, *more)


def histogram(
    metric: str,
    value: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Record one value of a distribution that each host summarises."""
    guard.guarded_for(metric, aggregate.record, "histogram", metric, value, tags, sample_rate, cardinality)


def distribution(
    metric: str,
    value: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Record one value of a distribution that is summarised over all hosts."""
    guard.guarded_for(metric, aggregate.record, "distribution", metric, value, tags, sample_rate, cardinality)


def timing(
    metric: str,
    value: float,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Record a duration in milliseconds."""
    guard.guarded_for(metric, aggregate.record, "timing", metric, value, tags, sample_rate, cardinality)


def set(
    metric: str,
    value: object,
    tags: Tags = None,
    sample_rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Count `value` as one of the distinct values of `metric`."""
    guard.guarded_for(metric, aggregate.record, "set", metric, value, tags, sample_rate, cardinality)


# --- Events and service checks --------------------------------------------------------------


def event(
    title: str,
    message: str,
    alert_type: str | None = None,
    aggregation_key: str | None = None,
    source_type_name: str | None = None,
    date_happened: int | None = None,
    priority: str | None = None,
    tags: Tags = None,
    hostname: str | None = None,
    cardinality: str | None = None,
) -> None:
    """Write an event, at once. alert_type: error, warning, info or success; priority: normal or low.

    date_happened: seconds since the epoch. A message too long for an event is cut and ends with `…`.
    https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/?tab=events
    """
    fields = {
        "d": date_happened,
        "h": hostname,
        "k": aggregation_key,
        "p": priority,
        "s": source_type_name,
        "t": alert_type,
    }
    guard.guarded(_event, title, message, fields, tags, cardinality)


def _event(
    title: object, message: object, fields: dict[str, object], tags: Tags, cardinality: str | None
) -> None:
    sections = _sections(fields, tags) + _cardinality(cardinality)
    name, text = _escaped(title), _escaped(message, EVENT_MAX)
    datagram = _event_head(name, text) + sections
    if len(datagram) > EVENT_MAX:
        kept = len(text) - (len(datagram) - EVENT_MAX) - 1
        if kept < 0:
            raise ValueError(
                f"event {name[:64]!r}: {len(datagram)} characters beside its message are too many"
            )
        datagram = _event_head(name, text[:kept].rstrip("\\") + "…") + sections
    aggregate.write_datagram(datagram)


def _event_head(title: str, message: str) -> str:
    return f"_e{{{len(title.encode())},{len(message.encode())}}}:{title}|{message}"


def _escaped(text: object, most: int = 0) -> str:
    if text is None:
        raise ValueError("None is no text of an event or a check")
    return series.clean_text(metric_lines.valid(text), most).replace("\n", "\\n")


def _sections(fields: dict[str, object], tags: Tags) -> str:
    """The optional sections in the order of datadogpy; times, `d`, are whole seconds."""
    given = {letter: value for letter, value in fields.items() if value}
    if "d" in given:
        given["d"] = int(aggregate.number("date", given["d"]))
    text = "".join(
        f"|{letter}:{metric_lines.field(series.clean_text(metric_lines.valid(value)))}"
        for letter, value in given.items()
    )
    named = (*metric_lines.pieces(series.clean_tags(tags)), *aggregate.constant_tags())
    return f"{text}|#{','.join(named)}" if named else text


def _cardinality(asked: str | None) -> str:
    known = series.cardinality(asked)
    return f"|card:{known}" if known else ""


def service_check(
    check_name: str,
    status: int,
    tags: Tags = None,
    timestamp: int | None = None,
    cardinality: str | None = None,
    hostname: str | None = None,
    message: str | None = None,
) -> None:
    """Write the outcome of a check, at once. status: OK, WARNING, CRITICAL or UNKNOWN.

    timestamp: seconds since the epoch.
    https://docs.datadoghq.com/developers/dogstatsd/datagram_shell/?tab=servicechecks
    """
    guard.guarded(_service_check, check_name, status, tags, timestamp, cardinality, hostname, message)


def _service_check(
    name: object,
    status: object,
    tags: Tags,
    timestamp: object,
    cardinality: str | None,
    hostname: object,
    message: object,
) -> None:
    if status not in (OK, WARNING, CRITICAL, UNKNOWN):
        raise ValueError(f"service check {guard.said(name)[:64]}: {guard.said(status)[:64]} is not 0 to 3")
    datagram = f"_sc|{metric_lines.clean_name(name)}|{int(status)}"
    datagram += _sections({"d": timestamp, "h": hostname}, tags)
    if message:
        # `m:` begins the message's own section, so one inside of it is escaped.
        datagram += "|m:" + _escaped(message).replace("m:", "m\\:")
    aggregate.write_datagram(datagram + _cardinality(cardinality))


# --- Timers ---------------------------------------------------------------------------------


def timed(
    metric: str | None = None,
    tags: Tags = None,
    sample_rate: float | None = None,
    use_ms: bool | None = None,
) -> Timer:
    """Measure how long a block or a function takes, as a timing in milliseconds.

        with metrics.timed("legacy.lookup"): ...
        @metrics.timed()        # the metric: module.function; coroutine functions, too

    use_ms: True for whole milliseconds, False for seconds, as the datadog client has it by default.
    """
    return Timer("timing", metric, tags, sample_rate, use_ms)


def distributed(
    metric: str | None = None,
    tags: Tags = None,
    sample_rate: float | None = None,
    use_ms: bool | None = None,
) -> Timer:
    """Measure as `timed` does, as a distribution."""
    return Timer("distribution", metric, tags, sample_rate, use_ms)


class Timer:
    """A context manager and a decorator: see `timed`. elapsed: what was measured last, in its unit."""

    def __init__(
        self, kind: str, metric: str | None, tags: Tags, sample_rate: float | None, use_ms: bool | None
    ) -> None:
        self.kind = kind
        self.metric = metric
        self.tags = tags
        self.sample_rate = sample_rate
        self.use_ms = use_ms
        self.elapsed: float | None = None
        #: One for each block that is open: a timer may be entered inside itself.
        self._starts: list[float] = []

    def __call__(self, function: F) -> F:
        """Return `function`, measured at every call."""
        metric = self.metric or ".".join(
            guard.said(getattr(function, name, "unknown")) for name in ("__module__", "__name__")
        )
        wrap = _timed_coroutine if _is_coroutine(function) else _timed
        return wrap(self, metric, function)  # type: ignore[no-any-return]

    def __enter__(self) -> Self:
        self._starts.append(time.perf_counter())
        return self

    def __exit__(self, *error: object) -> None:
        guard.guarded(self._left)

    def start(self) -> None:
        """Begin, where no `with` block can be used."""
        self.__enter__()

    def stop(self) -> None:
        """End what `start` has begun."""
        self.__exit__()

    def _left(self) -> None:
        if not self.metric:
            raise ValueError("timed() around a block needs a metric")
        self.tell(self.metric, self._starts.pop())

    def tell(self, metric: str, start: float) -> None:
        """Record the time since `start`, a reading of time.perf_counter."""
        seconds = time.perf_counter() - start
        if self.use_ms is None:
            self.elapsed = round(seconds * 1000, 3)
        else:
            self.elapsed = round(seconds * 1000) if self.use_ms else seconds
        aggregate.record(self.kind, metric, self.elapsed, self.tags, self.sample_rate)


def _timed(timer: Timer, metric: str, function: Any) -> Any:
    @functools.wraps(function)
    def measured(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return function(*args, **kwargs)
        finally:
            guard.guarded(timer.tell, metric, start)

    return measured


def _timed_coroutine(timer: Timer, metric: str, function: Any) -> Any:
    @functools.wraps(function)
    async def measured(*args: Any, **kwargs: Any) -> Any:
        start = time.perf_counter()
        try:
            return await function(*args, **kwargs)
        finally:
            guard.guarded(timer.tell, metric, start)

    return measured


def _is_coroutine(function: Any) -> bool:
    while isinstance(function, functools.partial):
        function = function.func
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _CO_COROUTINE)
