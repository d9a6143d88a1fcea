"""What becomes of the parts of one event: each read, delivered, and booked in a ledger of its own.

Signals are gathered over parts and written in few calls. A part is settled when all of its signals are
written; what no retry can mend (bytes that cannot be decoded) is stored as a dead letter. Where the sink
fails, every part that waits for it fails, and nothing more is read: all of it comes again, and event IDs
make the repeat harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from subscribers.envelope import LogBatch, MalformedEnvelope
from subscribers.inputs.documents import Found
from subscribers.inputs.intakes import Intake
from subscribers.inputs.objects import SourceError
from subscribers.ledger import Ledger, LedgerError
from subscribers.reading import Read, Reading
from subscribers.signals import Signal
from subscribers.tables import Row, ledger_row

SINK = "store"
#: Signals that wait for one write, and characters of the events that they were made of.
_WRITE_AT = 20_000
_WRITE_AT_CHARACTERS = 8 * 1024 * 1024


class Sink(Protocol):
    """Where signals go; `store.Store` is one. Each call either keeps everything it was given or raises."""

    def append(self, signals: Iterable[Signal]) -> object:
        """Keep signals; those that are there already, by event ID, are kept once."""

    def record(self, ledger_rows: Iterable[Row]) -> object:
        """Keep rows of the ledger."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> object:
        """Keep a document that cannot be delivered, byte for byte."""


class Account(msgspec.Struct):
    """One part on its way through the ledger."""

    intake: Intake
    ledger: Ledger = msgspec.field(default_factory=lambda: Ledger(sink=SINK))
    notes: Counter[str] = msgspec.field(default_factory=Counter)
    detail: dict[str, Any] = {}
    signals: int = 0


