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

from observe import guard, ids, outcome, redaction, semconv, wire
from observe.identity import fields
from observe.redaction_bounds import DEPTH_MAX, Cut
from observe.settings import LEVELS, OWN_LEVEL

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
    head = fields("ERROR", "the event of the failed invocation")
    if settings.key_secret:
        told["mac"] = ids.event_mac(str(head.get("requestId", "")), told["json"], settings.key_secret)
    if settings.json_mode and LEVELS[settings.level] > LEVELS["ERROR"]:  # else Lambda would drop it
        head["level"], head[OWN_LEVEL] = settings.level, "ERROR"
    line = {
        **head,
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
        return _text(_Keys().of(tree)), False, False
    clean = redaction.get().tree(tree)
    told = text if clean is tree else _text(clean)
    if twice:  # of members of one name the tree has the last only
        told = redaction.get().text(text)
    redacted = clean is not tree or told != text
    fits = len(told.encode("utf-8", "replace")) <= TEXT_MAX_BYTES
    return told if fits else "", not redacted and text.encode() == raw, redacted


# --- Of the object that the handler got -----------------------------------------------------


def _from_object(event: object, mode: str, *, known_large: bool) -> tuple[str, bool, bool]:
    """(JSON text of at most TEXT_MAX_BYTES, whether secrets were taken out, whether it was cut)."""
    if mode == "keys":
        return _text(_Keys().of(event)), False, False
    found = redaction.get() if mode == "redacted" else None
    for string_max, items_max in _CUTS if known_large else ((TEXT_MAX_BYTES, TEXT_MAX_BYTES), *_CUTS):
        copy = Cut(string_max, items_max, TEXT_MAX_BYTES - _OVER, found)
        tree = copy.of(event)
        if copy.left_out and string_max == TEXT_MAX_BYTES:
            continue
        clean = tree if found is None else found.tree(tree)
        text = _text(clean)
        if len(text) <= TEXT_MAX_BYTES and len(text.encode()) <= TEXT_MAX_BYTES:
            return text, clean is not tree or copy.redacted, copy.left_out > 0
    # Marks may be longer than what they replace: the text of a text, so that it is still JSON.
    beginning = text.encode()[: TEXT_MAX_BYTES // 2 - 8].decode("utf-8", "ignore")
    return _encode(beginning), clean is not tree or copy.redacted, True


def _text(tree: object) -> str:
    return _encode(wire.plain(tree))


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
        if not size or self._room <= 0 or depth >= DEPTH_MAX:
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
