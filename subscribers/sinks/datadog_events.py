"""DogStatsD's events and service checks: logs for `parsers.datagrams`, and here what they were meant to be.

They are no logs at Datadog besides, as they are none when its Agent takes them.

https://docs.datadoghq.com/api/latest/events/#post-an-event
https://docs.datadoghq.com/api/latest/service-checks/#submit-a-service-check
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from observe import semconv
from subscribers.signals import Log, Signal
from subscribers.sinks.channel import Item
from subscribers.sinks.datadog_intake import Reader, encoded
from subscribers.sinks.datadog_names import Tagging

Tree = dict[str, Any]

#: In characters.
TITLE_MAX, TEXT_MAX, KEY_MAX, MESSAGE_MAX = 500, 4000, 100, 500
_ALERT_TYPES = frozenset({"error", "warning", "info", "success", "user_update", "recommendation", "snapshot"})
_PRIORITIES = frozenset({"normal", "low"})
_STATUSES = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
#: On an event, so that one that came twice can be recognised; on a check it would be another check.
EVENT_ID_TAG = "event_id"


def is_event(log: Log) -> bool:
    """Whether a log is a DogStatsD event."""
    return log.attributes.get("dogstatsd.kind") == "event" and bool(_text(log, "dogstatsd.title"))


def is_check(log: Log) -> bool:
    """Whether a log is a DogStatsD service check."""
    told = log.attributes
    return (
        told.get("dogstatsd.kind") == "service_check"
        and bool(_text(log, "dogstatsd.check"))
        and _text(log, "dogstatsd.status") in _STATUSES
    )


def is_told(log: Log) -> bool:
    """Whether a log is either."""
    return "dogstatsd.kind" in log.attributes and (is_event(log) or is_check(log))


def event_reader(tagging: Tagging) -> Reader:
    """Return what makes items of events."""

    def read(signals: Iterable[Signal]) -> Iterator[Item]:
        for signal in signals:
            if isinstance(signal, Log) and is_event(signal):
                yield _event(signal, tagging)

    return read


def check_reader(tagging: Tagging) -> Reader:
    """Return what makes items of service checks."""

    def read(signals: Iterable[Signal]) -> Iterator[Item]:
        for signal in signals:
            if isinstance(signal, Log) and is_check(signal):
                yield _check(signal, tagging)

    return read


def _event(log: Log, tagging: Tagging) -> Item:
    title = _text(log, "dogstatsd.title")
    alert, priority = _text(log, "dogstatsd.alert_type"), _text(log, "dogstatsd.priority")
    whole: Tree = {
        "title": title,
        # Datadog wants a text.
        "text": log.message.removeprefix(title).removeprefix("\n") or title,
        "date_happened": log.time_unix_nano // 1_000_000_000,
        "tags": [*_tags(log, tagging), f"{EVENT_ID_TAG}:{log.event_id}"],
    }
    told = {
        "alert_type": alert if alert in _ALERT_TYPES else "",
        "priority": priority if priority in _PRIORITIES else "",
        "host": _text(log, semconv.HOST_NAME),
        "aggregation_key": _text(log, "dogstatsd.aggregation_key"),
        "source_type_name": _text(log, "dogstatsd.source_type"),
    }
    whole.update((name, value) for name, value in told.items() if value)
    return _cut(log, whole, {"title": TITLE_MAX, "text": TEXT_MAX, "aggregation_key": KEY_MAX})


def _check(log: Log, tagging: Tagging) -> Item:
    name, status = _text(log, "dogstatsd.check"), _text(log, "dogstatsd.status")
    whole: Tree = {
        "check": name,
        # Datadog wants a host; of a check that names none it is its service.
        "host_name": _text(log, semconv.HOST_NAME) or log.origin.service,
        "status": _STATUSES[status],
        "timestamp": log.time_unix_nano // 1_000_000_000,
        "tags": _tags(log, tagging),
    }
    if said := log.message.removeprefix(f"{name} is {status}").removeprefix(": "):
        whole["message"] = said
    return _cut(log, whole, {"message": MESSAGE_MAX})


def _cut(log: Log, whole: Tree, most: dict[str, int]) -> Item:
    cut = {**whole, **{name: whole[name][:n] for name, n in most.items() if len(whole.get(name, "")) > n}}
    return Item(log.event_id, encoded(cut), whole=encoded(whole) if cut != whole else b"")


def _tags(log: Log, tagging: Tagging) -> list[str]:
    told = log.attributes.get("dogstatsd.tags")
    return tagging.tags(log.origin, told if isinstance(told, dict) else {})


def _text(log: Log, name: str) -> str:
    told = log.attributes.get(name)
    return told if isinstance(told, str) else ""


class _Timed(msgspec.Struct):
    date_happened: int | None = None
    timestamp: int | None = None


_timed_decoder = msgspec.json.Decoder(_Timed)


def time_s(body: bytes) -> float | None:
    """Return the time of an event's or a check's body, in seconds since the epoch; None where it has none."""
    try:
        told = _timed_decoder.decode(body)
    except (ValueError, RecursionError):
        return None
    return told.date_happened if told.date_happened is not None else told.timestamp
