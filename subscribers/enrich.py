"""What the configuration knows of signals that they do not say themselves: business keys and endpoints.

- A Log gets the marks of the business keys that the expressions of `keys` find in its message, its error
  and its fields of text. A value is kept nowhere but there; without the secret a mark does not tell it
  (docs/spec/context.md).
- A server span of an endpoint's implementation without `http.route` gets the endpoint's, and its name:
  a path has too many values for one. https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec.structs import replace

from observe import ids, semconv
from subscribers.config import Config
from subscribers.parsers.page import Parsed
from subscribers.patterns import Pattern
from subscribers.routes import Routes
from subscribers.signals import Log, Span

#: Characters of a line that are searched, and marks taken from it.
SEARCHED_MAX = 16_384
MARKS_MAX = 16


class Enrichment:
    """A configuration made ready to be applied to every payload.

    key_secret: the secret of the marks, the same as that of the functions' layer.
    """

    def __init__(self, config: Config, key_secret: str = "") -> None:
        self._patterns = [(name, Pattern(pattern)) for name, pattern in config.keys.items()]
        self._routes = Routes(config.endpoints.values())
        self._mark = lru_cache(maxsize=4096)(lambda name, value: ids.key_mark(name, value, key_secret))

    def apply(self, parsed: Parsed) -> None:
        """Complete the signals in place; what was more than is taken is noted as `too_many_keys`."""
        for i, signal in enumerate(parsed.signals):
            if isinstance(signal, Log) and self._patterns:
                parsed.signals[i] = self._with_keys(signal, parsed)
            elif isinstance(signal, Span):
                parsed.signals[i] = self._with_route(signal)

    def _with_keys(self, log: Log, parsed: Parsed) -> Log:
        marks: dict[str, None] = {}
        for name, value in self._found(_text(log)[:SEARCHED_MAX]):
            mark = self._mark(name, value)
            if mark not in marks and len(marks) == MARKS_MAX:
                parsed.note("too_many_keys")
                break
            marks[mark] = None
        return replace(log, keys=tuple(dict.fromkeys((*log.keys, *marks)))) if marks else log

    def _found(self, text: str) -> Iterator[tuple[str, str]]:
        for name, pattern in self._patterns:
            for found in pattern.values(text):
                if value := found.strip(ids.BLANK):
                    yield name, value

    def _with_route(self, span: Span) -> Span:
        if span.kind != "server" or semconv.HTTP_ROUTE in span.attributes:
            return span
        method, path = (span.attributes.get(n) for n in (semconv.HTTP_REQUEST_METHOD, semconv.URL_PATH))
        if not isinstance(method, str) or not isinstance(path, str):
            return span
        route = self._routes.template(span.origin.service, method, path)
        if not route:
            return span
        name = f"{method} {route}" if span.name in (method, f"{method} {path}") else span.name
        # A new mapping: the log of an access-log line has the same one.
        return replace(span, name=name, attributes={**span.attributes, semconv.HTTP_ROUTE: route})


def _text(log: Log) -> str:
    """What a line says: its message, then what a structured line says beside it, a line each."""
    fields = (value for value in log.attributes.values() if isinstance(value, str))
    return "\n".join((log.message, log.error_message, *fields))
