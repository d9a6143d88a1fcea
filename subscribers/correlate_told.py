"""What a call and a request say that can be compared: host, method and path, or the function. Pure."""

from __future__ import annotations

from typing import NamedTuple

from observe import semconv
from subscribers.signals import Span

#: Anything that is equal where two spans agree.
Key = str | tuple[str, ...]

#: Places in what `request_keys` returns: until PATH agreement is sure, at REST there is none.
FUNCTION, WHOLE, PATH, HOST, METHOD, REST = range(6)
#: Keys of REST: calls that tell no method, and all of them.
_SILENT, _ANY = "silent", "any"
#: Beginnings of attributes that calls have which are no HTTP requests.
_OTHER = ("db.", "messaging.", "aws.", "rpc.")


class _Http(NamedTuple):
    method: str
    path: str
    host: str


def request_keys(span: Span) -> tuple[Key | None, ...]:
    """Return what a request's call may agree with it in, the surest first; None for what is not told."""
    told = _http(span)
    function = span.origin.log_group.rpartition("/")[2] if span.origin.side == "serverless" else ""
    invoked = ("function", function) if function else None
    return (invoked, *_agreements(told), _SILENT if told.method else _ANY)


def call_keys(span: Span) -> tuple[Key, ...]:
    """Return what a call may agree with a request in; () for a call that is answered by no server of ours."""
    function = _text(span, semconv.FAAS_INVOKED_NAME)
    if function:
        return (("function", function),)
    if any(name.startswith(_OTHER) for name in span.attributes):
        return ()
    told = _http(span)
    rest = (_ANY,) if told.method else (_SILENT, _ANY)
    return (*(key for key in _agreements(told) if key is not None), *rest)


def _agreements(told: _Http) -> tuple[Key | None, ...]:
    method, path, host = told
    return (
        ("whole", *told) if method and path and host else None,
        ("path", method, path) if method and path else None,
        ("host", method, host) if method and host else None,
        ("method", method) if method else None,
    )


def _http(span: Span) -> _Http:
    path, host = _text(span, semconv.URL_PATH), _text(span, semconv.SERVER_ADDRESS)
    _, is_whole, rest = _text(span, semconv.URL_FULL).partition("://")
    if is_whole and not path:
        path = "/" + rest.partition("#")[0].partition("?")[0].partition("/")[2]
    return _Http(_text(span, semconv.HTTP_REQUEST_METHOD), path, host.lower())


def _text(span: Span, name: str) -> str:
    value = span.attributes.get(name)
    return value if isinstance(value, str) else ""
