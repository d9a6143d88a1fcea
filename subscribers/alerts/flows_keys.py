"""Which key a signal has where a flow starts or ends.

In order: a group of the selector's expression that is called like the key, an attribute, a mark. A key of
observe.yaml's `keys` is compared by its mark, so that a value at one end meets a mark at the other; any other
by its text, without blanks around it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

import msgspec

from observe import ids
from subscribers.alerts.model import Flow, FlowPoint
from subscribers.alerts.values import marks_of, raw_value_of, text, valid
from subscribers.patterns import Pattern
from subscribers.signals import Log, Signal

#: Characters of a key that people are shown, and of a line that are searched for it.
SHOWN_MAX = 200
_SEARCHED_MAX = 16_384
#: Keys of one signal.
KEYS_MAX = 16


class Key(msgspec.Struct, frozen=True):
    """identity: what is compared; shown: what people read, the value where it is known."""

    identity: str
    shown: str


class _Groups(Pattern):
    """An expression of which one named group is wanted."""

    @property
    def names(self) -> frozenset[str]:
        return frozenset(self._compiled.groupindex)

    def named(self, name: str, text: str) -> Iterator[str]:
        for match in self._compiled.finditer(text):
            yield match[name] or ""


class KeyReader:
    """Reads the keys of signals at one point of a flow."""

    def __init__(self, flow: Flow, point: FlowPoint, keys: Mapping[str, str], key_secret: str) -> None:
        """keys: observe.yaml's; key_secret: of their marks. Raises PatternError."""
        self._key = point.key
        self._business = _business_of(flow, keys)
        self._pattern = Pattern(keys[self._business]) if self._business else None
        self._mark: Callable[[str], str] = lru_cache(maxsize=4096)(
            lambda value: ids.key_mark(self._business, value, key_secret)
        )
        self._groups = _Groups(point.selector.matches) if point.selector.matches else None
        names = (point.key, _last(point.key), self._business)
        grouped = self._groups.names if self._groups else frozenset()
        self._group = next((name for name in names if name in grouped), "")

    def keys(self, signal: Signal) -> list[Key]:
        """Return the keys of a signal, each once; none where it has none. A line may name several."""
        found = {key.identity: key for key in self._found(signal)}
        return list(found.values())[:KEYS_MAX]

    def _found(self, signal: Signal) -> Iterator[Key]:
        values = [value for raw in self._raw(signal) if (value := raw.strip(ids.BLANK))]
        if values:
            yield from map(self._of_value, values)
        elif self._business and isinstance(signal, Log):
            for mark in marks_of(signal, self._business):
                whole = f"{self._business}={mark}"
                yield Key(whole, self._shown(signal, whole))

    def _raw(self, signal: Signal) -> list[str]:
        if self._group and self._groups and isinstance(signal, Log):
            found = list(self._groups.named(self._group, valid(signal.message[:_SEARCHED_MAX])))
            if found:
                return found
        for name in (self._key, self._business):
            value = raw_value_of(signal, name) if name else None
            if value is not None:
                return [valid(text(value))]
        return []

    def _of_value(self, value: str) -> Key:
        if self._pattern is None:
            return Key(value, value[:SHOWN_MAX])
        named = next((n for n in self._pattern.values(value[:_SEARCHED_MAX]) if n), value).strip(ids.BLANK)
        return Key(self._mark(named), named[:SHOWN_MAX])

    def _shown(self, log: Log, mark: str) -> str:
        """The value that a mark was made of, where the message has it."""
        if self._pattern is not None:
            for value in self._pattern.values(valid(log.message[:_SEARCHED_MAX])):
                if self._mark(value.strip(ids.BLANK)) == mark:
                    return value.strip(ids.BLANK)[:SHOWN_MAX]
        return mark[:SHOWN_MAX]


def _business_of(flow: Flow, keys: Mapping[str, str]) -> str:
    """The business key that a flow is about: where one of its points names one, all of them mean it."""
    names = [point.key for point in (flow.start, *flow.ends)]
    return next((n for name in names for n in (name, _last(name)) if n in keys), "")


def _last(name: str) -> str:
    return name.rpartition(".")[2]
