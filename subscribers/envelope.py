"""The CloudWatch Logs subscription event, decoded into a `LogBatch`, and back.

    MalformedEnvelope       the event, or a part of it, cannot be decoded; `reason` says why:
        not_awslogs         no `awslogs.data` string in it
        bad_base64          the data is not base64
        bad_gzip            the base64 holds no gzip stream, or a truncated or broken one
        too_large           it inflates to more than the limit; never inflated further than that
        bad_json            the gzip stream holds no JSON
        bad_shape           the JSON is not a subscription document
        bad_aggregate       a Kinesis record of the Producer Library is damaged
        bad_compression     a file is broken or truncated zstd, bzip2 or xz
        unsupported         a file is compressed in a way that is not read here, or zstd without its library
        bad_notification    an event, a message or an item names no object of S3
        no_such_object      the object is not there any more
        archived_object     the object is in an archive class and was not restored

What comes through Kinesis, Firehose and S3 is read by `subscribers.inputs`.

Unknown keys are tolerated (`policyLevel` broke other readers when it appeared), several gzip members
are one document, and bytes after the last member are ignored, as gzip(1) does.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html
"""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator
from hashlib import sha512
from types import ModuleType
from typing import Annotated, Any, Literal

import msgspec

#: What inflates and deflates, with zlib's functions.
_deflate: ModuleType
try:
    from isal import isal_zlib
except ImportError:  # a platform without its wheel: the standard library does the same, several times slower
    _deflate = zlib
else:
    _deflate = isal_zlib

#: What one payload may inflate to: a quarter of the subscriber's memory, six times what is seen.
INFLATED_MAX_BYTES = 64 * 1024 * 1024

Reason = Literal[
    "not_awslogs",
    "bad_base64",
    "bad_gzip",
    "too_large",
    "bad_json",
    "bad_shape",
    "bad_aggregate",
    "bad_compression",
    "unsupported",
    "bad_notification",
    "no_such_object",
    "archived_object",
]
#: Milliseconds since the epoch whose nanoseconds still fit 63 bits.
Milliseconds = Annotated[int, msgspec.Meta(ge=0, le=9_223_372_036_854)]

GZIP_MAGIC = b"\x1f\x8b"
#: zlib's word for gzip with the largest window: https://www.zlib.net/manual.html#Advanced
_GZIP_WINDOW_BITS = 16 + 15
#: CloudWatch writes one member; each further one costs a copy of what follows it.
_MEMBERS_MAX = 1024


class MalformedEnvelope(ValueError):  # noqa: N818 - the name the design gives it
    """A subscription event that cannot be decoded; `reason` is one of `Reason`."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason: Reason = reason


class LogEvent(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One line. `timestamp_ms` is when CloudWatch says it happened, since the epoch."""

    timestamp_ms: Milliseconds = msgspec.field(name="timestamp")
    message: str
    #: CloudWatch's own; a string of digits, though emulators send integers.
    id: str | int = ""
    #: What a filter pattern or `emitSystemFields` added, e.g. `@aws.account`.
    extracted_fields: dict[str, Any] | None = msgspec.field(name="extractedFields", default=None)


