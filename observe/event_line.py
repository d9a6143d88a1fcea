"""The event of an invocation that failed, as one log line: once, bounded, and marked if it is complete.

What Lambda delivered is the text that its runtime client keeps while the handler runs; it is looked for when
an invocation fails, so that one that succeeds pays nothing. A complete event is that text, whole and
unchanged: it can be sent again. Anything else is for reading: what had secrets, what is too large, and, where
that text is not to be had, the object that the handler got and may have changed.

docs/spec/lines.md, "The event of a failed invocation"
"""

from __future__ import annotations

import json
import sys
import threading
from itertools import islice

from observe import guard, outcome, redaction, semconv, wire
from observe.identity import fields

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

    from observe.invocation import Invocation
    from observe.settings import Settings

EVENT = "observe.invocation_event"
#: The event's text in a line, in bytes. JSON in JSON may double it, and the line is still under its limit.
TEXT_MAX_BYTES = 64 * 1024
#: In an event that is too large, how long a string, a list or an object may stay: tried in this order.
_CUTS = ((8_192, 128), (1_024, 32), (128, 8))
_DEPTH_MAX = 16
#: A string is looked at this much further than it is written: a secret that is cut in two is none to see.
_BEYOND = 512
#: How far a copy may be longer than there is room for: the last name and the last string.
_OVER = 8 * 1024
#: How an event of a batch is failed by its reply: the failed records come again by themselves.
_PARTIAL = "batch_item_failures"

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def lines(invocation: Invocation, settings: Settings, error_kind: str) -> list[bytes]:
    """Return the line of the event of `invocation`, or nothing where it is off, was told or is not worth it.

    error_kind: `error.type` of the invocation's span: an exception's type, `timeout`, an HTTP status. To be
    called on the thread of the handler inside it, or on any other while it runs.
    """
    if settings.event_on_error == "off" or invocation.event_told or error_kind == _PARTIAL:
        return []
    invocation.event_told = True
    told = _told(_delivered(invocation.thread), invocation.event, settings.event_on_error)
    line = {
        **fields("ERROR", "the event of the failed invocation"),
        "event": EVENT,
        semconv.ERROR_TYPE: error_kind,
        "invocation_event": told,
    }
    return [wire.log_line(line)]


def _delivered(thread: int) -> bytes | None:
    """What Lambda delivered to the handler that runs on `thread`; None where no runtime client tells.

    awslambdaric keeps it in a variable of the function that calls the handler. A handler inside another that
    is observed, too, did not get its event from Lambda.
    https://github.com/aws/aws-lambda-python-runtime-interface-client/blob/main/awslambdaric/bootstrap.py
    """
    own = thread == threading.get_ident()
    frame: FrameType | None = sys._getframe() if own else sys._current_frames().get(thread)
    handlers = 0
    while frame is not None:
        code = frame.f_code
        if code.co_filename == outcome.OWN_FRAME:
            handlers += 1
        elif code.co_name == "handle_event_request" and "event_body" in code.co_varnames:
            break
        frame = frame.f_back
    if frame is None or handlers > 1:
        return None
    found = frame.f_locals
    if found.get("content_type", _JSON) != _JSON:
        return None
    body = found.get("event_body")
    if isinstance(body, str):
        return body.encode("utf-8", "replace")
    return body if isinstance(body, bytes) else None


#: What the runtime client takes for JSON; it hands over anything else as it is.
_JSON = "application/json"


def _told(raw: bytes | None, event: object, mode: str) -> dict[str, Any]:
    """Return what the line tells of the event. raw: what was delivered, where it is known."""
    size = {} if raw is None else {"bytes": len(raw)}
    text, complete, redacted, truncated = "", False, False, False
    if raw is not None and len(raw) <= TEXT_MAX_BYTES:
        text, complete, redacted = _from_text(raw, mode)
    if not text:
        text, redacted, truncated = _from_object(event, mode, known_large=raw is not None)
    marks = {"complete": complete, "redacted": redacted, "truncated": truncated}
    return {"mode": mode, **size, **marks, "json": text}


def _from_text(raw: bytes, mode: str) -> tuple[str, bool, bool]:
    """(text of what was delivered, "" if too large; whether it is complete; whether it had secrets)."""
    text = raw.decode("utf-8", "replace")
    if mode == "full":
        return text, text.encode() == raw, False
    twice = False

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal twice
        found = dict(pairs)
        twice = twice or len(found) != len(pairs)
        return found

    try:
        tree = json.loads(text, object_pairs_hook=once)
    except (ValueError, RecursionError):
        twice = True  # the runtime client has read it: as a text it is safe to look at, too
        tree = None
    if mode == "keys":
        return _text(_Keys().of(tree), 0), False, False
    clean = redaction.get().tree(tree)
    told = text if clean is tree else _text(clean, 0)
    if twice:  # of members of one name the tree has the last only
        told = redaction.get().text(text)
    redacted = clean is not tree or told != text
    fits = len(told.encode("utf-8", "replace")) <= TEXT_MAX_BYTES
    return told if fits else "", not redacted and text.encode() == raw, redacted


# --- Of the object that the handler got -----------------------------------------------------


