"""What an evaluation remembers for the next: incidents, what is owed to destinations, whose turn it is.

    BusyError    another evaluation is at work, or was at a later time

What cannot be read is removed and counted: one damaged entry must not keep everybody from being told.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from typing import TypeVar

import msgspec

from subscribers.alerts.incidents import Incident
from subscribers.alerts.notify import Owed
from subscribers.alerts.state import Entry, State, StateConflictError

_T = TypeVar("_T")
_INCIDENTS, _OWED, _FAILED, _SCOPE, _DONE, _TURN = (
    "incidents",
    "owed",
    "failed",
    "scope",
    "done",
    "turn",
)
#: Who has not finished by then was killed: before the next minute's run, and a function's timeout.
TURN_S = 58
#: A minute that is so far ahead of the clock was told by one that was wrong.
_AHEAD_S = 3600


class BusyError(Exception):
    """It is not our turn."""

    reason = "busy"


class _Turn(msgspec.Struct):
    """at_s: the latest minute that was evaluated; until_s: by whose clock somebody is at work till then."""

    at_s: int
    until_s: float


class Turn(msgspec.Struct, frozen=True):
    """Our turn. went_back: the clock of the one before was ahead."""

    entry: Entry
    went_back: bool = False


class Memory:
    """The memory of one state. clock: epoch seconds; damaged: entries that could not be read."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self.damaged = 0
        self._state, self._clock = state, clock

    @contextmanager
    def turn(self, at_s: int) -> Iterator[Turn]:
        """Have the state to oneself. Raises BusyError where somebody has it, or was at a later minute."""
        taken = self.take(at_s)
        try:
            yield taken
        finally:
            if self.is_ours(taken):
                self._replace(_Turn(at_s, 0.0), taken.entry.version)

    def take(self, at_s: int) -> Turn:
        """Begin a turn, which ends by itself after TURN_S. Raises as `turn` does."""
        entry = self._state.get(_TURN, _TURN)
        turn = (self._decoded(entry, _Turn) if entry else None) or _Turn(0, 0.0)
        now_s = self._clock()
        # Longer than a turn is, it was taken by a clock that was wrong.
        if now_s < turn.until_s <= now_s + TURN_S:
            raise BusyError(f"another evaluation is at work, since {TURN_S - (turn.until_s - now_s):.0f} s")
        went_back = turn.at_s > now_s + _AHEAD_S and turn.at_s > at_s
        if turn.at_s > at_s and not went_back:
            raise BusyError(f"a later minute was evaluated already, {turn.at_s - at_s} s ahead")
        taken = self._replace(_Turn(at_s, now_s + TURN_S), entry.version if entry else 0)
        return Turn(taken, went_back)

    def is_ours(self, turn: Turn) -> bool:
        """Whether nobody has begun another turn since. Raises StateError."""
        entry = self._state.get(_TURN, _TURN)
        return entry is not None and entry.version == turn.entry.version

    def scope(self, default: str) -> str:
        """Return the name of this deployment in keys: that of the first evaluator, whoever evaluates now."""
        entry = self._state.get(_SCOPE, _SCOPE)
        if entry is None:
            self._state.put([Entry(_SCOPE, _SCOPE, default.encode())])
            return default
        return entry.body.decode("utf-8", "replace")

    def incidents(self, latest_s: int | None = None) -> tuple[Incident, ...]:
        """Return the incidents that are remembered. Raises StateError.

        latest_s: no time in them is behind it; for a clock that went back.
        """
        found = self._all(_INCIDENTS, Incident)
        return found if latest_s is None else tuple(_until(incident, latest_s) for incident in found)

    def owed(self) -> tuple[Owed, ...]:
        """Return what is owed to destinations, oldest first. Raises StateError."""
        return self._all(_OWED, Owed)

    def failed(self) -> dict[str, str]:
        """Return which destinations could not be told the last time, and why. Raises StateError."""
        entry = self._state.get(_FAILED, _FAILED)
        return (self._decoded(entry, dict[str, str]) if entry else None) or {}

    def done_s(self) -> int:
        """Return the last minute of which everything was remembered, 0 for none. Raises StateError."""
        entry = self._state.get(_DONE, _DONE)
        return (self._decoded(entry, int) if entry else None) or 0

    def save_told(self, before: Sequence[Owed], owed: Sequence[Owed], failed: Mapping[str, str]) -> None:
        """Remember what is still owed, and which destinations could not be told. Raises StateError."""
        self._changed(_numbered(before), _numbered(owed))
        if failed:
            self._state.put([Entry(_FAILED, _FAILED, _encoded(failed))])
        else:
            self._state.delete([(_FAILED, _FAILED)])

    def save(
        self,
        incidents_before: Sequence[Incident],
        incidents: Sequence[Incident],
        owed_before: Sequence[Owed],
        owed: Sequence[Owed],
        at_s: int,
    ) -> None:
        """Remember what is at a minute, in place of what was: first what is owed, for an incident that is
        remembered as told, and was not, is told by nobody. Raises StateError."""
        self._changed(_numbered(owed_before), _numbered(owed))
        self._changed(_identified(incidents_before), _identified(incidents))
        self._state.put([Entry(_DONE, _DONE, _encoded(at_s))])

    def _changed(
        self, before: Iterable[tuple[str, str, object]], after: Iterable[tuple[str, str, object]]
    ) -> None:
        was = {(partition, sort): _encoded(value) for partition, sort, value in before}
        now = {(partition, sort): _encoded(value) for partition, sort, value in after}
        self._state.put(Entry(*key, body) for key, body in now.items() if was.get(key) != body)
        self._state.delete(key for key in was if key not in now)

    def _all(self, partition: str, type: type[_T]) -> tuple[_T, ...]:
        found = [(entry, self._decoded(entry, type)) for entry in self._state.query(partition)]
        self._state.delete([(entry.partition, entry.sort) for entry, value in found if value is None])
        return tuple(value for _, value in found if value is not None)

    def _decoded(self, entry: Entry, type: type[_T]) -> _T | None:
        """The value of an entry; None, counted, where it is damaged."""
        try:
            return msgspec.msgpack.decode(entry.body, type=type)
        except (msgspec.DecodeError, ValueError):
            self.damaged += 1
            return None

    def _replace(self, turn: _Turn, version: int) -> Entry:
        try:
            return self._state.replace(Entry(_TURN, _TURN, _encoded(turn), version=version))
        except StateConflictError as error:
            raise BusyError("another evaluation is at work") from error


