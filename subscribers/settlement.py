"""What becomes of the parts of one event: each read, delivered, and booked in ledgers of its own, one a sink.

Signals are gathered over parts and written in few calls. A part is settled when every sink has all of its
signals, or what a sink did not take is kept; what no retry can mend (bytes that cannot be decoded) is stored
as a dead letter. Where something can be neither delivered nor kept, every part that waits fails, and nothing
more is read: all of it comes again, and event IDs make the repeat harmless.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec

from subscribers.envelope import LogBatch, MalformedEnvelope
from subscribers.inputs.documents import Found
from subscribers.inputs.intakes import Intake
from subscribers.inputs.objects import SourceError
from subscribers.ledger import Ledger, LedgerError
from subscribers.outlets import ALL_KINDS, Fates, Local, Outlets, Sink
from subscribers.read import Read
from subscribers.reading import Reading
from subscribers.sinks.bulk_lines import BulkLines
from subscribers.tables import ledger_row

__all__ = ["SINK", "Account", "Settlement", "Sink"]

SINK = "store"
#: Signals that wait for one write, and characters of the events that they were made of.
_WRITE_AT = 20_000
_WRITE_AT_CHARACTERS = 4 * 1024 * 1024
#: The function's last seconds are for what could not be delivered, and for the reply.
MARGIN_S = 5.0
#: With less nothing more is read: what was read has to become items, and maybe be kept, in that time.
ENOUGH_S = 10.0


class Account(msgspec.Struct):
    """One part on its way through the ledgers, one a sink, in the order of the sinks."""

    intake: Intake
    ledgers: tuple[Ledger, ...]
    notes: Counter[str] = msgspec.field(default_factory=Counter)
    detail: dict[str, Any] = {}
    signals: int = 0
    #: Why events are stored, by sink and reason: events that a sink did not take.
    kept: dict[str, Counter[str]] = {}

    @property
    def ledger(self) -> Ledger:
        """The first sink's."""
        return self.ledgers[0]

    def receive(self, events: int) -> None:
        """Count events that came in."""
        for ledger in self.ledgers:
            ledger.received += events

    def drop(self, reason: str, events: int = 1) -> None:
        """Count events that no sink is offered."""
        for ledger in self.ledgers:
            ledger.drop(reason, events)

    def check(self) -> None:
        """Raise LedgerError unless every ledger balances."""
        for ledger in self.ledgers:
            ledger.check()


