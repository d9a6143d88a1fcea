"""Secrets out of what is written: by the name of what holds them, and by what they look like.

`tree` copies a JSON value, `text` reads a string. What stands behind the name of a secret goes, also inside
JSON, query strings, headers, XML and assignments that are text (observe.secret_text); cards, tokens, keys,
passwords in addresses and IBANs go wherever they are. What tells one request from another (IDs, timestamps)
is left alone. Everything is linear in the size of its input.

Which names, and what is not redacted: docs/redaction.md
"""

from __future__ import annotations

import operator

from observe import guard, settings
from observe.secret_names import (
    ASKED,
    NONE,
    OPEN,
    PLAIN,
    SEPARATORS,
    STRONG,
    is_signed,
    is_told,
    kind_of,
    plain_name,
)
from observe.secret_signs import may_have_name, may_have_number, may_have_token

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable
    from typing import Any

    from observe.settings import Settings

#: What stands in the place of a secret.
MARK = "[REDACTED]"
#: Deeper than this a tree is replaced as a whole: what is written is never as deep (wire.plain).
DEPTH_MAX = 40
#: Names that are remembered, and their length: a stranger may send a million of them.
_REMEMBERED = 4096
_REMEMBERED_LENGTH = 256
#: So short are the texts that are remembered: nearly all that come again are.
_CLEAN_LENGTH = 128
#: No card has fewer digits.
CARD_MIN = 10**12
#: So many members are looked at one by one.
_FEW = 64
_SCALARS = frozenset((int, float, bool, type(None)))
CONTAINERS = (dict, list, tuple, set, frozenset)
_NUMERIC = (int, float)
#: A name shorter than a card's number is no secret itself.
_NAME_SAFE = 12


class Redacted(str):
    """A text that has been looked at, and then cut: it is not looked at again."""

    __slots__ = ()


