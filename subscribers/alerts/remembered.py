"""What an evaluation remembers for the next: incidents, what is owed to destinations, whose turn it is.

BusyError    another evaluation is at work, or was at a later time
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import msgspec

from subscribers.alerts.incidents import Incident
from subscribers.alerts.notify import Owed
from subscribers.alerts.state import Entry, State, StateConflictError, StateError

_T = TypeVar("_T")
_INCIDENTS, _OWED, _FAILED, _TURN = "incidents", "owed", "failed", "turn"
#: Who has not finished by then was killed: a function's timeout is shorter.
TURN_S = 70


class BusyError(Exception):
    """It is not our turn."""

    reason = "busy"


class _Turn(msgspec.Struct):
    """at_s: the latest minute that was evaluated; until_s: by whose clock somebody is at work till then."""

    at_s: int
    until_s: float


class Memory:
    """The memory of one state. clock: epoch seconds."""

    def __init__(self, state: State, clock: Callable[[], float] = time.time) -> None:
        self._state, self._clock = state, clock

    @contextmanager
    def turn(self, at_s: int) -> Iterator[None]:
        """Have the state to oneself. Raises BusyError where somebody has it, or was at a later minute."""
        taken = self.take(at_s)
        try:
            yield
        finally:
            self._replace(_Turn(at_s, 0.0), taken.version)

    def take(self, at_s: int) -> Entry:
        """Begin a turn, which ends by itself after TURN_S. Raises as `turn` does."""
        entry = self._state.get(_TURN, _TURN)
        turn = _decoded(entry, _Turn) if entry else _Turn(0, 0.0)
        now_s = self._clock()
        if turn.until_s > now_s:
            raise BusyError(f"another evaluation is at work, since {TURN_S - (turn.until_s - now_s):.0f} s")
        if turn.at_s > at_s:
            raise BusyError(f"a later minute was evaluated already, {turn.at_s - at_s} s ahead")
        return self._replace(_Turn(at_s, now_s + TURN_S), entry.version if entry else 0)

    def incidents(self) -> tuple[Incident, ...]:
        """Return the incidents that are remembered. Raises StateError."""
        return tuple(_decoded(entry, Incident) for entry in self._state.query(_INCIDENTS))

    def owed(self) -> tuple[Owed, ...]:
        """Return what is owed to destinations, oldest first. Raises StateError."""
        return tuple(_decoded(entry, Owed) for entry in self._state.query(_OWED))

    def failed(self) -> dict[str, str]:
        """Return which destinations could not be told the last time, and why. Raises StateError."""
        entry = self._state.get(_FAILED, _FAILED)
        return _decoded(entry, dict[str, str]) if entry else {}

    def save_failed(self, failed: Mapping[str, str]) -> None:
        """Remember which destinations could not be told. Raises StateError."""
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
    ) -> None:
        """Remember what is, in place of what was. Raises StateError."""
        self._changed(_identified(incidents_before), _identified(incidents))
        self._changed(_numbered(owed_before), _numbered(owed))

    def _changed(
        self, before: Iterable[tuple[str, str, object]], after: Iterable[tuple[str, str, object]]
    ) -> None:
        was = {(partition, sort): _encoded(value) for partition, sort, value in before}
        now = {(partition, sort): _encoded(value) for partition, sort, value in after}
        self._state.put(Entry(*key, body) for key, body in now.items() if was.get(key) != body)
        self._state.delete(key for key in was if key not in now)

    def _replace(self, turn: _Turn, version: int) -> Entry:
        try:
            return self._state.replace(Entry(_TURN, _TURN, _encoded(turn), version=version))
        except StateConflictError as error:
            raise BusyError("another evaluation is at work") from error


def _identified(incidents: Sequence[Incident]) -> Iterator[tuple[str, str, object]]:
    return ((_INCIDENTS, one.id, one) for one in incidents)


def _numbered(owed: Sequence[Owed]) -> Iterator[tuple[str, str, object]]:
    """In the order in which it is owed."""
    for n, one in enumerate(owed):
        yield _OWED, f"{n:06d}", one


def _encoded(value: object) -> bytes:
    return msgspec.msgpack.encode(value)


def _decoded(entry: Entry, type: type[_T]) -> _T:
    try:
        return msgspec.msgpack.decode(entry.body, type=type)
    except msgspec.DecodeError as error:
        said = f"the entry {entry.partition} {entry.sort} cannot be read: {error}"
        raise StateError(said, "corrupt") from error
