"""The edge: one subscription payload in, its signals in a sink, its ledger out.

Every event that comes in is delivered, stored as a dead letter, or dropped for a counted reason, and
the ledger says so. What the sink cannot take makes the invocation fail, so that Lambda retries it;
event IDs make the repeat harmless. What no retry can mend (a payload that cannot be decoded) is stored.

    OBSERVE_CONFIG      path of observe.yaml; without it groups name their own services
    OBSERVE_STORE       folder of the embedded store; ./.observe
    OBSERVE_KEY_SECRET  secret of the marks of business keys, the same as the layer's

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html#LambdaFunctionExample
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any, Protocol

import msgspec

from subscribers.config import EMPTY, Config, Service, load
from subscribers.controls import Controls
from subscribers.enrich import Enrichment
from subscribers.envelope import LogBatch, MalformedEnvelope, decode
from subscribers.ledger import Ledger
from subscribers.parse import AUTO, FORMATS, LAMBDA_GROUP, Parsed, custom, named, parse
from subscribers.parsers.page import Format
from subscribers.signals import Origin, Side, Signal
from subscribers.store import Store
from subscribers.tables import Row, ledger_row

Handler = Callable[[Any, Any], dict[str, Any]]

SINK = "store"


class Sink(Protocol):
    """Where signals go; `store.Store` is one. Each call either keeps everything it was given or raises."""

    def append(self, signals: Iterable[Signal]) -> object:
        """Keep signals; those that are there already, by event ID, are kept once."""

    def record(self, ledger_rows: Iterable[Row]) -> object:
        """Keep rows of the ledger."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> object:
        """Keep a document that cannot be delivered, byte for byte."""


class _Payload(msgspec.Struct):
    """One invocation's payload on its way through the ledger."""

    document: bytes
    ledger: Ledger
    detail: dict[str, Any] = {}
    notes: dict[str, int] = {}
    signals: int = 0


class _Parser(msgspec.Struct, frozen=True):
    """What the configuration makes of lines, made ready once."""

    config: Config
    enrichment: Enrichment
    controls: Controls
    region: str


def make_handler(
    config: Config, sink: Sink, clock: Callable[[], int], *, region: str = "", key_secret: str = ""
) -> Handler:
    """Return a Lambda handler that parses as `config` says and delivers to `sink`.

    clock: nanoseconds since the epoch; region: where the log groups are; key_secret: of the marks of
    business keys.
    The handler returns the ledger {"sink", "received", "delivered", "stored", "dropped": {reason: n}}.
    It raises whatever the sink raises, and LedgerError if the ledger does not balance.
    """

    parser = _Parser(config, Enrichment(config, key_secret), Controls(config), region)

    def handle(event: Any, context: Any) -> dict[str, Any]:
        payload = _Payload(document=_document(event), ledger=Ledger(sink=SINK))
        now = clock()
        try:
            _settle(payload, event, context, parser, sink, now)
            payload.ledger.check()
            sink.record([ledger_row(payload.ledger, _payload_id(payload.document), now)])
        except Exception as fault:
            _say("ERROR", payload, now, error={"type": type(fault).__name__, "message": str(fault)})
            raise
        _say("INFO", payload, now)
        told: dict[str, Any] = msgspec.to_builtins(payload.ledger)
        return told

    return handle


def _settle(payload: _Payload, event: Any, context: Any, parser: _Parser, sink: Sink, now: int) -> None:
    """Decode, parse and deliver, counting what becomes of every event."""
    ledger = payload.ledger
    try:
        batch = decode(event)
    except MalformedEnvelope as error:
        ledger.received = 1
        _store(payload, sink, error.reason, str(error), 1)
        return
    payload.detail = {"log_group": batch.log_group, "log_stream": batch.log_stream}
    ledger.received = len(batch.events)
    if refused := _refusal(batch, context):
        ledger.drop(refused, ledger.received)
        return
    try:
        parsed, dropped = _parse(payload, batch, parser, now)
    except Exception as fault:  # noqa: BLE001 - a fault of ours must not block the stream: kept, with a reason
        _store(payload, sink, "parser_fault", f"{type(fault).__name__}: {fault}", ledger.received)
        return
    sink.append(parsed.signals)
    payload.signals, payload.notes = len(parsed.signals), {**payload.notes, **parsed.notes}
    # Counted from what was written, not from what was read: else the ledger could only agree with itself.
    ledger.delivered = _delivered(parsed)
    for reason, events in dropped.items():
        ledger.drop(reason, events)
    if parsed.silent:
        ledger.drop("no_signal", parsed.silent)