def _from_object(event: object, mode: str, *, known_large: bool) -> tuple[str, bool, bool]:
    """(JSON text of at most TEXT_MAX_BYTES, whether secrets were taken out, whether it was cut)."""
    if mode == "keys":
        return _text(_Keys().of(event), 0), False, False
    for string_max, items_max in _CUTS if known_large else ((0, 0), *_CUTS):
        copy = _Cut(string_max + _BEYOND if string_max else TEXT_MAX_BYTES, items_max or TEXT_MAX_BYTES)
        tree = copy.of(event)
        if copy.cut and not string_max:
            continue
        clean = redaction.get().tree(tree) if mode == "redacted" else tree
        text = _text(clean, string_max)
        if len(text) <= TEXT_MAX_BYTES and len(text.encode()) <= TEXT_MAX_BYTES:
            return text, clean is not tree, copy.cut
    # Marks may be longer than what they replace: the text of a text, so that it is still JSON.
    beginning = text.encode()[: TEXT_MAX_BYTES // 2 - 8].decode("utf-8", "ignore")
    return _encode(beginning), clean is not tree, True


def _text(tree: object, string_max: int) -> str:
    return _encode(wire.plain(tree, string_max))


class _Cut:
    """Copies a value as far as there is room: what it leaves out costs nothing.

    Each list or object keeps `items_max` at most, each string `string_max`, the whole about TEXT_MAX_BYTES.
    cut: whether anything was left out.
    """

    __slots__ = ("_items_max", "_room", "_string_max", "cut")

    def __init__(self, string_max: int, items_max: int) -> None:
        self._string_max = string_max
        self._items_max = items_max
        self._room = TEXT_MAX_BYTES - _OVER
        self.cut = False

    def of(self, value: object, depth: int = 0) -> object:
        """Return the copy of a value; "…" for one that is too deep."""
        self._room -= 8
        if value is None or isinstance(value, bool | int | float):
            self._room -= value.bit_length() // 3 if isinstance(value, int) else 16
            return value
        if isinstance(value, dict | list | tuple | set | frozenset):
            if depth >= _DEPTH_MAX:
                self.cut = True
                return "…"
            return self._members(value, depth) if isinstance(value, dict) else self._items(value, depth)
        if isinstance(value, bytes | bytearray):
            value = bytes(value[: self._string_max])
        return self._string(value)

    def _members(self, value: dict[Any, Any], depth: int) -> dict[str, object]:
        copied: dict[str, object] = {}
        for name, held in self._head(dict.items(value), len(value)):
            if self._room <= 0:
                self.cut = True
                break
            copied[self._string(name)] = self.of(held, depth + 1)
        return copied

    def _items(self, values: Any, depth: int) -> list[object]:
        copied: list[object] = []
        for item in self._head(values, len(values)):
            if self._room <= 0:
                self.cut = True
                break
            copied.append(self.of(item, depth + 1))
        return copied

    def _head(self, values: Any, size: int) -> list[Any]:
        """The first items; taken at once, for at a timeout the handler may be changing them."""
        most = min(self._items_max, max(1, self._room // 8))
        self.cut = self.cut or size > most
        return list(islice(values, most))

    def _string(self, value: object) -> str:
        text = value if isinstance(value, str) else guard.said(value)
        if len(text) > self._string_max:
            self.cut = True
            text = str.__getitem__(text, slice(self._string_max))
        self._room -= len(_encode(text).encode("utf-8", "replace"))
        return text


class _Keys:
    """The structure of an event: names, types and sizes, and no value."""

    __slots__ = ("_room",)

    #: Names an object, and items a list, of which the structure is told.
    NAMES_MAX = 64
    ITEMS_MAX = 2

    def __init__(self) -> None:
        self._room = TEXT_MAX_BYTES // 2

    def of(self, value: object, depth: int = 0) -> object:
        """Return `string(12)`, `number`, `boolean`, `null`; an object's members; a list's first items."""
        self._room -= 16
        if value is None or isinstance(value, bool):
            return "null" if value is None else "boolean"
        if isinstance(value, int | float):
            return "number"
        if isinstance(value, str):
            return f"string({len(value)})"
        if not isinstance(value, dict | list):
            return type(value).__name__
        size = len(value)
        told = f"object({size})" if isinstance(value, dict) else f"array({size})"
        if not size or self._room <= 0 or depth >= _DEPTH_MAX:
            return told
        if isinstance(value, dict):
            return self._members(value, size, depth)
        items = [self.of(item, depth + 1) for item in list(islice(value, self.ITEMS_MAX))]
        return [told, *items]

    def _members(self, value: dict[Any, Any], size: int, depth: int) -> dict[str, object]:
        found = redaction.get()
        structure: dict[str, object] = {}
        for name, held in list(islice(dict.items(value), self.NAMES_MAX)):
            # A name may be a card's number as well: {"4111111111111111": {...}}.
            named = found.text(guard.said(name)[:256])
            self._room -= len(named)
            structure[named] = self.of(held, depth + 1)
            if self._room <= 0:
                break
        if size > len(structure):
            structure["…"] = f"{size - len(structure)} more"
        return structure
