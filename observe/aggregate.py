"""What an invocation measures, gathered and written in one go at its end.

A call appends one entry to a list, which is all that threads share. Counts of one series are summed, of a
gauge the last value stays, of the other kinds every value. Outside of an invocation a metric is written at
once. docs/metrics.md
"""

from __future__ import annotations

import _thread
import os

from observe import guard, metric_lines, settings, stdout, wire
from observe import invocation as invocations
from observe import series as registry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.invocation import Invocation
    from observe.metric_lines import Series
    from observe.settings import Settings

    #: A value of a series, or (None, a line).
    Entry = tuple[Series | None, Any]

#: Entries that wait to be gathered, and bytes of lines, about, above which they are written early.
_PENDING_MAX, _HELD_MAX_BYTES = 512, 64 * 1024
#: A larger integer is a float: sums stay numbers that can be written.
_INT_MAX = 1 << 63


def admits(found: Settings) -> bool:
    """Whether metrics are written at all: `passive` beside another tracer is about spans."""
    return not found.disabled and (found.mode != "propagate" or bool(found.passive))


def record(
    kind: str, name: str, value: Any, tags: Any, rate: float | None = None, cardinality: str | None = None
) -> None:
    """Take one value. kind: of metric_lines.METRIC_KINDS; rate: of sampling, 0 to 1.

    Raises TypeError or ValueError for a value that is no finite number, or a series that cannot be written.
    """
    found = settings.get()
    if found is not registry.configured:
        registry.configure(found)
    if found.disabled or (found.mode == "propagate" and not found.passive):
        return
    invocation = invocations.active
    if invocation is not None and invocation.muted:
        return
    if kind == "set":
        value = metric_lines.member(value)
    elif type(value) is not int or not -_INT_MAX < value < _INT_MAX:
        value = number(name, value)
    if cardinality is None and (rate is None or rate == 1):
        try:
            if tags is None:
                series = registry.known[kind, name, ()]
            elif type(tags) is dict:
                series = registry.known[kind, name, tuple(tags.items())]
            else:
                series = registry.known[kind, name, tuple(tags) if type(tags) is list else tags]
        except (KeyError, TypeError):  # not seen so far, or nothing that could be looked up
            series = registry.find(kind, name, tags)
    else:
        sampled = _sampled(name, rate)
        if not sampled:
            return
        series = registry.find(kind, name, tags, sampled, cardinality)
    if invocation is None:
        stdout.write_all(_written({series: _first(kind, value)}))
    else:
        _add(invocation, (series, value))


def record_at(
    kind: str,
    name: str,
    value: Any,
    unix_s: float,
    tags: Any,
    rate: float | None = None,
    cardinality: str | None = None,
) -> None:
    """Take the value of a moment, in seconds since the epoch: a line of its own. 0 or less: of now."""
    at = int(unix_s)
    if at <= 0:
        record(kind, name, value, tags, rate, cardinality)
    elif _is_on() and (sampled := _sampled(name, rate)):
        totals = {registry.find(kind, name, tags, sampled, cardinality): number(name, value)}
        _keep(metric_lines.lines(totals, registry.form, stdout.now(), at))


def keep_datagram(datagram: str) -> None:
    """Take a datagram, without a line break, as another client made it; raises ValueError if too large."""
    if _is_on():
        _keep([_line(datagram)])


def write_datagram(datagram: str) -> None:
    """Write an event or a service check at once: most have no time but that at which they are written."""
    if _is_on():
        stdout.write(_line(datagram))


def constant_tags() -> tuple[str, ...]:
    """Return the tags of every metric of this process, as they are in a datagram."""
    return metric_lines.pieces(registry.form.constant) if _is_on() else ()


def _is_on() -> bool:
    found, invocation = settings.get(), invocations.active
    if found is not registry.configured:
        registry.configure(found)
    return admits(found) and (invocation is None or not invocation.muted)


def _line(datagram: str) -> bytes:
    line = registry.form.wrapped(datagram, stdout.now())
    if len(line) >= wire.LINE_MAX_BYTES:
        raise ValueError(f"datagram {datagram[:64]!r}: {len(line)} bytes are too many for a line")
    return line


def _keep(lines: list[bytes]) -> None:
    invocation = invocations.active
    if invocation is None:
        stdout.write_all(lines)
    else:
        for line in lines:
            _add(invocation, (None, line))


# --- Values ---------------------------------------------------------------------------------


def number(name: object, value: Any) -> float:
    """A finite int or float, whatever numeric type it came as; raises ValueError or TypeError else."""
    if isinstance(value, int) and -_INT_MAX < value < _INT_MAX:
        return int(value)
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        raise TypeError(f"its value, {_shown(value)}, is no number") from None
    if found - found != 0:
        raise ValueError(f"metric {guard.said(name)[:64]}: {found} is not a finite number")
    return found


def _shown(value: object) -> str:
    return f"{type(value).__name__} {guard.said(value)[:64]}"


