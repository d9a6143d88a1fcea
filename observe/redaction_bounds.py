"""Values cut to a size before they are redacted and turned into text: what is left out costs nothing.

A string that is cut is redacted here: it is looked at `BEYOND` characters further than it is written, so
that a secret which the cut falls into is seen whole; and what may be the beginning of one goes with the end.
"""

from __future__ import annotations

import json
from itertools import islice

from observe import guard
from observe.redaction import CONTAINERS, MARK, PAIRS, Redacted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.redaction import Redaction

#: Longer than most tokens; a password ends where its text does.
BEYOND = 2048
#: A text that is cut to less than this is looked at less far, too.
_SHORT, _BEYOND_SHORT = 4096, 512
#: Deeper than this nothing is measured: it is not written (redaction.DEPTH_MAX).
_DEPTH_MAX = 40
#: Of what exceptions and objects hold in one another as much is told.
_NESTED_MAX = 8
#: What is left of fields that are too large for a line, and of each string, list and object in them.
_ROOM, _STRING_MAX, _SHARE_MIN, _ITEMS_MAX = 24 * 1024, 16 * 1024, 256, 512
_INT_MAX = 1 << 64
_SCALARS = frozenset((float, bool, type(None)))
_TEXTS = (str, bytes, bytearray)
_BYTES = (bytes, bytearray)
_CONTAINERS = frozenset((dict, list, tuple))
#: Modules whose values have short texts.
_SMALL = frozenset(("datetime", "decimal", "fractions", "uuid", "ipaddress"))
#: Modules whose containers write all that they hold.
_LISTING = frozenset(("array", "builtins", "collections", "types"))