class Settlement:
    """One event's parts. settled: accounts of those that are done; unsettled: of those that were begun and
    failed; failed: record ID -> why it is not."""

    def __init__(
        self,
        reading: Reading,
        sinks: Sink | Outlets,
        now_unix_nano: int,
        own_group: str | None,
        left_s: Callable[[], float | None] = lambda: None,
    ) -> None:
        """own_group: the subscriber's own log group, which is never read; left_s: seconds that the function
        may still run, None where nobody knows."""
        self.settled: list[Account] = []
        self.unsettled: list[Account] = []
        self.failed: dict[str, Exception] = {}
        #: Records that were put to their stream again, and are settled when they come back.
        self.put_again = 0
        #: Per sink: requests, retries, ...
        self.told: dict[str, Counter[str]] = {}
        self.now_unix_nano = now_unix_nano
        self._outlets = sinks if isinstance(sinks, Outlets) else Outlets([Local(SINK, sinks)], sinks)
        self._reading, self._own_group, self._left_s = reading, own_group, left_s
        all_s = left_s() or 0.0
        #: Of a function that has little time at all, parts of it.
        self._margin_s, self._enough_s = min(MARGIN_S, 0.25 * all_s), min(ENOUGH_S, 0.4 * all_s)
        self._waiting: list[Account] = []
        self._pending: list[tuple[Account, Read]] = []
        self._signals = 0
        self._characters = 0

    @property
    def process_notes(self) -> dict[str, int]:
        """Counts of the process, for the summary."""
        return dict(self._outlets.notes)

    def settle(self, intakes: Iterable[Intake]) -> None:
        """Read and deliver parts in order; what fails is in `failed`."""
        rest = iter(intakes)
        for intake in rest:
            account = self.opened(intake)
            is_written = False
            try:
                self._in_time()
                for read in self.read(account):
                    self._pend(account, read)
                    if self._signals >= _WRITE_AT or self._characters >= _WRITE_AT_CHARACTERS:
                        self._append()
                        is_written = True
                        self._in_time()
                account.check()
            except (SourceError, LedgerError) as error:
                # Of this part alone; what was read of it may be written, and comes again.
                self.failed[intake.record_id] = error
                self.unsettled.append(account)
                self._forget(account)
                continue
            except Exception as fault:  # noqa: BLE001 - whatever a sink raises: nothing of this part is lost
                self._fail([*self._waiting, account], rest, fault)
                return
            account.intake = msgspec.structs.replace(intake, found=())  # what was read is no longer held
            self._waiting.append(account)
            if is_written and not self._settled(rest):
                return
        self._settled(rest)

    def opened(self, intake: Intake) -> Account:
        """Return a part's account, empty."""
        ledgers = tuple(Ledger(sink=outlet.name) for outlet in self._outlets.outlets)
        return Account(intake, ledgers, detail=dict(intake.detail))

    def deliver(self, parts: list[tuple[Account, list[Read]]]) -> None:
        """Write what `read` returned. Raises what a local sink or the keeper raises, and LedgerError."""
        for account, reads in parts:
            account.check()
            for read in reads:
                self._pend(account, read)
        self._waiting += [account for account, _ in parts]
        self._write()

    def read(self, account: Account) -> Iterator[Read]:
        """Yield what a part becomes, batch by batch, and book its events.

        Raises what the keeper raises for a dead letter, and SourceError.
        """
        intake = account.intake
        #: Reason -> (what was said first, how many events): stored when all of the part was read.
        broken: dict[str, tuple[str, int]] = {}
        if intake.unread:
            account.receive(1)
            account.drop(intake.unread)
        for found in _found(account, broken):
            if isinstance(found, MalformedEnvelope):
                account.receive(1)
                _break(broken, found.reason, str(found), 1)
                continue
            account.detail.update(log_group=found.log_group, log_stream=found.log_stream)
            account.receive(len(found.events))
            if refused := self._refusal(found):
                account.drop(refused, len(found.events))
            else:
                yield from self._read(account, found, broken)
        for reason, (said, events) in broken.items():
            self._store(account, reason, said, events)

    def keep(self, intake: Intake, reason: str, said: str, events: int) -> None:
        """Keep a part as a dead letter that was not read, and book it. Raises what the keeper raises."""
        account = self.opened(intake)
        account.receive(events)
        self._store(account, reason, said, events)
        self.deliver([(account, [])])

    def ledger(self) -> Ledger:
        """Return the sum of what is settled at the first sink."""
        return self.ledgers()[0]

    def ledgers(self) -> list[Ledger]:
        """Return the sum of what is settled, of each sink."""
        totals = [Ledger(sink=outlet.name) for outlet in self._outlets.outlets]
        for account in self.settled:
            for total, ledger in zip(totals, account.ledgers, strict=True):
                total.received += ledger.received
                total.delivered += ledger.delivered
                total.stored += ledger.stored
                for reason, events in ledger.dropped.items():
                    total.drop(reason, events)
        return totals

    def _store(self, account: Account, reason: str, said: str, events: int) -> None:
        """Keep the whole part as a dead letter for some of its events."""
        detail = {**account.detail, "error": said, "events": events}
        self._outlets.dead_letter(reason, account.intake.kept(), detail)
        for ledger in account.ledgers:
            ledger.stored += events
        account.notes[reason] += events

    def _refusal(self, batch: LogBatch) -> str:
        """Why a batch that could be decoded is not looked at, or ""."""
        if batch.is_control:
            return "control_message"
        # Our summary line would come back as the next payload, for ever.
        return "own_log_group" if batch.log_group == self._own_group else ""

    def _read(self, account: Account, batch: LogBatch, broken: dict[str, tuple[str, int]]) -> Iterator[Read]:
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
            self._book(account, read)
            yield read

    def _book(self, account: Account, read: Read) -> None:
        account.signals += read.signals
        account.notes.update(read.notes)
        whole = read.delivered
        for outlet, ledger in zip(self._outlets.outlets, account.ledgers, strict=True):
            delivered = whole if outlet.kinds == ALL_KINDS else read.delivered_of(outlet.kinds)
            ledger.delivered += delivered
            for reason, events in read.dropped.items():
                ledger.drop(reason, events)
            if silent := read.parsed.silent + whole - delivered:
                ledger.drop("no_signal", silent)

    def _in_time(self) -> None:
        """Raise SourceError where there is no time to settle more: what waits has to be written and told."""
        left_s = self._left_s()
        if left_s is not None and left_s < self._enough_s:
            said = "the function's time runs out: give it more, or smaller batches"
            raise SourceError("out_of_time", said)

    def _forget(self, account: Account) -> None:
        """Do not deliver what is pending of a part that comes again as a whole."""
        self._pending = [(one, read) for one, read in self._pending if one is not account]
        self._signals = sum(read.signals for _, read in self._pending)
        self._characters = sum(read.characters for _, read in self._pending)

    def _pend(self, account: Account, read: Read) -> None:
        self._pending.append((account, read))
        self._signals += read.signals
        self._characters += read.characters

    def _settled(self, rest: Iterator[Intake]) -> bool:
        """Whether what waits could be written; else it has failed, and so has the rest."""
        try:
            self._write()
        except Exception as fault:  # noqa: BLE001 - as above
            self._fail(self._waiting, rest, fault)
            return False
        return True

    def _append(self, *, is_last: bool = False) -> None:
        """Deliver what is pending to every sink, and book what did not become as it was offered."""
        pending = self._pending
        signals = [signal for _, read in pending for signal in read.parsed.signals]
        bodies = [BulkLines(read.body.lines, read.body.documents) for _, read in pending if read.body]
        if signals or bodies:
            deadline_s = self._deadline_s()
            if deadline_s is not None and not is_last:
                deadline_s /= 2  # a sink that hangs must not take the time of all that is still to be read
            fates = self._outlets.deliver(signals, bodies, deadline_s)
            for n, outlet in enumerate(self._outlets.outlets):
                self._rebook(n, outlet.name, outlet.kinds, fates[outlet.name], pending)
        self._pending, self._signals, self._characters = [], 0, 0

    def _rebook(
        self, n: int, sink: str, kinds: frozenset[type], fates: Fates, pending: list[tuple[Account, Read]]
    ) -> None:
        """Move events that one sink did not get from delivered to what they are."""
        self.told.setdefault(sink, Counter()).update(fates.told)
        if not (fates.stored or fates.dropped):
            return
        for account, read in pending:
            ledger = account.ledgers[n]
            for event, weight in read.weights(kinds).items():
                if reason := fates.stored.get(event):
                    ledger.delivered -= weight
                    ledger.stored += weight
                    account.kept.setdefault(sink, Counter())[reason] += weight
                elif reason := fates.dropped.get(event):
                    ledger.delivered -= weight
                    ledger.drop(reason, weight)

    def _deadline_s(self) -> float | None:
        """Seconds from now by which a delivery ends."""
        left_s = self._left_s()
        return None if left_s is None else max(0.0, left_s - self._margin_s)

    def _write(self) -> None:
        self._append(is_last=True)
        if self._waiting:
            now = self.now_unix_nano
            for account in self._waiting:
                account.check()
            rows = [
                ledger_row(ledger, account.intake.digest(), now)
                for account in self._waiting
                for ledger in account.ledgers
            ]
            self._outlets.record(rows, self._deadline_s())
            self.settled += self._waiting
            self._waiting = []

    def _fail(self, accounts: list[Account], rest: Iterable[Intake], fault: Exception) -> None:
        """What waits for a sink has failed, and so has what was not read yet."""
        self.unsettled += accounts
        for intake in (*(account.intake for account in accounts), *rest):
            self.failed.setdefault(intake.record_id, fault)
        self._waiting, self._pending, self._signals, self._characters = [], [], 0, 0


def _found(account: Account, broken: dict[str, tuple[str, int]]) -> Iterator[Found]:
    """What is in a part. Raises SourceError; any other fault is ours, and blocks nothing behind it."""
    rest = iter(account.intake.found)
    while True:
        try:
            found = next(rest, None)
        except SourceError:
            raise
        except Exception as fault:  # noqa: BLE001 - as in Settlement._read
            account.receive(1)
            _break(broken, "parser_fault", f"{type(fault).__name__}: {fault}", 1)
            return
        if found is None:
            return
        yield found


def _break(broken: dict[str, tuple[str, int]], reason: str, said: str, events: int) -> None:
    first, before = broken.get(reason, (said, 0))
    broken[reason] = first, before + events
