"""The body of a `_bulk` request: one `create` a signal, so that a repeat is a conflict, no second document.

https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from typing import Any

import msgspec

from subscribers.parsers import platform
from subscribers.signals import Log, Metric, Signal, Span
from subscribers.sinks import ecs
from subscribers.sinks.channel import Item, SignalKind

PREFIX = "observe"
#: What a name of an index is kept from; `-` divides its parts.
#: https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-indices-create
_OUTSIDE = re.compile(r"[^a-z0-9_.]")
#: Characters of a dataset in a name: a name has at most 255 bytes, and a part of a data stream's 100.
_DATASET_MAX = 60

KINDS: tuple[SignalKind, ...] = ("logs", "metrics", "spans")
_DAY_NS = 86_400_000_000_000


class Names(msgspec.Struct, frozen=True):
    """What indices are called. prefix: their first part, as the setting `index` has it.

    Dated: `<prefix>-<dataset>-<date>`, of the event's own day, so that a repeat meets the first one. Data
    streams: `logs-<prefix>.<dataset>-<namespace>`, `metrics-<prefix>-...` and `traces-<prefix>-...`.
    https://www.elastic.co/docs/reference/ecs/ecs-data_stream
    """

    prefix: str = PREFIX
    is_stream: bool = False
    namespace: str = "default"

    @property
    def part(self) -> str:
        """The prefix as a part of a data stream's name, in which `-` divides."""
        return self.prefix.replace("-", "_")

    def index(self, dataset: str, date: str) -> str:
        """Return the index or data stream. dataset: as it stands in names; date: `2026-11-21`."""
        if not self.is_stream:
            return f"{self.prefix}-{dataset}-{date}"
        if dataset in ("metrics", "traces"):
            return f"{dataset}-{self.part}-{self.namespace}"
        return f"logs-{self.part}.{dataset}-{self.namespace}"

    @property
    def patterns(self) -> tuple[str, ...]:
        """What all of its indices are called, for templates."""
        if not self.is_stream:
            return (f"{self.prefix}-*",)
        streams = (f"logs-{self.part}.*", f"metrics-{self.part}", f"traces-{self.part}")
        return tuple(f"{stream}-{self.namespace}" for stream in streams)


DATED = Names()


def body(signals: Iterable[Signal], names: Names = DATED) -> bytes:
    """Return the lines of a `_bulk` request: newline-delimited JSON, an action and a document a signal.

    What Lambda's own lines measure is in the document of the line, and not in further ones.
    """
    return b"".join([f"{lines}\n".encode() for _, lines in _lines(signals, names, KINDS)])


def items(
    signals: Iterable[Signal], names: Names = DATED, kinds: Collection[SignalKind] = KINDS
) -> Iterator[Item]:
    """Yield the same as items: action and document, a newline between them. kinds: of signals that are taken.

    The metrics that a platform line's document has already are its item's: they are no items of their own.
    """
    for event_id, lines in _lines(signals, names, kinds):
        yield Item(event_id, lines.encode())


def ledger_items(rows: Iterable[dict[str, Any]], names: Names = DATED) -> Iterator[Item]:
    """Yield an item a row of the ledger. rows: as `tables.ledger_row` makes them."""
    for row in rows:
        document = msgspec.json.encode(ecs.ledger_document(row))
        head = _head("ledger", row["time_unix_nano"] // _DAY_NS, names)
        yield Item(row["event_id"], f'{head}{row["event_id"]}"}}}}\n'.encode() + document)


def action_head(dataset: str, date: str, names: Names = DATED) -> str:
    """Return the line before a document as far as the document's ID; a quote and two braces follow that.

    dataset: as it stands in the index's name; date: `2026-11-21`.
    """
    return f'{{"create":{{"_index":"{names.index(dataset, date)}","_id":"'


def taken(signals: Iterable[Signal], kinds: Collection[SignalKind] = KINDS) -> Iterator[Signal]:
    """Yield the signals that become documents: of these kinds, and told by no other's document."""
    platform_line = ""
    has_logs, has_metrics, has_spans = (kind in kinds for kind in KINDS)
    for signal in signals:
        if isinstance(signal, Log):
            if not has_logs:
                continue
            platform_line = signal.event_id if signal.dataset == platform.DATASET else ""
        elif isinstance(signal, Metric):
            if not has_metrics or (platform_line and signal.event_id.startswith(platform_line)):
                continue
        elif not has_spans:
            continue
        yield signal


def _lines(
    signals: Iterable[Signal], names: Names, kinds: Collection[SignalKind]
) -> Iterator[tuple[str, str]]:
    """(event ID, action and document) of each signal."""
    written = ecs.Writer().written
    heads: dict[tuple[str, int], str] = {}
    for signal in taken(signals, kinds):
        try:
            document = written(signal)
        except (UnicodeEncodeError, RecursionError):
            document = ecs.mended(signal)
        dataset = ecs.dataset(signal), _day(signal)
        head = heads.get(dataset) or heads.setdefault(dataset, _head(*dataset, names))
        yield signal.event_id, f'{head}{signal.event_id}"}}}}\n{document}'


@lru_cache(maxsize=4096)
def _head(dataset: str, day: int, names: Names) -> str:
    name = _OUTSIDE.sub("_", dataset.lower())[:_DATASET_MAX]
    return action_head(name, ecs.timestamp(day * _DAY_NS)[:10], names)


def _day(signal: Signal) -> int:
    """A signal's day, since the epoch."""
    return (signal.start_unix_nano if isinstance(signal, Span) else signal.time_unix_nano) // _DAY_NS
