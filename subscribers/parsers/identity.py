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

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from subscribers.envelope import LogEvent


def event_ids(account: str, group: str, stream: str, events: Iterable[LogEvent]) -> list[str]:
    """Return one ID an event, in order: 32 lower-case hex digits."""
    shared = blake2b(_field(account) + _field(group) + _field(stream), digest_size=16)
    first = _field("0")
    #: Milliseconds -> the digest as far as they; lines come in bursts.
    begun: dict[int, Any] = {}
    seen: dict[tuple[int, bytes], int] = {}
    ids: list[str] = []
    for event in events:
        at = event.timestamp_ms
        head = begun.get(at)
        if head is None:
            head = begun[at] = shared.copy()
            head.update(_field(str(at)))
        # The bytes, not the text: two texts that UTF-8 cannot hold may have the same ones.
        raw = event.message.encode("utf-8", "replace")
        line = (at, raw)
        n = seen.get(line, 0)
        seen[line] = n + 1
        one = head.copy()
        one.update(b"%b%b%b" % (len(raw).to_bytes(4, "big"), raw, _field(str(n)) if n else first))
        ids.append(one.hexdigest())
    return ids


def _field(text: str) -> bytes:
    raw = text.encode("utf-8", "replace")
    return len(raw).to_bytes(4, "big") + raw