def _identified(incidents: Sequence[Incident]) -> Iterator[tuple[str, str, object]]:
    return ((_INCIDENTS, one.id, one) for one in incidents)


def _numbered(owed: Sequence[Owed]) -> Iterator[tuple[str, str, object]]:
    """In the order in which it is owed, each under a name of its own."""
    for n, one in enumerate(owed):
        items = "\0".join(item.event_id for item in one.items)
        name = f"{one.destination}\0{one.key}\0{one.action}\0{items}".encode("utf-8", "replace")
        yield _OWED, f"{one.since_s:011d}#{n:05d}#{blake2b(name, digest_size=8).hexdigest()}", one


def _until(incident: Incident, latest_s: int) -> Incident:
    """An incident whose times a clock told that was ahead."""
    told = incident.told
    if told:
        at_s, triggered_s = min(told.at_s, latest_s), min(told.triggered_s, latest_s)
        told = msgspec.structs.replace(told, at_s=at_s, triggered_s=triggered_s)
    times = {
        name: min(getattr(incident, name), latest_s)
        for name in ("opened_s", "changed_s", "since_s", "last_breach_s")
    }
    return msgspec.structs.replace(incident, told=told, **times)


def _encoded(value: object) -> bytes:
    return msgspec.msgpack.encode(value)
