"""What an invocation of the subscriber says of itself: its ledgers as metrics, and one summary line.

The metrics are lines of CloudWatch's embedded metric format, so that no call is made for them; each has the
dimension `sink`, reasons of drops and of what was stored a line of their own with `reason` besides.

    events_received = events_delivered + events_stored + events_dropped
    requests, retries, bytes_sent     of a sink that is spoken to by requests

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from subscribers.ledger import Ledger
from subscribers.retries import Retried
from subscribers.settlement import Settlement

NAMESPACE = "HybridObserve"
_UNITS = {"bytes_sent": "Bytes"}


def metric_lines(made: Settlement) -> Iterator[str]:
    """Yield the ledgers of what is settled as metrics, a line a sink and a line a reason."""
    at_ms = made.now_unix_nano // 1_000_000
    for ledger in made.ledgers():
        if not ledger.received:
            continue
        told = made.told.get(ledger.sink, Counter())
        values = {
            "events_received": ledger.received,
            "events_delivered": ledger.delivered,
            "events_stored": ledger.stored,
            "events_dropped": sum(ledger.dropped.values()),
            **{name: told[name] for name in ("requests", "retries", "bytes_sent") if name in told},
        }
        yield emf(at_ms, {"sink": ledger.sink}, values)
        for reason, events in ledger.dropped.items():
            yield emf(at_ms, {"sink": ledger.sink, "reason": reason}, {"events_dropped": events})
        for reason, events in _stored(made, ledger).items():
            yield emf(at_ms, {"sink": ledger.sink, "reason": reason}, {"events_stored": events})
    if made.failed:
        yield emf(at_ms, {}, {"parts_failed": len(made.failed)})


def summary_line(level: str, message: str, made: Settlement, fault: Exception | None = None) -> str:
    """Return the invocation's summary: one line of JSON."""
    accounts = made.settled or made.unsettled
    notes: Counter[str] = Counter()
    for account in accounts:
        notes.update(account.notes)
    several = {"parts": len(accounts)} if len(accounts) != 1 else {}
    ledgers = made.ledgers()
    kept = {ledger.sink: found for ledger in ledgers if (found := _stored(made, ledger))}
    line = {
        "level": level,
        "message": message,
        "time_unix_nano": made.now_unix_nano,
        **(accounts[0].detail if len(accounts) == 1 else {}),
        **several,
        **({"failed": len(made.failed)} if made.failed else {}),
        **({"put_again": made.put_again} if made.put_again else {}),
        "signals": sum(account.signals for account in accounts),
        "notes": notes,
        "ledger": ledgers[0],
        **({"other_ledgers": ledgers[1:]} if len(ledgers) > 1 else {}),
        **({"kept": kept} if kept else {}),
        **({"process": made.process_notes} if made.process_notes else {}),
        **({"delivery": made.told} if any(made.told.values()) else {}),
        **({"unsettled": sum(a.ledger.received for a in made.unsettled)} if made.unsettled else {}),
        **({"error": {"type": type(fault).__name__, "message": str(fault)}} if fault else {}),
    }
    return msgspec.json.encode(line).decode()


def kept_back(made: Settlement) -> bool:
    """Whether something could not be read, or a sink did not take everything that it was offered."""
    return any(ledger.stored for ledger in made.ledgers())


def retry_lines(told: Retried, now_unix_nano: int) -> Iterator[str]:
    """Yield what became of the messages of a retry queue: as metrics, and as one summary line."""
    values = {
        "items_retried": told.items,
        "items_redelivered": told.redelivered,
        "items_stored_again": told.stored_again,
        "items_buried": sum(told.buried.values()),
        "items_failed": told.failed,
    }
    yield emf(now_unix_nano // 1_000_000, {}, values)
    level = "WARN" if told.failed or told.buried else "INFO"
    line = {
        "level": level,
        "message": "retry queue settled",
        "time_unix_nano": now_unix_nano,
        "retried": told,
    }
    yield msgspec.json.encode(line).decode()


def _stored(made: Settlement, ledger: Ledger) -> Counter[str]:
    """Why events of a sink were stored, by reason; those of the input itself are `unreadable`."""
    found: Counter[str] = Counter()
    for account in made.settled:
        found.update(account.kept.get(ledger.sink, {}))
    if unreadable := ledger.stored - found.total():
        found["unreadable"] += unreadable
    return found


def emf(at_ms: int, dimensions: Mapping[str, str], values: Mapping[str, int]) -> str:
    """Return a line of CloudWatch's embedded metric format: one set of dimensions, counts by name."""
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in values]
    directive: dict[str, Any] = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
    line = {"_aws": {"Timestamp": at_ms, "CloudWatchMetrics": [directive]}, **dimensions, **values}
    return msgspec.json.encode(line).decode()
