"""Many documents of a `_bulk` body as the one text that they already are, cut only where they must be."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from subscribers.sinks.channel import Item, Limits

#: How an action begins; a document of ours never does, and no line of JSON holds a line's end.
_ACTION = b'\n{"create":{"_index":'
_ID = b'"_id":"'


class BulkLines(Sequence[Item]):
    """Action and document lines, each with its newline; an Item for each document, made when asked for."""

    def __init__(self, lines: bytes, count: int) -> None:
        """count: documents in `lines`."""
        self.lines, self._count = lines, count
        self._items: list[Item] | None = None

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        if self._items is None:
            rows = self.lines.split(b"\n")
            self._items = [
                Item(_id_of(rows[i]), rows[i] + b"\n" + rows[i + 1]) for i in range(0, 2 * self._count, 2)
            ]
        return self._items[index]

    def cut(self, limits: Limits) -> Iterator[Sequence[Item]]:
        """Yield batches within limits, in order; a document that is too large alone comes alone."""
        begin, rest = 0, self._count
        lines, most = self.lines, limits.bytes
        while rest:
            end = len(lines)
            if end - begin > most:
                # The last action that begins within the limit, else the first behind it.
                at = lines.rfind(_ACTION, begin, begin + most + len(_ACTION) - 1)
                at = at if at > begin else lines.find(_ACTION, begin + 1)
                end = at + 1 if at >= 0 else len(lines)
            part = lines[begin:end] if begin or end < len(lines) else lines
            count = rest if end == len(lines) else part.count(b"\n") // 2
            yield from _within(BulkLines(part, count), limits)
            begin, rest = end, rest - count


class BulkBodies(Sequence[Item]):
    """Several texts one after the other: to join them would need all of the room once more."""

    def __init__(self, bodies: Sequence[BulkLines]) -> None:
        self._bodies = list(bodies)

    def __len__(self) -> int:
        return sum(map(len, self._bodies))

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Item]: ...
    def __getitem__(self, index: int | slice) -> Item | Sequence[Item]:
        return [item for body in self._bodies for item in body][index]

    def cut(self, limits: Limits) -> Iterator[Sequence[Item]]:
        """Yield batches within limits, in order; a text is let go of when it was yielded."""
        self._bodies.reverse()
        while self._bodies:
            yield from self._bodies.pop().cut(limits)


def _within(found: BulkLines, limits: Limits) -> Iterator[BulkLines]:
    """Yield what has not too many documents, halving the text: to make items of it costs more."""
    count = len(found)
    if count <= limits.items:
        yield found
        return
    text = found.lines
    at = text.find(_ACTION, len(text) // 2)
    at = at if at >= 0 else text.rfind(_ACTION)
    first = text[: at + 1]
    documents = first.count(b"\n") // 2
    yield from _within(BulkLines(first, documents), limits)
    yield from _within(BulkLines(text[at + 1 :], count - documents), limits)


def _id_of(action: bytes) -> str:
    """The event ID in an action line of ours, which ends with it."""
    return action[action.rindex(_ID) + len(_ID) :].partition(b'"')[0].decode()


def text_of(items: Sequence[Item]) -> bytes:
    """Return the lines of a request's body: of each item its action and its document, each with a newline."""
    if isinstance(items, BulkLines):
        return items.lines
    return b"".join([item.body + b"\n" for item in items])
