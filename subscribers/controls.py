"""Cost controls and redaction: what is done to signals before they leave or are stored, each thing counted.

    excluded        the log has what `exclude` looks for, or not what `include` does
    below_level     its level is below the least
    sampled_out     its trace is not among those whose logs are kept

are why an event is dropped: its log is left out, and nothing else is told of it. Metrics and spans stay. What
was redacted is no drop: Parsed.notes has `redacted.<rule>` with the number of parts that are gone, and
`tags_replaced` the number of values with a tag that is `other`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import msgspec

from observe import ids
from subscribers import config
from subscribers.controls_redaction import Redactor
from subscribers.controls_series import SERIES_MAX, SeriesGuard
from subscribers.parsers import draft
from subscribers.parsers.page import Parsed
from subscribers.patterns import Pattern
from subscribers.signals import Log, Metric, Signal, Span

EXCLUDED, BELOW_LEVEL, SAMPLED_OUT = "excluded", "below_level", "sampled_out"
#: From the least on.
LEVELS = tuple(dict.fromkeys(draft.LEVELS.values()))
_FAILED = frozenset(("ERROR", "FATAL"))
#: What a log says that is searched, in characters.
_SEARCHED_MAX = 65_536

#: (signal, rule, field, what is gone)
Seen = Callable[[Signal, str, str, str], None]


class Controls:
    """A configuration's controls made ready to be applied to every payload. Raises PatternError."""

    def __init__(self, found: config.Config) -> None:
        self.redactor = Redactor(found.redaction)
        self._system = found.controls
        self._all = _Filter(found.controls, found.controls)
        self._filters = {
            name: _Filter(service.controls, found.controls) for name, service in found.services.items()
        }
        self._series = SeriesGuard()

    def rules(self, service: config.Service | None = None) -> tuple[str, ...]:
        """Return the names of what is active for a service: `redact names`, `exclude`, `series_max 1000`."""
        return (*(f"redact {rule}" for rule in self.redactor.rules), *self._of(service).rules)

    def keeps_all(self, service: config.Service | None = None) -> bool:
        """Whether no log of a service is ever left out: then lines need no filter."""
        return not self._of(service).is_on

    def apply(
        self, parsed: Parsed, service: config.Service | None = None, seen: Seen | None = None
    ) -> dict[str, int]:
        """Change the signals in place; return how many events are dropped, by reason.

        service: whose controls hold besides the system's; seen: is told each removal.
        """
        filter = self._of(service)
        dropped = filter.apply(parsed)
        removals: Counter[str] = Counter()

        def told(rule: str, field: str, text: str) -> None:
            removals[rule] += 1
            if seen is not None:
                seen(signal, rule, field, text)

        for at, signal in enumerate(parsed.signals):
            kept = self.redactor.signal(signal, told)
            if isinstance(kept, Metric) and kept.tags:
                kept = self._bounded(kept, filter.series_max, parsed)
            parsed.signals[at] = kept
        for rule, count in removals.items():
            reason = f"redacted.{rule}"
            parsed.notes[reason] = parsed.notes.get(reason, 0) + count
        return dropped

    def _of(self, service: config.Service | None) -> _Filter:
        return self._all if service is None else self._filters.get(service.name, self._all)

    def _bounded(self, metric: Metric, most: int, parsed: Parsed) -> Metric:
        tags = self._series.bounded(metric.origin.service, metric.name, metric.tags, most)
        if tags is metric.tags:
            return metric
        parsed.note("tags_replaced")
        return msgspec.structs.replace(metric, tags=tags)


