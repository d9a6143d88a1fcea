"""Which ends came for the starts that are judged, read in few steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from subscribers.alerts.state import Entry, State

#: Ends that nobody asked for are read over as long as they are not many more than those that were wanted.
_UNWANTED_MAX = 1_000
_UNWANTED_EACH = 16
#: Behind every sort key of a prefix: they go on in hex digits and `#`.
AFTER = "~"


class Arrival(msgspec.Struct, frozen=True, order=True):
    """One end that came. end: as in flows_marks.end_ids."""

    end: str
    time_unix_nano: int


def arrivals(state: State, partition: str, keys: Iterable[str]) -> dict[str, list[Arrival]]:
    """Return the ends of each key that has any, by end and time. Raises StateError.

    Keys are hashes, so those that are wanted lie among all as they come. They are read in one go from the
    first to the last; where that reads mostly others, each of the rest is asked for alone.
    """
    wanted = sorted(set(keys))
    found: dict[str, list[Arrival]] = {}
    if not wanted:
        return found
    missing, unwanted, at = set(wanted), 0, ""
    for entry in state.query(partition, f"e#{wanted[0]}", f"e#{wanted[-1]}{AFTER}"):
        key, arrival = _arrival(entry)
        if key in missing:
            found.setdefault(key, []).append(arrival)
            continue
        unwanted += 1
        if unwanted > _UNWANTED_MAX + _UNWANTED_EACH * len(found):
            at = key
            break
    for key in (key for key in wanted if at and key > at):
        if ends := [arrival for _, arrival in _of(state, partition, key)]:
            found[key] = ends
    return found


def _of(state: State, partition: str, key: str) -> Iterator[tuple[str, Arrival]]:
    return map(_arrival, state.query(partition, f"e#{key}", f"e#{key}{AFTER}"))


def _arrival(entry: Entry) -> tuple[str, Arrival]:
    _, key, end, time, _ = entry.sort.split("#")
    return key, Arrival(end, int(time))