def _sampled(name: object, rate: float | None) -> float:
    """The rate if this value is one of those that are kept, else 0. As datadogpy: each value by itself."""
    if rate is None or rate == 1:
        return 1
    if not isinstance(rate, int | float):
        raise TypeError(f"its sample rate, {_shown(rate)}, is no number")
    if not 0 <= rate < 1:
        problem = f"metric {guard.said(name)[:64]}: {rate!r} is not from 0 to 1; every value is kept"
        guard.report("observe.metrics.sample_rate", ValueError(problem))
        return 1
    # Importing random takes 2 ms; and copies of a snapshot must not draw alike.
    return rate if int.from_bytes(os.urandom(7), "big") < rate * (1 << 56) else 0


def _first(kind: str, value: Any) -> Any:
    return value if kind in metric_lines.SINGLE else [value]


# --- Gathering ------------------------------------------------------------------------------


class Aggregate:
    """What one invocation has measured: see observe.invocation.Part."""

    __slots__ = ("_gathering", "_held", "_lines", "_lock", "_totals", "at_once", "pending")

    def __init__(self) -> None:
        #: Appended to by any thread, without a lock.
        self.pending: list[Entry] = []
        #: In a forked child nobody asks at the end, so entries are written as they come.
        self.at_once = False
        self._renew()

    def _renew(self) -> None:
        #: Reentrant: a signal's handler may measure on the thread that gathers; it sees `_gathering`.
        self._lock = _thread.RLock()
        self._gathering = False
        self._begin()

    def _begin(self) -> None:
        self._totals: dict[Series, Any] = {}
        self._lines: list[bytes] = []
        self._held = 0

    def forked(self) -> None:
        """Forget, in a child, what its parent will write."""
        self.pending.clear()
        self.at_once = True
        self._renew()

    def lines(self, *, failed: bool) -> list[bytes]:  # noqa: ARG002  # a failure measures as a success does
        """Return what is to be written, and begin anew."""
        with self._lock:
            self._gather()
            return self._taken()

    def relieve(self, ended: bool) -> None:
        """Gather what is pending; write it if it is much, or if nobody will ask for it any more (`ended`)."""
        alone = ended or self.at_once
        if not self._lock.acquire(alone):
            return  # another thread is at it
        try:
            if self._gathering:
                lines = self._aside() if alone else []
            else:
                self._gather()
                lines = self._taken() if alone or self._held > _HELD_MAX_BYTES else []
        finally:
            self._lock.release()
        stdout.write_all(lines)

    def _aside(self) -> list[bytes]:
        """Return what is pending as lines, apart from what is being gathered."""
        other = Aggregate()
        other.pending = self.pending[:]
        del self.pending[:]
        return other.lines(failed=False)

    def _gather(self) -> None:
        self._gathering = True
        try:
            self._take()
        finally:
            self._gathering = False

    def _take(self) -> None:
        """Only whoever holds the lock takes entries away; what is appended meanwhile stays."""
        count = len(self.pending)
        entries = self.pending[:count]
        del self.pending[:count]
        totals = self._totals
        for series, value in entries:
            if series is None:
                self._lines.append(value)
                self._held += len(value)
            elif series not in totals:
                totals[series] = {value: None} if series.kind == "set" else _first(series.kind, value)
                self._held += series.size
            else:
                self._held += _more(totals, series, value)

    def _taken(self) -> list[bytes]:
        totals, lines = self._totals, self._lines
        self._begin()
        return _written(totals) + lines if totals else lines


def _written(totals: dict[Series, Any]) -> list[bytes]:
    """Lines; what was counted in sets is looked at here, once each."""
    for series, values in totals.items():
        if series.kind == "set":
            totals[series] = dict.fromkeys(map(registry.clean_text, values))
    return metric_lines.lines(totals, registry.form, stdout.now())


def _more(totals: dict[Series, Any], series: Series, value: Any) -> int:
    """Add one value to those of its series; return by how many bytes its lines grow, about."""
    if series.kind == "count":
        total = totals[series] + value
        if total - total == 0:
            totals[series] = total
        else:
            guard.report("observe.metrics.sum", OverflowError(f"the sum of {series.name} is too large"))
        return 0
    if series.kind == "gauge":
        totals[series] = value
        return 0
    if series.kind == "set":
        if value in totals[series]:
            return 0
        totals[series][value] = None
        return series.size + len(value)
    totals[series].append(value)
    return 16 if series.form in ("dogstatsd", "emf") else series.size + 16


_making = _thread.RLock()


def _add(invocation: Invocation, entry: Entry) -> None:
    part: Aggregate | None = invocation.metrics
    if part is None:
        part = _part(invocation)
    pending = part.pending
    pending.append(entry)
    # After the append: either the end of the invocation sees the entry, or this sees the end.
    ended = invocation.span.end_unix_nano != 0
    if ended or len(pending) > _PENDING_MAX or part.at_once:
        part.relieve(ended)


def _part(invocation: Invocation) -> Aggregate:
    made = Aggregate()
    with _making:  # two threads may be the first
        if invocation.metrics is None:
            invocation.metrics = made
        return invocation.metrics


def _after_fork() -> None:
    global _making
    _making = _thread.RLock()
    invocation = invocations.active
    if invocation is not None and isinstance(invocation.metrics, Aggregate):
        invocation.metrics.forked()


os.register_at_fork(after_in_child=_after_fork)
