"""The active controls as the fast lane asks them: of lines that may hold a secret, and of whole pages.

A line that may hold one is told by `Redactor.signal` itself, with nothing but its text and its fields: what
the lane adds to a document is looked at once for a service, as its names are always the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec

from observe import semconv
from subscribers import config
from subscribers.controls import Controls
from subscribers.lane_screen import Screen
from subscribers.parsers import platform
from subscribers.parsers.page import Parsed
from subscribers.parsers.platform_signals import TRACE_FROM, XRAY
from subscribers.signals import Log, Metric, Origin, Signal, Span

_REQUEST = "8f5e1a1c-bd5f-4a0b-8c1d-a3f19e6b2c7d"
_encode = msgspec.json.Encoder().encode
_VALUES = ("duration", "billed_duration", "memory_size", "memory_used", "init_duration")


class Guarded:
    """A configuration's controls made ready for the lane, once a process. Raises PatternError."""

    def __init__(self, controls: Controls) -> None:
        self.controls, self.screen = controls, Screen(controls.redactor)
        redactor = controls.redactor
        #: Whether the team has rules of its own.
        self.is_own = bool(redactor.names or redactor.patterns)
        self._left: dict[tuple[str, str], bool] = {}

    def apply(self, parsed: Parsed, service: config.Service | None) -> dict[str, int]:
        """Do what Controls.apply does, and ask it only for signals that may hold a secret, or are counted."""
        if not self.controls.keeps_all(service):
            return self.controls.apply(parsed, service)
        places = self._asked(parsed.signals)
        if not places:
            return {}
        some = Parsed(signals=[parsed.signals[at] for at in places], notes=parsed.notes)
        dropped = self.controls.apply(some, service)
        for at, kept in zip(places, some.signals, strict=True):
            parsed.signals[at] = kept
        return dropped

    def _asked(self, signals: Sequence[Signal]) -> list[int]:
        """Where signals are that Controls has to see: each is looked at as a line and its fields."""
        texts: list[str] = []
        #: Of each text the places of the signals that say it: a request's log and its span share fields.
        places: list[list[int]] = []
        asked: set[int] = set()
        fields: dict[str, Any] | None = None
        for at, signal in enumerate(signals):
            if isinstance(signal, Metric) or _is_deep(signal):
                asked.add(at)
                fields = None
                continue
            texts.append(signal.message if isinstance(signal, Log) else signal.name)
            if signal.attributes is fields:
                places[-1].append(at)
                places.insert(-1, [at])
                texts[-2:] = [texts[-1], texts[-2]]
                continue
            fields = signal.attributes
            places += ([at], [at])
            texts.append(_encode(fields).decode())
        for number in self.screen.suspected(texts):
            asked.update(places[number])
        return sorted(asked)

    def leaves_platform(self, origin: Origin, name: str) -> bool:
        """Whether no name or constant of what Lambda's own lines become is a secret's. name: of the span."""
        known = self._left.get((origin.service, name))
        if known is None:
            if len(self._left) >= 4096:
                self._left.clear()
            redact = self.controls.redactor.signal
            known = all(redact(one, _ignored) is one for one in _platform_signals(origin, name))
            self._left[origin.service, name] = known
        return known


class Redacting:
    """The redaction of one page. removals: of each line that was changed, how many parts by rule."""

    def __init__(self, guarded: Guarded, origin: Origin, service: config.Service | None) -> None:
        self._guarded, self._origin, self._service = guarded, origin, service
        self.suspected, self.is_own = guarded.screen.suspected, guarded.is_own
        self.removals: dict[int, Counter[str]] = {}

    def leaves_platform(self, name: str) -> bool:
        """See Guarded.leaves_platform."""
        return self._guarded.leaves_platform(self._origin, name)

    def leaves_metric(self, metric: Metric) -> bool:
        """Whether a metric of such a name and such tags passes as it is."""
        one = Parsed(signals=[metric])
        self._guarded.controls.apply(one, self._service)
        return one.signals == [metric] and not one.notes

    def clean(self, message: str, attributes: dict[str, Any], at: int) -> tuple[str, dict[str, Any]]:
        """Return a log's message and attributes without secrets: the very same where there are none.

        at: the position of the line.
        """
        removals: Counter[str] = Counter()
        log = _log(self._origin, message, attributes)
        kept = self._guarded.controls.redactor.signal(
            log, lambda rule, _field, _text: removals.update((rule,))
        )
        if removals:
            self.removals[at] = removals
        return (kept.message, kept.attributes) if isinstance(kept, Log) else (message, attributes)


def _is_deep(signal: Log | Span) -> bool:
    """Whether it says more than a text and its fields."""
    if isinstance(signal, Log):
        return bool(signal.error_type or signal.error_message or signal.error_stack)
    return bool(signal.events or signal.links or signal.status_message)


def _platform_signals(origin: Origin, name: str) -> tuple[Log, Log, Span]:
    values = dict.fromkeys((platform.PREFIX + word for word in _VALUES), 1.0)
    told = {**values, semconv.FAAS_INVOCATION_ID: _REQUEST, semconv.FAAS_COLDSTART: False, TRACE_FROM: XRAY}
    return (
        _log(origin, "", {semconv.FAAS_VERSION: "$LATEST"}),
        _log(origin, "", {**values, "sampled": "true"}),
        Span(
            event_id="",
            origin=origin,
            trace_id="",
            span_id="",
            name=name,
            kind="server",
            start_unix_nano=0,
            end_unix_nano=0,
            told_by="platform",
            attributes=told,
        ),
    )


def _log(origin: Origin, message: str, attributes: dict[str, Any]) -> Log:
    return Log(
        event_id="",
        origin=origin,
        time_unix_nano=0,
        observed_time_unix_nano=0,
        message=message,
        attributes=attributes,
    )


def _ignored(_rule: str, _field: str, _text: str) -> None:
    """Whatever it is: the general way tells it."""
