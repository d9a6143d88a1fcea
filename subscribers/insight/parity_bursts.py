"""Failures that came at one time: the verdict on them is one on an incident, not on an implementation.

Raises what the source raises (StoreError).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import msgspec

from subscribers.config import Endpoint
from subscribers.insight.answer import Question, Source
from subscribers.insight.parity_traffic import Seen, Served, by_endpoint
from subscribers.insight.requests import REQUESTS
from subscribers.signals import Side

#: A burst lies within two of these that follow each other.
SLOT_S = 600
#: Fewer failures are no burst, and nor are those of which more than a fifth came at another time.
_LEAST, _PART = 5, 0.8
#: Of traffic that did not last for six times as long as a burst, nothing can be said.
_LENGTH_NS = 12 * SLOT_S * 1_000_000_000

_BY_SLOT = f"""{REQUESTS}
SELECT side, service, endpoint AS route, start_unix_nano // $slot AS slot, count(*) AS failed
FROM requests WHERE kind = 'server' AND failed GROUP BY side, service, route, slot
"""  # noqa: S608


class Burst(msgspec.Struct, frozen=True):
    """How many of a side's failures came within 2 * SLOT_S from first_unix_nano on."""

    endpoint: str
    side: Side
    within: int
    failed: int
    first_unix_nano: int


def bursts(source: Source, question: Question, endpoints: Mapping[str, Endpoint]) -> list[Burst]:
    """Return the endpoints' sides of which nearly all failures came at one time."""
    slot_ns = SLOT_S * 1_000_000_000
    params = {"first": question.first_unix_nano, "last": question.last_unix_nano, "slot": slot_ns}
    slots: dict[int, list[Seen]] = defaultdict(list)
    for row in source(_BY_SLOT, params):
        served = Served(count=row["failed"])
        slots[row["slot"]].append(Seen(row["side"], row["service"], row["route"], served))
    failures: dict[tuple[str, Side], dict[int, int]] = defaultdict(dict)
    for slot, some in slots.items():
        for endpoint, sides in by_endpoint(some, endpoints).endpoints.items():
            for side, served in sides.items():
                failures[endpoint, side][slot] = served.count
    found = [_densest(endpoint, side, counts) for (endpoint, side), counts in failures.items()]
    return [one for one in found if one.failed >= _LEAST and one.within >= _PART * one.failed]


def is_long(served: Served) -> bool:
    """Whether a side's traffic lasted so long that a burst is something of note."""
    return served.last_unix_nano - served.first_unix_nano >= _LENGTH_NS


def _densest(endpoint: str, side: Side, counts: Mapping[int, int]) -> Burst:
    within, slot = max((n + counts.get(slot + 1, 0), -slot) for slot, n in counts.items())
    return Burst(endpoint, side, within, sum(counts.values()), -slot * SLOT_S * 1_000_000_000)
