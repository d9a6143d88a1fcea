"""What the configuration knows of signals that they do not say themselves.

- A Log gets the marks of the business keys that the expressions of `keys` find in its message, its error
  and its fields of text. A value is kept nowhere but there; without the secret a mark does not tell it
  (docs/spec/context.md).
- A server span of an endpoint's implementation without `http.route` gets the endpoint's, and its name:
  a path has too many values for one. https://opentelemetry.io/docs/specs/semconv/http/http-spans/#name
- Of a service with `spans: platform` the layer's spans are replaced by the platform's (correlate_platform).
- A span of a service with `clock_skew_ms` gets it as `observe.clock_skew_ms`: who reads it has no
  configuration, and the skew was that of its time.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from msgspec.structs import replace

from observe import ids, semconv
from observe.semconv import CLOCK_SKEW_MS
from subscribers.config import Config, Service
from subscribers.correlate_platform import only_platform
from subscribers.parsers.page import Parsed
from subscribers.patterns import Pattern
from subscribers.routes import Routes
from subscribers.signals import Log, Origin, Span

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
        self._service = lru_cache(maxsize=1024)(lambda origin: _service(config, origin))
        self._has_platform = any(service.spans == "platform" for service in config.services.values())
        self._has_skew = any(service.clock_skew_ms for service in config.services.values())

    def apply(self, parsed: Parsed) -> None:
        """Complete the signals in place.

        Notes: `too_many_keys` for what was more than is taken, `spans_platform` for spans that were left out.
        """
        if self._has_platform:
            only_platform(parsed, self._is_platform)
        for i, signal in enumerate(parsed.signals):
            if isinstance(signal, Log) and self._patterns:
                parsed.signals[i] = self._with_keys(signal, parsed)
            elif isinstance(signal, Span):
                parsed.signals[i] = self._with_skew(self._with_route(signal))

    def _is_platform(self, origin: Origin) -> bool:
        service = self._service(origin)
        return service is not None and service.spans == "platform"

    def _with_skew(self, span: Span) -> Span:
        service = self._service(span.origin) if self._has_skew else None
        if service is None or not service.clock_skew_ms:
            return span
        return replace(span, attributes={**span.attributes, CLOCK_SKEW_MS: service.clock_skew_ms})

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


def _service(config: Config, origin: Origin) -> Service | None:
    """The service whose log group it is; a file has none, and is of the service that it was read for."""
    return config.service_of(origin.log_group) or config.services.get(origin.service)


def _text(log: Log) -> str:
    """What a line says: its message, then what a structured line says beside it, a line each."""
    fields = (value for value in log.attributes.values() if isinstance(value, str))
    return "\n".join((log.message, log.error_message, *fields))
