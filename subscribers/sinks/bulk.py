"""The body of a `_bulk` request: one `create` a signal, so that a repeat is a conflict, no second document.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import msgspec

from subscribers.parsers import platform
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.sinks import ecs

PREFIX = "observe"
#: In names of indices: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create
_NAMES = str.maketrans(dict.fromkeys(' \\/*?"<>|,#:-', "_"))

_encoder = msgspec.json.Encoder()


def body(signals: Iterable[Signal]) -> bytes:
    """Return the lines of a `_bulk` request: newline-delimited JSON, an action and a document a signal.

    What Lambda's own lines measure is in the document of the line, and not in further ones.
    """
    lines: list[bytes] = []
    platform_line = ""
    for signal in signals:
        if isinstance(signal, Log):
            platform_line = signal.event_id if signal.dataset == platform.DATASET else ""
        elif platform_line and isinstance(signal, Metric) and signal.event_id.startswith(platform_line):
            continue
        lines.append(action(index(ecs.dataset(signal), _seconds(signal)), signal.event_id))
        lines.append(_encoder.encode(ecs.document(signal)))
    return b"\n".join((*lines, b""))


def action(index: str, document_id: str) -> bytes:
    """Return the line that precedes a document."""
    return b'{"create":{"_index":"%b","_id":"%b"}}' % (index.encode(), document_id.encode())


@lru_cache(maxsize=4096)
def index(dataset: str, seconds: int) -> str:
    """Return `observe-<dataset>-<date>`: of the event's own day, so that a repeat meets the first one.

    seconds: since the epoch, of the day's beginning.
    """
    return f"{PREFIX}-{dataset.lower().translate(_NAMES)}-{ecs.timestamp(seconds * 1_000_000_000)[:10]}"


def _seconds(signal: Signal) -> int:
    """The beginning of a signal's day, seconds since the epoch."""
    nano = signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano
    return nano // 86_400_000_000_000 * 86_400
