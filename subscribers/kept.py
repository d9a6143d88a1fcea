"""The document of what a sink did not take: gzip of JSON lines, a header and then a line an item. Pure.

    {"version": 1, "sink": "logs", "channel": "bulk", "kind": "dead_letter", "at": "2026-11-21T03:30:10.123Z",
     "attempts": 1, "items": 2, "reasons": {"bad_request": 2}}
    {"event_id": "5f...", "reason": "bad_request", "status": 400, "detail": "...", "lines": [{...}, {...}]}

`lines` are those of the item's body, byte for byte as JSON, joined by newlines; `group` and `whole` are JSON,
too. What is no JSON in one line is `body_base64`, `group_base64`, `whole_base64` instead, so that nothing is
changed. Unknown keys are ignored; a version above ours is refused.

    KeptError           a document cannot be read; `reason` says why:
        bad_gzip, too_large     as in envelope
        bad_header              the first line is no header
        newer_version           a newer version of this tool wrote it
        bad_item                a line is no item, or there are not as many as the header says

They are named dead_letters/<sink>/<channel>/<date>/<reason>/<digest>-<items>.ndjson.gz, or retries/...: the
same leftovers are one object, and a listing tells what is there without opening anything.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Literal, NamedTuple
from urllib.parse import quote, unquote

import msgspec

from subscribers.envelope import MalformedEnvelope, gunzip, gzipped
from subscribers.sinks.channel import Item, Leftover, Refusal

Kind = Literal["retry", "dead_letter"]

VERSION = 1
#: One document holds at most so much: it is delivered, and written back, as one.
ITEMS_MAX = 5_000
BYTES_MAX = 16 * 1024 * 1024
#: Largest document that is inflated; one item alone may be larger than BYTES_MAX.
INFLATED_MAX_BYTES = 256 * 1024 * 1024

FOLDERS: dict[Kind, str] = {"retry": "retries", "dead_letter": "dead_letters"}
_KINDS = {folder: kind for kind, folder in FOLDERS.items()}
_NAME = re.compile(r"(?P<id>[0-9a-f]{32})-(?P<items>[0-9]{1,9})\.ndjson\.gz")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
#: Deepest JSON that is written as it is: every Python reads it, on whatever stack.
_DEPTH_MAX = 400
_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|([\[{])|([\]}])')


class KeptError(ValueError):
    """A document cannot be read."""

    def __init__(self, reason: str, said: str) -> None:
        super().__init__(f"{reason}: {said}")
        self.reason = reason


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """One document. at_unix_nano: when its items were kept first; attempts: deliveries so far."""

    sink: str
    channel: str
    kind: Kind
    at_unix_nano: int
    leftovers: tuple[Leftover, ...]
    attempts: int = 1


class Named(NamedTuple):
    """What the name of a document tells. reason: that of all its items."""

    kind: Kind
    sink: str
    channel: str
    date: str
    reason: str
    items: int


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """A message of a retry queue: where the document is. attempts: deliveries so far."""

    observe_retry: Literal[1] = 1
    sink: str
    channel: str
    bucket: str
    #: Whole, with its prefix.
    key: str
    items: int
    attempts: int


class _Header(msgspec.Struct, kw_only=True):
    version: int
    sink: str
    channel: str
    kind: Kind
    at: str
    items: int
    attempts: int = 1
    reasons: dict[str, int] = {}


class _Version(msgspec.Struct):
    version: int


class _Line(msgspec.Struct, kw_only=True, omit_defaults=True):
    event_id: str
    reason: str
    status: int = 0
    detail: str = ""
    more: tuple[str, ...] = ()
    lines: tuple[msgspec.Raw, ...] = ()
    body_base64: str = ""
    group: msgspec.Raw = msgspec.Raw()
    group_base64: str = ""
    whole: msgspec.Raw = msgspec.Raw()
    whole_base64: str = ""


_version_decoder = msgspec.json.Decoder(_Version)
_header_decoder = msgspec.json.Decoder(_Header)
_line_decoder = msgspec.json.Decoder(_Line)
_any_decoder = msgspec.json.Decoder()


def encode(kept: Kept) -> bytes:
    """Return the document: `decode(encode(kept)) == kept`, whatever bytes the items hold.

    Only text that is no Unicode (half of a surrogate pair) is changed, to question marks.
    """
    return written(kept)[1]


def written(kept: Kept) -> tuple[str, bytes]:
    """Return (the name of a document, the document): the same name for the same leftovers of a day."""
    lines = [_line(leftover) for leftover in kept.leftovers]
    return _key(kept, lines), gzipped(b"\n".join([_header(kept), *lines, b""]))


def decode(document: bytes) -> Kept:
    """Return what a document holds. Raises KeptError."""
    try:
        first, *lines = gunzip(document, INFLATED_MAX_BYTES).split(b"\n")
    except MalformedEnvelope as error:
        raise KeptError(error.reason, str(error).removeprefix(f"{error.reason}: ")) from error
    header, at_unix_nano = _read_header(first)
    leftovers = tuple(_leftover(number, line) for number, line in enumerate(lines, 2) if line)
    if len(leftovers) != header.items:
        raise KeptError("bad_item", f"the header says {header.items} items, {len(leftovers)} are there")
    return Kept(
        sink=header.sink,
        channel=header.channel,
        kind=header.kind,
        at_unix_nano=at_unix_nano,
        leftovers=leftovers,
        attempts=header.attempts,
    )


def documents(
    sink: str,
    channel: str,
    leftovers: Iterable[Leftover],
    *,
    kind: Kind,
    at_unix_nano: int,
    attempts: int = 1,
) -> Iterator[Kept]:
    """Yield the documents for leftovers: one a reason, and more where they are many; every item is in one."""
    by_reason: dict[str, list[Leftover]] = {}
    for leftover in leftovers:
        by_reason.setdefault(leftover.refusal.reason, []).append(leftover)
    for some in by_reason.values():
        for part in _parts(some):
            yield Kept(
                sink=sink,
                channel=channel,
                kind=kind,
                at_unix_nano=at_unix_nano,
                leftovers=tuple(part),
                attempts=attempts,
            )


def named(key: str) -> Named | None:
    """Return what a name tells; None where it is not that of a document."""
    parts = key.split("/")
    if len(parts) != 6 or parts[0] not in _KINDS or not _DATE.fullmatch(parts[3]):
        return None
    name = _NAME.fullmatch(parts[5])
    if name is None:
        return None
    return Named(
        _KINDS[parts[0]], unquote(parts[1]), unquote(parts[2]), parts[3], parts[4], int(name["items"])
    )


def folder_of(kind: Kind, sink: str = "", channel: str = "") -> str:
    """Return where the documents of a kind, of a sink, of a channel are; it ends in a slash."""
    parts = [FOLDERS[kind]]
    if sink:
        parts.append(_quoted(sink))
        if channel:
            parts.append(_quoted(channel))
    return "/".join(parts) + "/"


def _key(kept: Kept, lines: Iterable[bytes]) -> str:
    digest = blake2b(digest_size=16)
    for part in (_text(kept.sink).encode(), _text(kept.channel).encode(), *lines):
        digest.update(part)
        digest.update(b"\n")
    date = datetime.fromtimestamp(kept.at_unix_nano // 1_000_000_000, UTC).strftime("%Y-%m-%d")
    reason = kept.leftovers[0].refusal.reason if kept.leftovers else ""
    name = f"{digest.hexdigest()}-{len(kept.leftovers)}.ndjson.gz"
    return f"{folder_of(kept.kind, kept.sink, kept.channel)}{date}/{word(reason)}/{name}"


def _parts(leftovers: Sequence[Leftover]) -> Iterator[list[Leftover]]:
    part: list[Leftover] = []
    size = 0
    for leftover in leftovers:
        item = leftover.item
        length = len(item.body) + len(item.group) + len(item.whole)
        if part and (len(part) >= ITEMS_MAX or size + length > BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(leftover)
        size += length
    if part:
        yield part


def _header(kept: Kept) -> bytes:
    reasons = Counter(_text(leftover.refusal.reason) for leftover in kept.leftovers)
    header = _Header(
        version=VERSION,
        sink=_text(kept.sink),
        channel=_text(kept.channel),
        kind=kept.kind,
        at=_instant(kept.at_unix_nano),
        attempts=kept.attempts,
        items=len(kept.leftovers),
        reasons=dict(reasons),
    )
    return msgspec.json.encode(header)


def _read_header(line: bytes) -> tuple[_Header, int]:
    try:
        version = _version_decoder.decode(line).version
        header = _header_decoder.decode(line) if version <= VERSION else None
        at_unix_nano = _unix_nano(header.at) if header else 0
    except (msgspec.MsgspecError, ValueError, OverflowError) as error:
        raise KeptError("bad_header", str(error)) from error
    if header is None:
        raise KeptError("newer_version", f"its format is {version}; this version reads {VERSION}")
    return header, at_unix_nano


def _line(leftover: Leftover) -> bytes:
    item, refusal = leftover.item, leftover.refusal
    line = _Line(
        event_id=_text(item.event_id),
        reason=_text(refusal.reason),
        status=refusal.status,
        detail=_text(refusal.detail),
        more=tuple(map(_text, item.more)),
    )
    lines = item.body.split(b"\n")
    if all(map(_is_json, lines)):
        line.lines = tuple(map(msgspec.Raw, lines))
    else:
        line.body_base64 = _base64(item.body)
    for name, data in (("group", item.group), ("whole", item.whole)):
        if _is_json(data):
            setattr(line, name, msgspec.Raw(data))
        else:
            setattr(line, f"{name}_base64", _base64(data))
    return msgspec.json.encode(line)


def _leftover(number: int, text: bytes) -> Leftover:
    try:
        line = _line_decoder.decode(text)
        item = Item(
            event_id=line.event_id,
            body=b"\n".join(map(bytes, line.lines)) or _bytes(line.body_base64),
            group=bytes(line.group) or _bytes(line.group_base64),
            more=line.more,
            whole=bytes(line.whole) or _bytes(line.whole_base64),
        )
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, RecursionError) as error:
        raise KeptError("bad_item", f"line {number}: {error}") from error
    return Leftover(item, Refusal(line.reason, line.status, line.detail))


def _is_json(data: bytes) -> bool:
    """Whether data is one JSON value that stays as it is, byte for byte, within a line of other JSON."""
    if not data or b"\n" in data or data[:1].isspace() or data[-1:].isspace():
        return False
    try:
        _any_decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return data.count(b"[") + data.count(b"{") <= _DEPTH_MAX or _depth(data) <= _DEPTH_MAX


def _depth(data: bytes) -> int:
    """How deep valid JSON is nested."""
    deepest = depth = 0
    for token in _BRACKETS.finditer(data):
        if token[1]:
            depth += 1
            deepest = max(deepest, depth)
        elif token[2]:
            depth -= 1
    return deepest


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


def _instant(unix_nano: int) -> str:
    """RFC 3339 with nanoseconds, so that the document holds the time that it was given."""
    seconds, nanoseconds = divmod(unix_nano, 1_000_000_000)
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{nanoseconds:09d}Z"


def _unix_nano(instant: str) -> int:
    whole, _, fraction = instant.removesuffix("Z").partition(".")
    seconds = int(datetime.fromisoformat(whole + "+00:00").timestamp())
    return seconds * 1_000_000_000 + int(fraction.ljust(9, "0")[:9] or 0)


def _quoted(name: str) -> str:
    """A name as one part of a key; a lone dot or two would be a folder of its own."""
    safe = quote(name.encode("utf-8", "replace"), safe="")
    return safe.replace(".", "%2E") if safe.strip(".") == "" else safe


def word(reason: str) -> str:
    """Return a reason as one part of a key."""
    return re.sub(r"[^a-z0-9_]+", "_", reason.lower()).strip("_")[:64] or "unknown"