class Redaction:
    """What is a secret, and its removal.

    names: further names of secrets; keep: names whose values are left alone, whatever is built in; both match
    without case and separators. patterns: further expressions, judged by observe.redaction_patterns.
    """

    __slots__ = ("_asked", "_kept", "_kinds", "clean", "patterns")

    def __init__(
        self,
        names: Iterable[str] = (),
        keep: Iterable[str] = (),
        patterns: Iterable[re.Pattern[str]] = (),
    ) -> None:
        self._asked = frozenset(map(plain_name, names)) - {""}
        self._kept = frozenset(map(plain_name, keep))
        self.patterns = tuple(patterns)
        self._kinds: dict[str, int] = {}
        #: Short texts seen before that hold no secret, such as messages and routes.
        self.clean: set[str] = set()

    def decide(self, name: str) -> bool | None:
        """True for the name of a secret, False for one whose value is left alone, None for any other.

        True does not mean that every value goes: see `member`.
        """
        kind = self.kind(name)
        return None if kind == NONE else kind != PLAIN

    def kind(self, name: str) -> int:
        """Return what a name says of its value: NONE, PLAIN, COUNT, WEAK, OPEN, STRONG or ASKED."""
        try:
            return self._kinds[name]
        except KeyError:
            pass
        plain = plain_name(name)
        if plain in self._kept:
            kind = PLAIN
        elif self._asked and not self._asked.isdisjoint((plain, plain_name(name.rpartition(".")[2]))):
            kind = ASKED
        else:
            kind = kind_of(name)
        if len(self._kinds) < _REMEMBERED and len(name) < _REMEMBERED_LENGTH:
            self._kinds[name] = kind
        return kind

    def suspect(self, text: str) -> bool:
        """Whether a text may hold a secret: cheap, and never False for one that `text` would change."""
        if "=" in text or ":" in text or ">" in text or "%3" in text:
            lower = text.casefold()
            if may_have_name(lower) or (self._asked and self._names_asked(lower)):
                return True
            if "@" in text and ("/" in text or "jdbc:" in text):
                return True
        return (
            may_have_token(text)
            or may_have_number(text)
            or (bool(self.patterns) and any(pattern.search(text) is not None for pattern in self.patterns))
        )

    def _names_asked(self, lower: str) -> bool:
        joined = lower.translate(SEPARATORS)
        return any(name in joined for name in self._asked)

    def text(self, value: str) -> str:
        """Return a text without secrets: the very same where there are none."""
        if type(value) is not str:
            if type(value) is Redacted:
                return value
            value = str.__str__(value)
        if value in self.clean:
            return value
        plain = value
        if "\\u00" in value:
            from observe import secret_text

            plain = secret_text.unescaped(value)
        if not self.suspect(plain):
            if len(value) <= _CLEAN_LENGTH:
                if len(self.clean) >= _REMEMBERED:
                    self.clean.clear()
                self.clean.add(value)
            return value
        from observe import secret_text  # its expressions take milliseconds to compile

        cleaned = secret_text.clean(plain, self)
        return value if cleaned == plain else cleaned

    def tree(self, value: Any) -> Any:
        """Return a value without secrets: a copy where there are some, else the very same; its input stays.

        value: any Python value; what JSON lacks is taken for its text, and stays if that has no secret.
        """
        if type(value) is dict and self._is_clean(value):
            return value
        try:
            return self._tree(value, 0, {})
        except RecursionError:  # the caller's own stack was nearly full
            return MARK

    def bounded(self, value: dict[Any, Any], most: int) -> tuple[Any, int]:
        """Return (what `tree` does, 0); of more than `most` characters (a part, how many there were)."""
        if len(value) <= _FEW:
            if type(value) is dict and self._is_clean(value):
                return value, 0
            room = most
            for name, held in list(dict.items(value)):
                if type(held) is str:
                    room -= len(held)
                elif type(held) not in _SCALARS:
                    break
                room -= len(name) if type(name) is str else most
            else:
                if room > 0:
                    return self.tree(value), 0
        return _cut_tree(value, self, most)

    def _is_clean(self, value: dict[Any, Any]) -> bool:
        """Whether all in a flat object was seen before and is no secret: nearly every line's fields."""
        kinds, clean = self._kinds, self.clean
        for name, held in list(value.items()):
            if name in _HOLDERS or kinds.get(name) != NONE or (len(name) >= _NAME_SAFE and name not in clean):
                return False
            kind = type(held)
            if kind is str:
                if held not in clean:
                    return False
            elif kind is int or kind is float:
                if held >= CARD_MIN:
                    return False
            elif kind is not bool and held is not None:
                return False
        return True

    def member(self, name: object, value: Any) -> Any:
        """Return what may be written of `value`, which a field named `name` holds."""
        try:
            return self._member(name, value, 0, {})[1]
        except RecursionError:
            return MARK

    def _tree(self, value: Any, depth: int, seen: dict[int, Any]) -> Any:
        """seen: results by the identity of containers; MARK for one that is inside itself."""
        if isinstance(value, str):
            return self.text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, _NUMERIC):
            return self._number(value)
        if not isinstance(value, CONTAINERS):
            if type(value).__module__ == "datetime":
                return value  # a time, or a length of it
            told = guard.said(value)
            clean = self.text(told)
            return value if clean is told else clean
        if depth >= DEPTH_MAX:
            return MARK
        known = id(value)
        if known in seen:
            return seen[known]
        seen[known] = MARK
        copied = self._object if isinstance(value, dict) else self._list
        seen[known] = result = copied(value, depth + 1, seen)  # type: ignore[arg-type]
        return result

    def _number(self, value: float) -> Any:
        if not CARD_MIN <= value < 10**19 or value != int(value):
            return value
        from observe import secret_numbers

        return MARK if secret_numbers.is_card(str(int(value))) else value

    def _list(self, values: Iterable[Any], depth: int, seen: dict[int, Any]) -> Any:
        before = list(values)  # at once: another thread may be changing it
        fields = getattr(values, "_fields", None)
        if fields is not None and isinstance(values, tuple) and len(fields) == len(before):
            named = zip(fields, before, strict=True)
            after = [self._member(name, held, depth, seen)[1] for name, held in named]
        elif before and all(map(_is_pair, before)):
            after = [self._paired(pair, depth, seen) for pair in before]
        else:
            after = [self._tree(item, depth, seen) for item in before]
        for old, new in zip(before, after, strict=True):
            if old is not new:
                return after
        return values

    def _paired(self, pair: Any, depth: int, seen: dict[int, Any]) -> Any:
        """[["authorization", "..."], ...]: what headers, forms and `dict.items` are often told as."""
        named, held = self._member(pair[0], pair[1], depth + 1, seen)
        return pair if named is pair[0] and held is pair[1] else [named, held]

    def _object(self, value: dict[Any, Any], depth: int, seen: dict[int, Any]) -> Any:
        changed = None
        members = list(dict.items(value))
        for at, (name, held) in enumerate(members):
            named, kept = self._member(name, held, depth, seen)
            if (kept is not held or named is not name) and not (name == "Signature" and is_signed(value)):
                if changed is None:
                    changed = members.copy()
                changed[at] = named, kept
        found = value if changed is None else dict(changed)
        for label, holder in PAIRS:
            if dict.__contains__(found, holder):
                found = self._pair(found, dict.get(found, label), holder)
        return found

    def _pair(self, value: dict[Any, Any], name: object, holder: str) -> dict[Any, Any]:
        """{"name": "password", "value": "..."}: parameters, variables and headers are often told so."""
        kind = self.kind(name) if isinstance(name, str) else NONE
        if kind <= PLAIN:
            return value
        held = dict.__getitem__(value, holder)
        kept = self._held(kind, held)
        return value if kept is held else {**dict(value), holder: kept}

    def _member(self, name: object, held: Any, depth: int, seen: dict[int, Any]) -> tuple[object, Any]:
        if isinstance(name, bytes):  # of headers, as ASGI has them
            kind = self.kind(name.decode("latin-1"))
            return name, self._held(kind, held) if kind > PLAIN else self._tree(held, depth, seen)
        if not isinstance(name, str):
            told = guard.said(name)
            clean = self.text(told)
            return (name if clean is told else clean), self._tree(held, depth, seen)
        kind = self.kind(name)
        if name in _FLAT and isinstance(held, list | tuple):
            return name, self._flat(held, depth, seen)
        named = self.text(name) if len(name) > _NAME_SAFE else name
        if kind == PLAIN and not isinstance(held, CONTAINERS):
            return named, held
        if kind <= PLAIN or (kind == OPEN and not isinstance(held, str | bytes | bytearray)):
            if name in _ENCODED and isinstance(held, str) and self.encoded(held):
                return named, MARK
            return named, self._tree(held, depth, seen)
        return named, self._held(kind, held)

    def _flat(self, held: Any, depth: int, seen: dict[int, Any]) -> Any:
        """["Authorization", "...", "Host", "..."]: each name before what it holds."""
        before = list(held)
        if len(before) % 2 or not all(isinstance(name, str) for name in before[::2]):
            return self._tree(held, depth, seen)
        after = before.copy()
        for at in range(0, len(before), 2):
            after[at : at + 2] = self._member(before[at], before[at + 1], depth + 1, seen)
        return held if all(map(operator.is_, before, after)) else after

    def _held(self, kind: int, held: Any) -> Any:
        """What may be told of a secret: whether there is one, and that it is empty."""
        if held is None or (isinstance(held, bool) and kind != ASKED):
            return held
        if isinstance(held, str):
            return held if held == MARK or is_told(kind, held) else MARK
        if isinstance(held, dict | list | tuple | set | frozenset | bytes | bytearray) and not held:
            return held
        if isinstance(held, list | tuple | set | frozenset):
            return [self._leaf(kind, one) for one in list(held)]
        if isinstance(held, dict) and kind < STRONG:
            return {name: self._leaf(kind, one) for name, one in list(dict.items(held))}
        return self._leaf(kind, held)

    def _leaf(self, kind: int, held: Any) -> Any:
        """What holds nothing further; or one level inside: a header's values, {"S": "secret"} of DynamoDB."""
        if held is None or (isinstance(held, bool) and kind != ASKED):
            return held
        if kind < STRONG and (isinstance(held, int | float) or type(held).__module__ in _NUMBERS):
            return held
        return held if isinstance(held, str) and is_told(kind, held) else MARK

    def encoded(self, held: str) -> bool:
        """Whether base64 has a secret in it, a form's body or a record's data; it may have been cut off.

        In any code page: what it takes for letters of its own is looked over.
        """
        whole = len(held) & ~3
        if whole < 16 or not held[:16].isascii() or " " in held[:16]:
            return False
        import binascii

        try:
            inside = binascii.a2b_base64(held[:whole], strict_mode=True)
        except ValueError:
            return False
        from observe import secret_text

        return any(self.text(text) != text for text in secret_text.decoded(inside))


