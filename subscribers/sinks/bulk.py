"""The body of a `_bulk` request: one `create` a signal, so that a repeat is a conflict, no second document.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from subscribers.parsers import platform
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.sinks import ecs

PREFIX = "observe"
#: In names of indices: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create
_NAMES = str.maketrans(dict.fromkeys(' \\/*?"<>|,#:-', "_"))

_DAY_NS = 86_400_000_000_000


def body(signals: Iterable[Signal]) -> bytes:
    """Return the lines of a `_bulk` request: newline-delimited JSON, an action and a document a signal.

    What Lambda's own lines measure is in the document of the line, and not in further ones.
    """
    documents: list[bytes] = []
    written = ecs.Writer().written
    platform_line = ""
    for signal in signals:
        if isinstance(signal, Log):
            platform_line = signal.event_id if signal.dataset == platform.DATASET else ""
        elif platform_line and isinstance(signal, Metric) and signal.event_id.startswith(platform_line):
            continue
        head = _head(ecs.dataset(signal), _day(signal))
        documents.append(f'{head}{signal.event_id}"}}}}\n{written(signal)}\n'.encode())
    return b"".join(documents)


def action_head(dataset: str, date: str) -> str:
    """Return the line before a document as far as the document's ID; a quote and two braces follow that.

    The index is `observe-<dataset>-<date>`: of the event's own day, so that a repeat meets the first one.
    dataset: as it stands in the index's name; date: `2026-11-21`.
    """
    return f'{{"create":{{"_index":"{PREFIX}-{dataset}-{date}","_id":"'


@lru_cache(maxsize=4096)
def _head(dataset: str, day: int) -> str:
    return action_head(dataset.lower().translate(_NAMES), ecs.timestamp(day * _DAY_NS)[:10])


def _day(signal: Signal) -> int:
    """A signal's day, since the epoch."""
    return (signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano) // _DAY_NS