class LogBatch(msgspec.Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """The lines of one log stream that came in one payload."""

    owner: str
    log_group: str = msgspec.field(name="logGroup")
    log_stream: str = msgspec.field(name="logStream")
    filters: tuple[str, ...] = msgspec.field(name="subscriptionFilters", default=())
    message_type: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"] = msgspec.field(name="messageType")
    events: tuple[LogEvent, ...] = msgspec.field(name="logEvents")
    #: `ACCOUNT_LEVEL_POLICY` where the account's subscription sent it, `LOG_GROUP_LEVEL_POLICY`, or "".
    policy_level: str = msgspec.field(name="policyLevel", default="")

    @property
    def is_control(self) -> bool:
        """Whether CloudWatch only checks that the destination can be reached."""
        return self.message_type == "CONTROL_MESSAGE"


class FileBatch(LogBatch, frozen=True, gc=False, kw_only=True):
    """Lines of a file. line_ids: the event ID of each, made of its place in the file; see inputs.files. file:
    tells it from others in the same log stream."""

    line_ids: tuple[str, ...]
    file: str = ""


class _Loose(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription document whose events are looked at one by one."""

    owner: str
    log_group: str = msgspec.field(name="logGroup")
    log_stream: str = msgspec.field(name="logStream")
    filters: tuple[str, ...] = msgspec.field(name="subscriptionFilters", default=())
    message_type: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"] = msgspec.field(name="messageType")
    events: tuple[msgspec.Raw, ...] = msgspec.field(name="logEvents")
    policy_level: str = msgspec.field(name="policyLevel", default="")


_decoder = msgspec.json.Decoder(LogBatch)
_loose_decoder = msgspec.json.Decoder(_Loose)
_event_decoder = msgspec.json.Decoder(LogEvent)


def decode(event: object, *, limit: int = INFLATED_MAX_BYTES) -> LogBatch:
    """Return the batch in a subscription event.

    event: {"awslogs": {"data": base64(gzip(json))}}; limit: bytes it may inflate to.
    Raises MalformedEnvelope.
    """
    return decode_document(payload(event, limit=limit))


def decode_document(document: bytes) -> LogBatch:
    """Return the batch in a subscription document: the JSON inside the envelope.

    Raises MalformedEnvelope with `bad_json` or `bad_shape`.
    """
    try:
        return _decoder.decode(document)
    except msgspec.ValidationError as error:
        raise MalformedEnvelope("bad_shape", str(error)) from error
    except (ValueError, RecursionError) as error:
        raise MalformedEnvelope("bad_json", str(error)) from error


def decode_events(document: bytes) -> Iterator[LogBatch | MalformedEnvelope]:
    """Yield the batch in a subscription document, and an error for each of its events that is none.

    A time that no clock can have costs its own event only; what is no document is one error.
    """
    try:
        batch = decode_document(document)
    except MalformedEnvelope as error:
        yield from _event_by_event(document, error)
    else:
        yield batch


def _event_by_event(document: bytes, whole: MalformedEnvelope) -> Iterator[LogBatch | MalformedEnvelope]:
    """What of a document can be read. whole: why all of it cannot."""
    try:
        loose = _loose_decoder.decode(document)
    except (ValueError, RecursionError):
        yield whole
        return
    events: list[LogEvent] = []
    broken: list[MalformedEnvelope] = []
    for raw in loose.events:
        try:
            events.append(_event_decoder.decode(raw))
        except (ValueError, RecursionError) as error:
            broken.append(MalformedEnvelope("bad_shape", str(error)))
    named = {name: getattr(loose, name) for name in loose.__struct_fields__ if name != "events"}
    yield LogBatch(**named, events=tuple(events))
    yield from broken


def payload(event: object, *, limit: int = INFLATED_MAX_BYTES) -> bytes:
    """Return the subscription document in an event. See `decode`. Raises MalformedEnvelope."""
    return gunzip(_data(event), limit)


def _data(event: object) -> bytes:
    awslogs = event.get("awslogs") if isinstance(event, dict) else None
    data = awslogs.get("data") if isinstance(awslogs, dict) else None
    if not isinstance(data, str):
        raise MalformedEnvelope("not_awslogs", "the event has no awslogs.data string")
    return base64_bytes(data)


def base64_bytes(data: object) -> bytes:
    """Return the bytes of a base64 text. Raises MalformedEnvelope with `bad_base64`."""
    if not isinstance(data, str):
        raise MalformedEnvelope("bad_base64", "the data is no text")
    try:
        return base64.b64decode(data, validate=True)
    except ValueError as error:
        raise MalformedEnvelope("bad_base64", str(error)) from error


def gunzip(data: bytes, limit: int = INFLATED_MAX_BYTES) -> bytes:
    """Inflate one or more gzip members to at most `limit` bytes.

    Raises MalformedEnvelope with `bad_gzip` or `too_large`.
    """
    parts: list[bytes] = []
    size = 0
    for _ in range(_MEMBERS_MAX):
        part, data = _member(data, limit - size)
        parts.append(part)
        size += len(part)
        if not data.startswith(GZIP_MAGIC):
            return b"".join(parts)
    raise MalformedEnvelope("bad_gzip", f"more than {_MEMBERS_MAX} gzip members")


def _member(data: bytes, room: int) -> tuple[bytes, bytes]:
    """(the first member inflated, the bytes after it). room: for so many bytes; below 0 there is none."""
    if room < 0:  # zlib takes 0 for "without limit", and refuses what is below with an error of its own
        raise MalformedEnvelope("too_large", "there is no room left to inflate it to")
    inflate = _deflate.decompressobj(wbits=_GZIP_WINDOW_BITS)
    try:
        # One byte more than fits tells a full payload from one that is too large.
        out = inflate.decompress(data, room + 1)
    except _deflate.error as error:
        raise MalformedEnvelope("bad_gzip", str(error)) from error
    _clear_registers()
    if len(out) > room:
        raise MalformedEnvelope("too_large", f"inflates beyond the {room} bytes that are left")
    if not inflate.eof:
        raise MalformedEnvelope("bad_gzip", "the gzip stream is truncated")
    return out, inflate.unused_data


def gzipped(data: bytes) -> bytes:
    """Return data as gzip, quickly compressed: the same bytes give the same bytes."""
    out = bytes(_deflate.compress(data, level=1, wbits=_GZIP_WINDOW_BITS))
    _clear_registers()
    return out


def _clear_registers() -> None:
    """Let the code that comes now run at its full speed.

    ISA-L returns without VZEROUPPER; on x86 all SSE code then waits for the upper halves of its registers,
    and a BLAKE2b takes twice as long, until something clears them, as OpenSSL's SHA-512 does. See "Mixing AVX
    code with SSE code" in Intel's optimization manual.
    """
    sha512(b"").digest()


def encode(batch: LogBatch) -> dict[str, Any]:
    """Return the subscription event that CloudWatch would send: `decode(encode(b)) == b`."""
    data = gzip.compress(msgspec.json.encode(batch), mtime=0)
    return {"awslogs": {"data": base64.b64encode(data).decode()}}
