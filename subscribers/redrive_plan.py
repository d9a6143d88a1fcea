"""What a redrive would take, from listings alone: nothing is opened and nothing is changed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from typing import Any

import msgspec

from subscribers.config_problems import shown
from subscribers.dead_letter import INPUT
from subscribers.dead_letter_storage import Found, Storage
from subscribers.kept import FOLDERS, Kind, Named, named

#: Reasons that are delivered only where they are named, and why.
ASKED_FOR = {
    "outcome_unknown": "may have been delivered",
    "partially_accepted": "most of it was delivered",
}
#: Reasons that are never delivered again, and why: what is kept is for people.
NEVER = {"truncated": "was delivered, cut to the API's limit"}
#: What is in a retry queue is its; after a day nobody has the message any more.
ORPHAN_S = 86_400.0
#: Objects of one run: a plan has all of them in memory.
OBJECTS_MAX = 100_000
_INPUT = re.compile(INPUT + r"/(?P<reason>[a-z0-9_]{1,64})/[0-9a-f]{32}\.(?P<part>bin|json)")


class RedriveError(ValueError):
    """What is asked for makes no sense; `reason` is bad_request."""

    reason = "bad_request"


class Filters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is redriven; an empty one is everything. Times are the objects', seconds since the epoch."""

    sinks: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    since_s: float | None = None
    until_s: float | None = None
    event_ids: tuple[str, ...] = ()
    #: Most items of a run, 0 for all; of input documents, the most of these.
    limit: int = 0


class Group(msgspec.Struct, kw_only=True):
    """What there is of one kind, sink, channel and reason. why_not: it is not redriven, "" where it is."""

    kind: Kind
    sink: str
    channel: str
    reason: str
    why_not: str = ""
    objects: int = 0
    items: int = 0
    bytes: int = 0
    oldest_s: float = 0.0
    newest_s: float = 0.0

    def add(self, found: Found, items: int) -> None:
        """Count an object."""
        self.oldest_s = min(self.oldest_s, found.modified_s) if self.objects else found.modified_s
        self.newest_s = max(self.newest_s, found.modified_s)
        self.objects += 1
        self.items += items
        self.bytes += found.bytes


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """A document of the input that could not be read. key: without `.bin` and `.json`."""

    key: str
    reason: str
    bytes: int
    modified_s: float


class Planned(msgspec.Struct, frozen=True):
    """One object that is redriven. bytes: compressed, as it lies there."""

    date: str
    key: str
    items: int
    bytes: int


class Plan(msgspec.Struct, kw_only=True):
    """What a redrive would take. objects: oldest date first; has_more: whether there are even more."""

    source: str
    filters: Filters
    groups: list[Group] = []
    objects: list[Planned] = []
    has_more: bool = False
    #: Documents of the input that could not be read; redriven only where that is asked for.
    inputs: list[Input] = []
    #: Every sink that something is kept of, whether it was asked for or not.
    sinks: set[str] = set()

    @property
    def items(self) -> int:
        """How many items are redriven at most."""
        return sum(group.items for group in self.groups if not group.why_not)


def plan(storage: Storage, filters: Filters, now_s: float) -> Plan:
    """Return what there is and what of it is redriven; reads nothing but listings.

    Retries of a bucket are the queue's until they are a day old; those of a folder are nobody else's.
    Event IDs are looked for when the objects are opened. Raises StorageError, RedriveError.
    """
    if filters.limit < 0:
        raise RedriveError(f"a limit of {filters.limit} items makes no sense")
    made = Plan(source=storage.name, filters=filters)
    groups: dict[tuple[str, ...], Group] = {}
    for found, told in _documents(storage):
        made.sinks.add(told.sink)
        if not _is_wanted(found, told, filters):
            continue
        why_not = _why_not(found, told, filters, now_s if storage.has_queues else None)
        key = (told.kind, told.sink, told.channel, told.reason, why_not)
        group = groups.get(key)
        if group is None:
            group = groups[key] = Group(
                kind=told.kind, sink=told.sink, channel=told.channel, reason=told.reason, why_not=why_not
            )
        group.add(found, told.items)
        if not why_not:
            if len(made.objects) < OBJECTS_MAX:
                made.objects.append(Planned(told.date, found.key, told.items, found.bytes))
            else:
                made.has_more = True
    made.groups = [groups[key] for key in sorted(groups)]
    made.objects.sort(key=lambda one: (one.date, one.key))
    if not filters.sinks and not filters.channels and not filters.event_ids:
        made.inputs = [one for one in _inputs(storage) if _is_wanted_input(one, filters)]
    return made


def check_sinks(made: Plan, configured: Collection[str]) -> None:
    """Raise RedriveError where a filter names a sink that is neither in the source nor configured."""
    known = made.sinks.union(configured)
    where = f"in {made.source} or observe.yaml" if configured else f"in {made.source}"
    there = ", ".join(map(shown, sorted(known))) or "none at all"
    for name in made.filters.sinks:
        if name not in known:
            raise RedriveError(f"there is no sink {shown(name)} {where}; there is {there}")


def as_json(made: Plan) -> dict[str, Any]:
    """Return a plan as JSON, with counts for its objects and documents."""
    return {
        "source": made.source,
        "groups": msgspec.to_builtins(made.groups),
        "objects": len(made.objects),
        "items": made.items,
        "has_more": made.has_more,
        "inputs": dict(Counter(one.reason for one in made.inputs)),
    }


def _documents(storage: Storage) -> Iterator[tuple[Found, Named]]:
    for folder in FOLDERS.values():
        for found in storage.find(f"{folder}/"):
            told = named(found.key)
            if told is not None:
                yield found, told


def _is_wanted(found: Found, told: Named, filters: Filters) -> bool:
    return (
        (not filters.sinks or told.sink in filters.sinks)
        and (not filters.channels or told.channel in filters.channels)
        and (not filters.reasons or told.reason in filters.reasons)
        and _is_in_time(found.modified_s, filters)
    )


def _is_in_time(modified_s: float, filters: Filters) -> bool:
    return (filters.since_s is None or modified_s >= filters.since_s) and (
        filters.until_s is None or modified_s < filters.until_s
    )


def _why_not(found: Found, told: Named, filters: Filters, now_s: float | None) -> str:
    if told.kind == "retry" and now_s is not None and now_s - found.modified_s < ORPHAN_S:
        return "waits in its retry queue"
    if told.reason in NEVER:
        return NEVER[told.reason]
    return "" if told.reason in filters.reasons else ASKED_FOR.get(told.reason, "")


def _inputs(storage: Storage) -> Iterator[Input]:
    sizes: dict[str, int] = {}
    for found in storage.find(f"{INPUT}/"):
        told = _INPUT.fullmatch(found.key)
        if told is None:
            continue
        key = found.key.rpartition(".")[0]
        if told["part"] == "bin":  # comes before its description
            sizes = {key: found.bytes}
        else:
            size = sizes.get(key, 0)
            yield Input(key=key, reason=told["reason"], bytes=size, modified_s=found.modified_s)


def _is_wanted_input(one: Input, filters: Filters) -> bool:
    return (not filters.reasons or one.reason in filters.reasons) and _is_in_time(one.modified_s, filters)
