"""What the documents of one page have in common, as text."""

from __future__ import annotations

import msgspec

from subscribers.parsers.page import Page
from subscribers.sinks import bulk, ecs
from subscribers.sinks.bulk import DATED, Names

_encode = msgspec.json.Encoder().encode


class Unusual(Exception):  # noqa: N818 - no error: the other way is taken
    """A line that only the general way knows."""


class Second(msgspec.Struct, frozen=True, gc=False):
    """A second of UTC, and the beginnings of the actions of what happens in it, by dataset."""

    text: str
    platform: str
    print: str
    metric: str
    span: str


class PageText:
    """ids: one an event; first: the position of the first event in its payload; origin: the members of a
    document that say where it comes from, from the quote on that ends its time."""

    def __init__(self, page: Page, names: Names = DATED) -> None:
        self.names = names
        self.ids, self.first = page.event_ids, page.first
        self.origin = f'",{_encode(ecs.origin(page.origin)).decode()[1:-1]}'
        self._ingested = f',"event.ingested":"{ecs.timestamp(page.now_unix_nano)}"'
        self._seconds: dict[int, Second] = {}

    def members(self, dataset: str) -> str:
        """Return the members of a log from the quote that ends its time to its sequence, which follows."""
        return f'{self.origin}{self._ingested},"event.dataset":"{dataset}","event.sequence":'

    def second(self, at: int) -> Second:
        """Return a second; at: since the epoch. Lines come in bursts."""
        found = self._seconds.get(at)
        if found is None:
            text = ecs.timestamp(at * 1_000_000_000)[:-5]
            heads = (
                bulk.action_head(name, text[:10], self.names)
                for name in (PLATFORM, PRINT, "metrics", "traces")
            )
            found = self._seconds[at] = Second(text, *heads)
        return found


PLATFORM, PRINT = "lambda.platform", "lambda.text"


def quoted(text: str) -> str:
    """Return a text as JSON. Raises Unusual for one that UTF-8 cannot hold."""
    try:
        return _encode(text).decode()
    except UnicodeEncodeError:
        raise Unusual from None
