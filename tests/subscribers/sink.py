"""A sink for tests."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from subscribers.signals import Signal
from subscribers.tables import Row


class Memory:
    """A sink that remembers, or refuses everything, or all signals behind the first few writes."""

    def __init__(self, fault: Exception | None = None, *, writes: int = 0) -> None:
        self.signals: dict[str, Signal] = {}
        self.ledgers: list[Row] = []
        self.dead: list[tuple[str, bytes, Mapping[str, Any]]] = []
        self.fault, self.writes = fault, writes
        self.is_down = fault is not None and not writes

    def append(self, signals: Iterable[Signal]) -> None:
        self.is_down |= self.fault is not None and not self.writes
        self._refuse()
        self.writes -= 1
        self.signals.update({signal.event_id: signal for signal in signals})

    def record(self, ledger_rows: Iterable[Row]) -> None:
        self._refuse()
        self.ledgers += ledger_rows

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        self._refuse()
        self.dead.append((reason, document, detail))

    def _refuse(self) -> None:
        if self.fault and self.is_down:
            raise self.fault
