"""What a flow's state tells that no alert needs: ends that no start led to. Reads all of the flow."""

from __future__ import annotations

import msgspec

from subscribers.alerts.flows_join import AFTER
from subscribers.alerts.flows_marks import LATE_S, NS_PER_S, Mark, partition_of
from subscribers.alerts.flows_open import body_of
from subscribers.alerts.model import Flow
from subscribers.alerts.state import State

_LISTED_MAX = 50
_KEY_HEX = 16


class Unmatched(msgspec.Struct, frozen=True):
    """Ends whose key no start has, of those that are remembered. keys: how many; listed: 50 of them."""

    keys: int = 0
    listed: tuple[Mark, ...] = ()


def unmatched_ends(flow: Flow, state: State, now_s: int, *, late_s: int = LATE_S) -> Unmatched:
    """Return the ends without a start: of each key the first. Raises StateError.

    The time it takes is that of reading every start and end of about a week: for a command, not for each
    minute. A start of more than two weeks ago is forgotten: what it led to counts as unmatched.
    """
    partition = partition_of(flow.name)
    started = _started(state, partition)
    keys: set[str] = set()
    listed: list[Mark] = []
    for entry in state.query(partition, "e#", f"e#{AFTER}"):
        _, key, _, time, _ = entry.sort.split("#")
        if key in started or key in keys or int(time) > (now_s - late_s) * NS_PER_S:
            continue
        keys.add(key)
        if len(listed) < _LISTED_MAX:
            listed.append(body_of(entry, Mark))
    return Unmatched(len(keys), tuple(listed))


def _started(state: State, partition: str) -> set[str]:
    """The hashes of the keys that had a start: those that wait, and those that were judged."""
    found = {entry.sort.split("#")[2] for entry in state.query(partition, "s#", f"s#{AFTER}")}
    for entry in state.query(partition, "z#", f"z#{AFTER}"):
        packed = entry.body.hex()
        found.update(packed[at : at + _KEY_HEX] for at in range(0, len(packed), 2 * _KEY_HEX))
    return found