def left(value: Any, room: int, depth: int = 0) -> int:
    """Return how much of `room` a value leaves, in characters, about; less than 0 if it is too large.

    It looks at no more than there is room for.
    """
    kind = type(value)
    if kind in _CONTAINERS:
        return _left_of_parts(value, room - 2, depth)
    if isinstance(value, _TEXTS):
        return room - len(value) - 2
    if kind in _SCALARS or isinstance(value, float):
        return room - 8
    if isinstance(value, int):
        return room - 8 - (value.bit_length() // 3 if value > _INT_MAX or value < -_INT_MAX else 0)
    if isinstance(value, CONTAINERS):
        return _left_of_parts(value, room - 2, depth)
    if kind.__module__ in _SMALL:
        return room - 40
    if depth >= _DEPTH_MAX:
        return room
    most = max(room, 1)
    return -1 if _part(value, most, depth + 1) is not None else room - len(guard.said(value))


def _left_of_parts(value: Any, room: int, depth: int) -> int:
    if depth >= _DEPTH_MAX:
        return room
    if 2 * len(value) > room:
        return -1
    for part in [*dict.keys(value), *dict.values(value)] if isinstance(value, dict) else list(value):
        kind = type(part)
        if kind is str:
            room -= len(part) + 2
        elif kind in _SCALARS:
            room -= 8
        else:
            room = left(part, room, depth + 1)
        if room < 0:
            break
    return room


def tree(value: dict[Any, Any], redaction: Redaction, most: int) -> tuple[Any, int]:
    """Return a value without secrets; and its size in characters, at least, if it was larger than `most`."""
    try:
        if left(value, most) >= 0:
            return redaction.tree(value), 0
    except RecursionError:  # the caller's own stack was nearly full
        return {"fields": MARK}, 0
    clean, left_out = _fields(value, redaction)
    return redaction.tree(clean), most + left_out


def _fields(value: dict[Any, Any], redaction: Redaction) -> tuple[dict[str, Any], int]:
    """Return the copy of fields, each cut to its share of the room, and how much was left out."""
    copied: dict[str, Any] = {}
    members = _head(dict.items(value), _ITEMS_MAX)
    room, left_out = _ROOM, len(value) - len(members)
    for at, (name, held) in enumerate(members):
        share = max(_SHARE_MIN, room // (len(members) - at))
        copy = Cut(min(_STRING_MAX, share), _ITEMS_MAX, share, redaction)
        copied[copy.string(name)] = copy.of(held)
        left_out += copy.left_out
        room -= share - copy.room
    _with_labels(value, copied, lambda label: Cut(_SHARE_MIN, 1, _SHARE_MIN, redaction).string(label))
    return copied, left_out


def _with_labels(value: dict[Any, Any], copied: dict[str, Any], text: Callable[[str], str]) -> None:
    """What says that a secret is held must not be left out alone."""
    for label, holder in PAIRS:
        if holder in copied and label not in copied and isinstance(named := dict.get(value, label), str):
            copied[label] = text(named)


def cut(values: tuple[Any, ...], redaction: Redaction) -> list[Any]:
    """Return the copies of a message's arguments, which are too large."""
    return Cut(_STRING_MAX, _ITEMS_MAX, _ROOM, redaction).items(values)


def text_of(value: Any, most: int, depth: int = 0) -> str:
    """Return the text of any value, hardly longer than `most` if its own text need not be made whole.

    Bytes and the standard library's containers are cut first, and so is what an exception was given.
    """
    if isinstance(value, str):
        return value
    part = _part(value, most, depth)
    return guard.said(value) if part is None else part


def _part(value: Any, most: int, depth: int) -> str | None:
    """Return the beginning of the text of a value that is large; None for one that does not look so."""
    if isinstance(value, _BYTES):
        return guard.said(bytes(value[:most])) if len(value) > most else None
    if isinstance(value, CONTAINERS):
        return guard.said(Cut(most, most, most).of(value, depth)) if left(value, most, depth) < 0 else None
    kind = type(value)
    if isinstance(value, BaseException):
        if kind.__str__ not in _PLAIN_TEXT or left(value.args, most, depth) >= 0:
            return None
        if depth >= _NESTED_MAX:
            return f"<{kind.__qualname__}>"
        copy = Cut(most, most, most).items(value.args, depth + 1)
        return guard.said(copy[0] if len(copy) == 1 else copy)
    if kind in (range, memoryview):
        return None
    if kind.__module__ in _LISTING and hasattr(kind, "__len__"):
        large = len(value) > max(1, most // 8)
        return f"{kind.__name__}({guard.said(_head(value, max(1, most // 8)))}, …)" if large else None
    if not hasattr(kind, "__dataclass_fields__") or depth >= _NESTED_MAX:
        return None
    members = _members(value)
    if left(members, most, depth) >= 0:
        return None
    return f"{kind.__qualname__}({guard.said(Cut(most, most, most).of(members, depth + 1))})"


def _members(value: object) -> dict[str, Any]:
    found = getattr(value, "__dict__", None)
    return found if isinstance(found, dict) else {}


_PLAIN_TEXT: tuple[object, ...] = (BaseException.__str__, KeyError.__str__, OSError.__str__)


def _head(values: Any, most: int) -> list[Any]:
    """The first of some values, taken at once: at a timeout the handler may be changing them."""
    try:
        return list(islice(values, most))
    except RuntimeError:  # it did so just now
        return []


def head(text: str, most: int, redaction: Redaction | None) -> str:
    """Return a text, or its beginning of at most `most` characters, without secrets, with … behind it."""
    if len(text) <= most:
        return text
    if redaction is None:
        return text[:most] + "…"
    beyond = BEYOND if most >= _SHORT else _BEYOND_SHORT
    looked = str.__getitem__(text, slice(most + beyond))
    if redaction.encoded(looked):
        return MARK
    clean = redaction.text(looked)
    if len(text) <= most + beyond:  # it has been looked at whole
        return Redacted(clean if len(clean) <= most else clean[:most] + "…")
    # What is left of a secret that was cut is within what was looked at further.
    return Redacted(clean[: max(0, min(most, len(clean) - beyond))] + "…")


def tail(text: str, most: int, redaction: Redaction) -> str:
    """Return a text, or its end of at most `most` characters without secrets, from the start of a line on."""
    if len(text) <= most:
        return text
    clean = redaction.text(text[-most - BEYOND :])
    at = max(len(clean) - most, BEYOND if len(text) > most + BEYOND else 0)
    return clean[clean.find("\n", at) + 1 or at :]


class Cut:
    """Copies a value as far as there is room: what it leaves out costs nothing.

    Each list or object keeps `items_max` at most, each string `string_max`, the whole about `room` bytes as
    JSON. redaction: for strings that are cut, None to leave them as they are. left_out: how much was, at
    least, in characters; a value that was not looked at counts as one. redacted: whether there was a secret
    in a string that was cut.
    """

    __slots__ = ("_items_max", "_redaction", "_string_max", "left_out", "redacted", "room")

    def __init__(
        self, string_max: int, items_max: int, room: int, redaction: Redaction | None = None
    ) -> None:
        self._string_max = string_max
        self._items_max = items_max
        self.room = room
        self._redaction = redaction
        self.left_out = 0
        self.redacted = False

    def of(self, value: object, depth: int = 0) -> Any:
        """Return the copy of a value; "…" for one that is too deep."""
        self.room -= 8
        if value is None or isinstance(value, bool | int | float):
            self.room -= value.bit_length() // 3 if isinstance(value, int) else 16
            return value
        if isinstance(value, CONTAINERS):
            if depth >= DEPTH_MAX:
                self.left_out += len(value) or 1
                return "…"
            return self._members(value, depth) if isinstance(value, dict) else self.items(value, depth)
        return self.string(value, depth)

    def _members(self, value: dict[Any, Any], depth: int) -> dict[str, Any]:
        copied: dict[str, Any] = {}
        found = self._head(dict.items(value), len(value))
        for at, (name, held) in enumerate(found):
            if self.room <= 0:
                self.left_out += len(found) - at
                break
            copied[self.string(name)] = self.of(held, depth + 1)
        if len(copied) < len(value):
            _with_labels(value, copied, self.string)
        return copied

    def items(self, values: Any, depth: int = 0) -> list[Any]:
        """Return the copy of a list's items."""
        copied: list[Any] = []
        found = self._head(values, len(values))
        for at, item in enumerate(found):
            if self.room <= 0:
                self.left_out += len(found) - at
                break
            copied.append(self.of(item, depth + 1))
        return copied

    def _head(self, values: Any, size: int) -> list[Any]:
        most = min(self._items_max, max(1, self.room // 8))
        self.left_out += max(0, size - most)
        return _head(values, most)

    def string(self, value: object, depth: int = 0) -> str:
        """Return the text of a value that holds no others, cut."""
        most = self._string_max
        size = len(value) if isinstance(value, _TEXTS) else 0
        text = text_of(value, most + BEYOND, depth + 1)
        if len(text) > most or size > most:
            self.left_out += max(size, len(text)) - most
            before, text = text, head(text, most, self._redaction)
            self.redacted = self.redacted or not before.startswith(text[:-1])
        self.room -= len(_encode(text).encode("utf-8", "replace"))
        return text


#: Levels of a value that is cut.
DEPTH_MAX = 16
_encode = json.JSONEncoder(ensure_ascii=False).encode
