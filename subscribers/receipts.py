"""Receipts: the identifier that AWS returned for what was sent is the one that the receiver sees. Pure.

A sender's span has it as `messaging.message.id` or `aws.request_id`, or its line `observe.receipt` lists
several; a receiver's span has it as `messaging.message.id`, in `observe.receipts`, or as its request ID. So
both ends meet where no context could be carried. docs/spec/lines.md, "Receipts"
"""

from __future__ import annotations

from typing import Any

from observe import semconv
from subscribers.signals import ENTRY_KINDS, Log, Span

EVENT = "observe.receipt"
#: Identifiers of one span or line.
_MAX = 1_000
#: A sequence number of Kinesis has 56 digits.
_NUMBER_MIN = 16


def sent(item: Span | Log) -> frozenset[str]:
    """Return the identifiers of what a sender's span or line says it sent."""
    if isinstance(item, Log):
        if item.attributes.get("event") != EVENT:
            return frozenset()
        told = item.attributes.get("receipts")
        return _texts(told.get("ids") if isinstance(told, dict) else None)
    if item.kind in ENTRY_KINDS:
        return frozenset()
    names = (semconv.MESSAGING_MESSAGE_ID, semconv.AWS_REQUEST_ID)
    return _texts([item.attributes.get(name) for name in names])


def came(span: Span) -> frozenset[str]:
    """Return the identifiers that what a receiver's span is about may have been sent under."""
    if span.kind not in ENTRY_KINDS:
        return frozenset()
    own = _texts([span.attributes.get(semconv.MESSAGING_MESSAGE_ID), span.request_id])
    return own | _texts(span.attributes.get(semconv.RECEIPTS))


def _texts(values: Any) -> frozenset[str]:
    values = [values] if isinstance(values, str) else values
    found = values[:_MAX] if isinstance(values, list) else []
    return frozenset(value for value in found if isinstance(value, str) and _is_unique(value))


def _is_unique(value: str) -> bool:
    """Whether nothing else is called so: emulators of AWS number the records of each stream from 1."""
    return value != "" and not (len(value) < _NUMBER_MIN and value.isdigit())