#: Modules whose values are numbers and times.
_NUMBERS = ("decimal", "datetime")
#: Members that hold base64 where the source has bytes: API Gateway, Kinesis, Kafka, Firehose, MQ.
_ENCODED = frozenset(("body", "data", "value", "key"))
#: Names that tell what a member beside them holds, and that member's: {"name": "password", "value": "..."}.
PAIRS = (
    *(("name", "value"), ("Name", "Value"), ("key", "value"), ("Key", "Value")),
    *(("parameterKey", "parameterValue"), ("ParameterKey", "ParameterValue")),
)
#: Lists of names and values in turn: Node.js tells headers so.
_FLAT = frozenset(("rawHeaders", "raw_headers"))
_HOLDERS = frozenset(holder for _, holder in PAIRS)


def _load(value: dict[Any, Any], found: Redaction, most: int) -> tuple[Any, int]:
    """At the first value that is not flat: most lines are."""
    global _cut_tree
    from observe.redaction_bounds import tree as _cut_tree

    return _cut_tree(value, found, most)


_cut_tree: Callable[[dict[Any, Any], Redaction, int], tuple[Any, int]] = _load


def _is_pair(item: object) -> bool:
    return isinstance(item, list | tuple) and len(item) == 2 and isinstance(item[0], str | bytes)


# --- The process's own ----------------------------------------------------------------------

_built: tuple[Settings, Redaction] | None = None


def get() -> Redaction:
    """Return the redaction that the settings ask for: OBSERVE_REDACT, its _KEEP and its _PATTERNS."""
    global _built
    found = settings.get()
    if _built is not None and _built[0] is found:
        return _built[1]
    patterns: Iterable[re.Pattern[str]] = ()
    if found.redact_patterns:
        from observe import redaction_patterns

        patterns = guard.guarded(redaction_patterns.compiled, found.redact_patterns) or ()
    _built = found, Redaction(found.redact, found.redact_keep, patterns)
    return _built[1]
