"""The ledger: what came in equals what was delivered, stored or dropped with a reason.

LedgerError     the three do not add up; a fault of ours, never of the input
"""

from __future__ import annotations

import msgspec


class LedgerError(AssertionError):
    """The ledger of one payload does not balance. `reason` is always `ledger_unbalanced`."""

    reason = "ledger_unbalanced"


class Ledger(msgspec.Struct, kw_only=True):
    """Counts of input events for one sink. Reasons are low-cardinality words, e.g. `no_signal`."""

    sink: str
    received: int = 0
    delivered: int = 0
    stored: int = 0
    dropped: dict[str, int] = {}

    def drop(self, reason: str, n: int = 1) -> None:
        """Count `n` input events as dropped for `reason`."""
        self.dropped[reason] = self.dropped.get(reason, 0) + n

    def check(self) -> None:
        """Raise LedgerError unless delivered + stored + dropped is what was received."""
        settled = self.delivered + self.stored + sum(self.dropped.values())
        if settled != self.received:
            raise LedgerError(f"{self.sink}: received {self.received} events, settled {settled}")