def _delivered(parsed: Parsed) -> int:
    """How many events reached the sink: with signals of their own, or as a part of another event's log."""
    told = {signal.event_id.partition(":")[0] for signal in parsed.signals}
    return len(told) + sum(log in told for event, log in parsed.joined.items() if event not in told)


def _refusal(batch: LogBatch, context: Any) -> str:
    """Why a payload that could be decoded is not looked at, or ""."""
    if batch.is_control:
        return "control_message"
    # Our summary line would come back as the next payload, for ever.
    if batch.log_group == getattr(context, "log_group_name", None):
        return "own_log_group"
    return ""


def _parse(payload: _Payload, batch: LogBatch, parser: _Parser, now: int) -> tuple[Parsed, dict[str, int]]:
    """(what is to be delivered, how many events are left out on purpose, by reason)."""
    origin, format = origin_of(batch, parser.config, parser.region)
    if isinstance(format, str) and format not in FORMATS and format != AUTO:
        payload.notes = {"format_unknown": len(batch.events)}
        format = AUTO
    if format == AUTO and origin.side == "serverless":
        format = "lambda"
    parsed = parse(batch, origin, format, now_unix_nano=now)
    parser.enrichment.apply(parsed)
    return parsed, parser.controls.apply(parsed, parser.config.service_of(batch.log_group))


def origin_of(batch: LogBatch, config: Config, region: str) -> tuple[Origin, str | Format]:
    """Return where a batch comes from, and its format or the name of one: by configuration, else by group."""
    group = batch.log_group
    service = config.service_of(group)
    side: Side
    format: str | Format
    if service:
        name, side, format = service.name, service.side, _format_of(service)
    elif group.startswith(LAMBDA_GROUP):
        name, side, format = group[len(LAMBDA_GROUP) :], "serverless", AUTO
    else:
        name, side, format = group.rstrip("/").rpartition("/")[2], "legacy", AUTO
    return Origin(batch.owner, region, group, batch.log_stream, name, side), format


def _format_of(service: Service) -> str | Format:
    if not service.format_options:
        known = service.format in FORMATS or service.format == AUTO
        if not known or (service.format == AUTO and service.side == "serverless"):
            return service.format
        return named(service.format, service.timezone, service.correlation_field)
    # Options describe a format of the team's own, which the built-in one of that name would misread.
    return custom(service.format_options, service.timezone, service.correlation_field) or "custom"


def _store(payload: _Payload, sink: Sink, reason: str, said: str, events: int) -> None:
    sink.dead_letter(reason, payload.document, {**payload.detail, "error": said, "events": events})
    payload.ledger.stored += events
    payload.notes = {reason: events}


def _document(event: Any) -> bytes:
    """The payload as it would be sent again: still compressed, whatever it inflates to."""
    try:
        return msgspec.json.encode(event)
    except (TypeError, ValueError, RecursionError):
        return repr(type(event)).encode()


def _payload_id(document: bytes) -> str:
    return blake2b(document, digest_size=16).hexdigest()


def _say(level: str, payload: _Payload, now: int, **more: Any) -> None:
    """Write the invocation's summary: one line of JSON."""
    line = {
        "level": level,
        "message": "payload settled" if level == "INFO" else "payload failed, Lambda will retry it",
        "time_unix_nano": now,
        **payload.detail,
        "signals": payload.signals,
        "notes": payload.notes,
        "ledger": payload.ledger,
        **more,
    }
    sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
    sys.stdout.flush()


@cache
def _from_environment() -> Handler:
    """The handler of this process; settings are read once, a mistake in them fails the invocation."""
    path = os.environ.get("OBSERVE_CONFIG", "")
    config = load(path) if path else EMPTY
    store = Store(os.environ.get("OBSERVE_STORE") or ".observe")
    return make_handler(
        config,
        store,
        time.time_ns,
        region=os.environ.get("AWS_REGION", ""),
        key_secret=os.environ.get("OBSERVE_KEY_SECRET", ""),
    )


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Handle one subscription payload with the settings of the environment. See `make_handler`."""
    return _from_environment()(event, context)