class _Filter:
    """Which logs of a service are kept."""

    def __init__(self, own: config.Controls, system: config.Controls) -> None:
        include = own.include if own.include is not None else system.include
        exclude = own.exclude if own.exclude is not None else system.exclude
        level = own.level if own.level is not None else system.level
        sample = own.sample if own.sample is not None else system.sample
        keep_failed = own.keep_failed if own.keep_failed is not None else system.keep_failed
        self._include = [Pattern(expression) for expression in include or ()]
        self._exclude = [Pattern(expression) for expression in exclude or ()]
        self._below = frozenset(LEVELS[: LEVELS.index(level)] if level else ())
        self._sample = 1.0 if sample is None else sample
        self._keeps_failed = keep_failed is not False
        self._searches = bool(self._include or self._exclude)
        self._thins = bool(self._below) or self._sample < 1
        self.is_on = self._searches or self._thins
        self.series_max = _least(own.series_max, system.series_max)
        active = (
            (bool(self._include), "include"),
            (bool(self._exclude), "exclude"),
            (bool(self._below), f"level {level}"),
            (self._sample < 1, f"sample {self._sample:g}"),
            (bool(self.series_max), f"series_max {self.series_max}"),
        )
        self.rules = tuple(name for is_on, name in active if is_on)

    def apply(self, parsed: Parsed) -> dict[str, int]:
        """Leave logs out; return the events of which nothing is left, by reason."""
        if not self.is_on:
            return {}
        failed = _failed(parsed.signals) if self._thins and self._keeps_failed else frozenset()
        kept: list[Signal] = []
        gone: dict[str, str] = {}
        for signal in parsed.signals:
            reason = self._why(signal, failed) if isinstance(signal, Log) else ""
            if reason:
                gone[signal.event_id] = reason
            else:
                kept.append(signal)
        if not gone:
            return {}
        parsed.signals = kept
        return dict(_dropped(parsed, gone))

    def _why(self, log: Log, failed: frozenset[str]) -> str:
        """Why a log is left out, "" for one that is kept."""
        if self._searches:
            text = _text(log)
            if any(pattern.found(text) for pattern in self._exclude):
                return EXCLUDED
            if self._include and not any(pattern.found(text) for pattern in self._include):
                return EXCLUDED
        if not self._thins or not failed.isdisjoint((log.trace_id, log.request_id)):
            return ""
        if log.level in self._below:
            return BELOW_LEVEL
        if self._sample < 1 and log.level not in _FAILED and not log.error_type:
            # Without a line that tells another, a trace is made of the correlation ID; an invocation's
            # without one, of its request ID.
            known = log.correlation_id or log.request_id
            trace_id = log.trace_id or (ids.derive_trace_id(known) if known else "")
            if trace_id and not ids.sampled_by_rate(trace_id, self._sample):
                return SAMPLED_OUT
        return ""


def _least(own: int | None, system: int | None) -> int:
    """The smaller of two limits, of which 0 is none."""
    limits = [limit for limit in (own, SERIES_MAX if system is None and own is None else system) if limit]
    return min(limits, default=0)


def _failed(signals: list[Signal]) -> frozenset[str]:
    """Traces and requests in which something failed."""
    found: set[str] = set()
    for signal in signals:
        if isinstance(signal, Log):
            if signal.level in _FAILED or signal.error_type:
                found.update((signal.trace_id, signal.request_id))
        elif isinstance(signal, Span) and signal.status == "error":
            found.update((signal.trace_id, signal.request_id))
    return frozenset(found - {""})


def _dropped(parsed: Parsed, gone: dict[str, str]) -> Counter[str]:
    """How many events are gone with their logs: those joined to one are, too."""
    told = {signal.event_id.partition(":")[0] for signal in parsed.signals}
    dropped = Counter(reason for event, reason in gone.items() if event not in told)
    for event, log in parsed.joined.items():
        if event not in told and log not in told and event not in gone and log in gone:
            dropped[gone[log]] += 1
    return dropped


def _text(log: Log) -> str:
    """What a log says, as expressions see it."""
    parts = [log.message, log.error_type, log.error_message, log.error_stack, *_fields(log)]
    text = "\n".join(part for part in parts if part)[:_SEARCHED_MAX]
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _fields(log: Log) -> Iterator[str]:
    for name, value in log.attributes.items():
        if isinstance(value, str):
            yield f"{name}={value}"
        elif isinstance(value, bool):
            yield f"{name}={'true' if value else 'false'}"
        elif isinstance(value, int | float):
            yield f"{name}={value}"
