"""Saved objects as files of which each can be imported by itself, for Kibana and OpenSearch Dashboards alike.

Both products refuse an import whose searches or data views are neither in the file nor there already; pages
that a link or a drilldown leads to may come later. So each file repeats the data views and the searches that
its pages show, and a page is in one file with everything that it shows.
https://www.elastic.co/docs/api/doc/kibana/v8/operation/operation-post-saved-objects-import
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from dashboards.kibana.objects import text

Saved = dict[str, Any]
#: Both products take 25 MiB at once, and hand it on; small domains of Amazon OpenSearch Service take 10 MiB.
#: https://docs.aws.amazon.com/opensearch-service/latest/developerguide/limits.html
BYTES_MAX = 8_000_000
#: Half of what both products import at once, where nobody set `savedObjects.maxImportExportSize`.
OBJECTS_MAX = 5_000


class _Group(msgspec.Struct, frozen=True, kw_only=True):
    """What has to be in one file: IDs of searches, and lines of other objects."""

    searches: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()


def bundles(
    views: Iterable[Saved],
    searches: Iterable[Saved],
    pages: Iterable[Sequence[Saved]],
    *,
    bytes_max: int = BYTES_MAX,
    objects_max: int = OBJECTS_MAX,
) -> dict[str, str]:
    """Return the files, by name, in the order of their import: one where that is enough.

    pages: of each its dashboard, and what that alone shows. A page that is larger than the limits by itself
    has a file of its own.
    """
    head = tuple(_line(one) for one in views)
    found = {str(one["id"]): _line(one) for one in searches}
    groups = [_group(page) for page in pages]
    shown = {name for group in groups for name in group.searches}
    alone = [_Group(searches=(name,)) for name in found if name not in shown]
    packed = list(_packed(head, found, [*alone, *groups], bytes_max, objects_max)) or [()]
    return {
        _name(number): "".join((*head, *_lines(found, several))) for number, several in enumerate(packed, 1)
    }


def _name(number: int) -> str:
    return "saved-objects.ndjson" if number == 1 else f"saved-objects-{number}.ndjson"


def _line(one: Saved) -> str:
    return f"{text(one)}\n"


def _group(page: Sequence[Saved]) -> _Group:
    references = [reference for one in page for reference in one["references"]]
    names = dict.fromkeys(one["id"] for one in references if one["type"] == "search")
    return _Group(searches=tuple(names), lines=tuple(_line(one) for one in page))


def _packed(
    head: Sequence[str],
    searches: dict[str, str],
    groups: Iterable[_Group],
    bytes_max: int,
    objects_max: int,
) -> Iterator[tuple[_Group, ...]]:
    """Yield what is in one file together: groups in their order, as many as it takes."""
    together: list[_Group] = []
    known: set[str] = set()
    empty = (_bytes(head), len(head))
    size, count = empty
    for group in groups:
        added = _added(group, searches, known)
        if together and (size + _bytes(added) > bytes_max or count + len(added) > objects_max):
            yield tuple(together)
            together, known = [], set()
            size, count = empty
            added = _added(group, searches, known)
        together.append(group)
        known.update(group.searches)
        size, count = size + _bytes(added), count + len(added)
    if together:
        yield tuple(together)


def _added(group: _Group, searches: dict[str, str], known: set[str]) -> list[str]:
    return [*(searches[name] for name in group.searches if name not in known), *group.lines]


def _bytes(lines: Iterable[str]) -> int:
    return sum(len(line.encode()) for line in lines)


def _lines(searches: dict[str, str], several: Sequence[_Group]) -> Iterator[str]:
    """Yield what follows the data views: searches in the order of all of them, then the pages."""
    needed = {name for group in several for name in group.searches}
    yield from (line for name, line in searches.items() if name in needed)
    for group in several:
        yield from group.lines
