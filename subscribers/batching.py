"""Items into batches within a channel's limits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

from subscribers.sinks.channel import Item, Leftover, Limits, Refusal

TOO_LARGE = Refusal("too_large", 0, "larger than the destination takes")


@runtime_checkable
class Cuttable(Protocol):
    """Items that are one text already, and know how to cut it; `bulk_lines.BulkLines` is one."""

    def cut(self, limits: Limits) -> Iterator[Sequence[Item]]:
        """Yield batches within limits, in order; an item that is too large alone comes alone."""


def size_of(item: Item) -> int:
    """Return how many bytes an item adds to a request, its separator included, what it shares aside."""
    return len(item.body) + 1


def batches(items: Iterable[Item], limits: Limits) -> Iterator[Sequence[Item] | Leftover]:
    """Yield batches within limits, in order, and an item that fits in none as a Leftover."""
    if isinstance(items, Cuttable):
        for text in items.cut(limits):
            if len(text) == 1 and size_of(text[0]) > min(limits.item_bytes, limits.bytes):
                yield Leftover(text[0], TOO_LARGE)
            else:
                yield text
        return
    batch: list[Item] = []
    shared: set[bytes] = set()
    size = 0
    for item in items:
        own = size_of(item)
        group = 0 if item.group in shared else len(item.group)
        if own > limits.item_bytes or own + len(item.group) > limits.bytes:
            yield Leftover(item, TOO_LARGE)
            continue
        if batch and (size + own + group > limits.bytes or len(batch) >= limits.items):
            yield batch
            batch, shared, size, group = [], set(), 0, len(item.group)
        batch.append(item)
        shared.add(item.group)
        size += own + group
    if batch:
        yield batch