class Settlement:
    """One event's parts. settled: accounts of those that are done; unsettled: of those that were begun and
    failed; failed: record ID -> why it is not."""

    def __init__(self, reading: Reading, sink: Sink, now_unix_nano: int, own_group: str | None) -> None:
        """own_group: the subscriber's own log group, which is never read."""
        self.settled: list[Account] = []
        self.unsettled: list[Account] = []
        self.failed: dict[str, Exception] = {}
        #: Records that were put to their stream again, and are settled when they come back.
        self.put_again = 0
        self.now_unix_nano = now_unix_nano
        self._reading, self._sink, self._own_group = reading, sink, own_group
        self._waiting: list[Account] = []
        self._pending: list[Signal] = []
        self._characters = 0

    def settle(self, intakes: Iterable[Intake]) -> None:
        """Read and deliver parts in order; what fails is in `failed`."""
        rest = iter(intakes)
        for intake in rest:
            account = Account(intake, detail=dict(intake.detail))
            is_written = False
            try:
                for signals in self.read(account):
                    self._pending += signals
                    if len(self._pending) >= _WRITE_AT or self._characters >= _WRITE_AT_CHARACTERS:
                        self._append()
                        is_written = True
                account.ledger.check()
            except (SourceError, LedgerError) as error:
                # Of this part alone; what was read of it may be written, and comes again.
                self.failed[intake.record_id] = error
                self.unsettled.append(account)
                continue
            except Exception as fault:  # noqa: BLE001 - whatever a sink raises: nothing of this part is lost
                self._fail([*self._waiting, account], rest, fault)
                return
            account.intake = msgspec.structs.replace(intake, found=())  # what was read is no longer held
            self._waiting.append(account)
            if is_written and not self._settled(rest):
                return
        self._settled(rest)

    def deliver(self, accounts: list[Account], signals: Iterable[Signal]) -> None:
        """Write what `read` returned. Raises whatever the sink raises, and LedgerError."""
        for account in accounts:
            account.ledger.check()
        self._waiting += accounts
        self._pending += signals
        self._write()

    def read(self, account: Account) -> Iterator[list[Signal]]:
        """Yield the signals of a part batch by batch, and book its events.

        Raises what the sink raises for a dead letter, and SourceError.
        """
        intake, ledger = account.intake, account.ledger
        #: Reason -> (what was said first, how many events): stored when all of the part was read.
        broken: dict[str, tuple[str, int]] = {}
        if intake.unread:
            ledger.received += 1
            ledger.drop(intake.unread)
        for found in _found(account, broken):
            if isinstance(found, MalformedEnvelope):
                ledger.received += 1
                _break(broken, found.reason, str(found), 1)
                continue
            account.detail.update(log_group=found.log_group, log_stream=found.log_stream)
            ledger.received += len(found.events)
            if refused := self._refusal(found):
                ledger.drop(refused, len(found.events))
            else:
                yield from self._read(account, found, broken)
        for reason, (said, events) in broken.items():
            self._store(account, reason, said, events)

    def keep(self, intake: Intake, reason: str, said: str, events: int) -> None:
        """Keep a part as a dead letter that was not read, and book it. Raises what the sink raises."""
        account = Account(intake, detail=dict(intake.detail))
        account.ledger.received = events
        self._store(account, reason, said, events)
        self.deliver([account], ())

    def ledger(self) -> Ledger:
        """Return the sum of what is settled."""
        total = Ledger(sink=SINK)
        for account in self.settled:
            total.received += account.ledger.received
            total.delivered += account.ledger.delivered
            total.stored += account.ledger.stored
            for reason, events in account.ledger.dropped.items():
                total.drop(reason, events)
        return total

    def _store(self, account: Account, reason: str, said: str, events: int) -> None:
        """Keep the whole part as a dead letter for some of its events."""
        detail = {**account.detail, "error": said, "events": events}
        self._sink.dead_letter(reason, account.intake.kept(), detail)
        account.ledger.stored += events
        account.notes[reason] += events

    def _refusal(self, batch: LogBatch) -> str:
        """Why a batch that could be decoded is not looked at, or ""."""
        if batch.is_control:
            return "control_message"
        # Our summary line would come back as the next payload, for ever.
        return "own_log_group" if batch.log_group == self._own_group else ""

    def _read(
        self, account: Account, batch: LogBatch, broken: dict[str, tuple[str, int]]
    ) -> Iterator[list[Signal]]:
        reads = self._reading.read(batch, self.now_unix_nano)
        rest = len(batch.events)
        while True:
            try:
                read = next(reads, None)
            except Exception as fault:  # noqa: BLE001 - a fault of ours must not block the stream: kept
                _break(broken, "parser_fault", f"{type(fault).__name__}: {fault}", rest)
                return
            if read is None:
                return
            rest -= read.events
            self._characters += read.characters
            yield self._booked(account, read)

    def _booked(self, account: Account, read: Read) -> list[Signal]:
        parsed, ledger = read.parsed, account.ledger
        account.signals += len(parsed.signals)
        account.notes.update(parsed.notes)
        ledger.delivered += read.delivered
        for reason, events in read.dropped.items():
            ledger.drop(reason, events)
        if parsed.silent:
            ledger.drop("no_signal", parsed.silent)
        return parsed.signals

    def _settled(self, rest: Iterator[Intake]) -> bool:
        """Whether what waits could be written; else it has failed, and so has the rest."""
        try:
            self._write()
        except Exception as fault:  # noqa: BLE001 - as above
            self._fail(self._waiting, rest, fault)
            return False
        return True

    def _append(self) -> None:
        if self._pending:
            self._sink.append(self._pending)
            self._pending, self._characters = [], 0

    def _write(self) -> None:
        self._append()
        if self._waiting:
            now = self.now_unix_nano
            self._sink.record([ledger_row(a.ledger, a.intake.digest(), now) for a in self._waiting])
            self.settled += self._waiting
            self._waiting = []

    def _fail(self, accounts: list[Account], rest: Iterable[Intake], fault: Exception) -> None:
        """What waits for the sink has failed, and so has what was not read yet."""
        self.unsettled += accounts
        for intake in (*(account.intake for account in accounts), *rest):
            self.failed.setdefault(intake.record_id, fault)
        self._waiting, self._pending, self._characters = [], [], 0


def _found(account: Account, broken: dict[str, tuple[str, int]]) -> Iterator[Found]:
    """What is in a part. Raises SourceError; any other fault is ours, and blocks nothing behind it."""
    rest = iter(account.intake.found)
    while True:
        try:
            found = next(rest, None)
        except SourceError:
            raise
        except Exception as fault:  # noqa: BLE001 - as in Settlement._read
            account.ledger.received += 1
            _break(broken, "parser_fault", f"{type(fault).__name__}: {fault}", 1)
            return
        if found is None:
            return
        yield found


def _break(broken: dict[str, tuple[str, int]], reason: str, said: str, events: int) -> None:
    first, before = broken.get(reason, (said, 0))
    broken[reason] = first, before + events
