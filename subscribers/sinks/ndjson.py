"""Signals as lines of JSON: ECS documents, each with its event ID, for whoever keeps no `_bulk` index."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from subscribers.signals import Signal
from subscribers.sinks import ecs

_encode = msgspec.json.Encoder().encode


def body(signals: Iterable[Signal]) -> bytes:
    """Return a document a line, `event.id` first: the same line always has the same ID."""
    return b"".join([_line(signal) for signal in signals])


def _line(signal: Signal) -> bytes:
    document = {"event.id": signal.event_id, **ecs.document(signal)}
    try:
        return _encode(document) + b"\n"
    except (UnicodeEncodeError, RecursionError):
        return _encode(ecs.mended_tree(document)) + b"\n"
