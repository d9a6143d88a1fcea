"""Event IDs: the same line has the same ID however it reaches us.

Byte layout, so that other languages agree: BLAKE2b with a digest of 16 bytes, no key, over six fields
in this order: account, log group, log stream, milliseconds since the epoch, message, n. Each field is
its length in bytes as 4 bytes big-endian, then its bytes: UTF-8 text (what UTF-8 cannot hold as `?`),
numbers in ASCII decimal digits. n counts from 0 the earlier events of the same payload that have the
same milliseconds and message. The ID is the digest in 32 lower-case hex digits.

The log made from an event has the bare ID; what is derived from it appends its index: `<id>:0`.

https://www.rfc-editor.org/rfc/rfc7693
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from hashlib import blake2b
from typing import Any

from subscribers.envelope import LogEvent

#: The lengths of most lines as bytes, so that they need not be made each time.
_LENGTHS = [size.to_bytes(4, "big") for size in range(2048)]


def event_ids(account: str, group: str, stream: str, events: Sequence[LogEvent]) -> list[str]:
    """Return one ID an event, in order: 32 lower-case hex digits."""
    begun = blake2b(_field(account) + _field(group) + _field(stream), digest_size=16).copy
    lengths, known, first = _LENGTHS, len(_LENGTHS), _field("0")
    at, when = -1, b""
    ids: list[str] = []
    for event in events:
        if event.timestamp_ms != at:  # lines come in bursts
            at = event.timestamp_ms
            when = _field(str(at))
        # The bytes, not the text: two texts that UTF-8 cannot hold may have the same ones.
        raw = event.message.encode("utf-8", "replace")
        size = len(raw)
        length = lengths[size] if size < known else size.to_bytes(4, "big")
        one = begun()
        one.update(b"%b%b%b%b" % (when, length, raw, first))
        ids.append(one.hexdigest())
    return ids if len(set(ids)) == len(ids) else _numbered(begun, events, ids)


def _numbered(begun: Callable[[], Any], events: Sequence[LogEvent], ids: list[str]) -> list[str]:
    """The IDs where some lines are identical: those after the first have their number in it."""
    seen: Counter[str] = Counter()
    for at, event in enumerate(events):
        alike = ids[at]
        if n := seen[alike]:
            one = begun()
            one.update(_field(str(event.timestamp_ms)) + _field(event.message) + _field(str(n)))
            ids[at] = one.hexdigest()
        seen[alike] += 1
    return ids


def _field(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return len(raw).to_bytes(4, "big") + raw
