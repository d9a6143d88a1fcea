"""Signals as lines of JSON: ECS documents, each with its event ID, for whoever keeps no `_bulk` index."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from subscribers.signals import Signal
from subscribers.sinks import ecs

_encode = msgspec.json.Encoder().encode


def body(signals: Iterable[Signal]) -> bytes:
    """Return a document a line, `event.id` first: the same line always has the same ID."""
    return b"".join(_encode({"event.id": s.event_id, **ecs.document(s)}) + b"\n" for s in signals)
