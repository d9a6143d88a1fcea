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
#: Segments at the end of two paths by which one is known to be the other, rewritten.
_SEGMENTS = 2


class Told(NamedTuple):
    """What a span tells of a request; "" for what it does not. The host is in lower case."""

    method: str
    path: str
    host: str


def request_keys(span: Span) -> tuple[Key | None, ...]:
    """Return what a request's call may agree with it in, the surest first; None for what is not told."""
    told = told_of(span)
    function = span.origin.log_group.rpartition("/")[2] if span.origin.side == "serverless" else ""
    invoked = ("function", function) if function else None
    return (invoked, *_agreements(told), _SILENT if told.method else _ANY)


def call_keys(span: Span) -> tuple[Key, ...]:
    """Return what a call may agree with a request in; () for a call that is answered by no server of ours.

    A call without a method that tells a host and no path is none over HTTP.
    """
    function = _text(span, semconv.FAAS_INVOKED_NAME)
    if function:
        return (("function", function),)
    if any(name.startswith(_OTHER) for name in span.attributes):
        return ()
    told = told_of(span)
    if told.host and not told.method and not told.path:
        return ()
    rest = (_ANY,) if told.method else (_SILENT, _ANY)
    return (*(key for key in _agreements(told) if key is not None), *rest)


def is_same(one: Told, other: Told) -> bool:
    """Whether method and path are told and equal."""
    return bool(one.method and one.path) and one[:2] == other[:2]


def is_another(call: Told, request: Told) -> bool:
    """Whether what a call and a request tell cannot be the same one: neither the paths nor the hosts agree.

    A gateway rewrites the beginning of a path: of what is behind it two segments are the same, or one where
    there is only one.
    """
    if not call.path or not request.path or (call.host and call.host == request.host):
        return False
    one, other = (list(filter(None, told.path.split("/"))) for told in (call, request))
    same = min(len(one), len(other), _SEGMENTS)
    return one != other and (same == 0 or one[-same:] != other[-same:])


def _agreements(told: Told) -> tuple[Key | None, ...]:
    method, path, host = told
    return (
        ("whole", *told) if method and path and host else None,
        ("path", method, path) if method and path else None,
        ("host", method, host) if method and host else None,
        ("method", method) if method else None,
    )


def told_of(span: Span) -> Told:
    """Return what a span tells of a request, by `url.path` and `server.address` or by `url.full`."""
    path, host = _text(span, semconv.URL_PATH), _text(span, semconv.SERVER_ADDRESS)
    _, is_whole, rest = _text(span, semconv.URL_FULL).partition("://")
    if is_whole and not path:
        path = "/" + rest.partition("#")[0].partition("?")[0].partition("/")[2]
    return Told(_text(span, semconv.HTTP_REQUEST_METHOD), path, host.lower())


def _text(span: Span, name: str) -> str:
    value = span.attributes.get(name)
    return value if isinstance(value, str) else ""
