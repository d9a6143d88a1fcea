"""Objects of a redrive under way: which go together, and what became of their items. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from subscribers.kept import ITEMS_MAX, Kept, Kind
from subscribers.redrive_plan import ASKED_FOR, Planned
from subscribers.retries import LostItemsError
from subscribers.sinks.channel import Item, Leftover, Outcome

#: Objects, and bytes of them, that are read at a time.
_OBJECTS = 64
_COMPRESSED_BYTES = 1024 * 1024


class Opened:
    """One object under way: the first `tried` of the chosen items were delivered, or are in left."""

    def __init__(
        self, key: str, etag: str, kept: Kept, chosen: list[Leftover], others: list[Leftover]
    ) -> None:
        self.key, self.etag, self.kept, self.chosen, self.others = key, etag, kept, chosen, others
        self.tried = 0
        #: Tried: what may be taken the next time, and what is refused for good.
        self.again: list[Leftover] = []
        self.refused: list[Leftover] = []
        self.cut: list[Leftover] = []
        #: Why the others were not tried.
        self.why = "interrupted"

    @property
    def left(self) -> list[Leftover]:
        """The items that were tried and not taken."""
        return [*self.again, *self.refused]

    @property
    def delivered(self) -> int:
        """How many items were taken."""
        return self.tried - len(self.again) - len(self.refused)

    @property
    def has_changed(self) -> bool:
        """Whether it may not stay as it is: some is delivered, or may be, and is not to be sent again; or it
        waited to be taken, and is refused for good."""
        is_buried = self.kept.kind == "retry" and bool(self.refused)
        return bool(self.delivered) or is_buried or any(x.refusal.reason in ASKED_FOR for x in self.left)

    def remainder(self, has_queue: bool) -> Iterator[tuple[list[Leftover], Kind, int]]:
        """Yield what is to be kept instead of it: (items, what they are now, how often they were tried).

        has_queue: whether what waits for a retry needs a message that points to it.
        """
        stays: Kind = "dead_letter" if has_queue else self.kept.kind
        tries = self.kept.attempts
        yield [*self.others, *self.chosen[self.tried :]], stays, tries
        yield self.again, stays, tries + 1
        yield self.refused, "dead_letter", tries + 1
        yield self.cut, "dead_letter", tries + 1


def attribute(some: Sequence[tuple[Opened, Item]], channel: str, outcome: Outcome) -> None:
    """Tell each object what became of its items. Raises LostItemsError for an item that is nobody's."""
    owners = {id(item): one for one, item in some}
    retry, rejected = outcome.retry.get(channel, ()), outcome.rejected.get(channel, ())
    cut = outcome.cut.get(channel, ())
    if not {id(leftover.item) for leftover in (*retry, *rejected, *cut)} <= owners.keys():
        raise LostItemsError(f"{channel} returned items that it was not given")
    for one, _ in some:
        one.tried += 1
    for leftover in retry:
        owners[id(leftover.item)].again.append(leftover)
    for leftover in rejected:
        owners[id(leftover.item)].refused.append(leftover)
    for leftover in cut:
        owners[id(leftover.item)].cut.append(leftover)


def batches(objects: Sequence[Planned]) -> Iterator[list[Planned]]:
    """Yield objects that are read at a time."""
    batch: list[Planned] = []
    items = size = 0
    for one in objects:
        if batch and (
            len(batch) >= _OBJECTS or items + one.items > ITEMS_MAX or size + one.bytes > _COMPRESSED_BYTES
        ):
            yield batch
            batch, items, size = [], 0, 0
        batch.append(one)
        items += one.items
        size += one.bytes
    if batch:
        yield batch


def is_asked_for(leftover: Leftover, event_ids: tuple[str, ...]) -> bool:
    """Whether an item stands for one of these events; a log event's ID is that of all its signals."""
    if not event_ids:
        return True
    own = (leftover.item.event_id, *leftover.item.more)
    return any(one == id or one.startswith(f"{id}:") for one in own for id in event_ids)
