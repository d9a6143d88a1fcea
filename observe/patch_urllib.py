"""urllib.request: every request is a span and forwards the context, through http.client's own connection.

http.client itself is left alone: botocore, urllib3 and Lambda's runtime client are made of it, so one patch
there would meet every request twice and signed ones once.
"""

from __future__ import annotations

from observe import guard, settings
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.spans import span

    #: The span, if there is one, and the headers to add.
    Attempt = tuple[span | None, dict[str, str]]


def install(module: Any) -> None:
    """Patch the one place where urllib's handlers send HTTP; module: `urllib.request`."""
    handler = module.AbstractHTTPHandler
    original = handler.do_open

    def do_open(self: Any, http_class: Any, req: Any, **kwargs: Any) -> Any:
        attempt = guard.guarded(_begin, req)
        if attempt is None:
            return original(self, http_class, req, **kwargs)
        call, added = attempt
        try:
            response = original(self, _connecting(http_class, added), req, **kwargs)
        except BaseException as error:
            if call is not None:
                guard.guarded(call.end, error)
            raise
        if call is not None:
            guard.guarded(_ended, call, response)
        return response

    handler.do_open = do_open


def _begin(req: Any) -> Attempt | None:
    """req: urllib.request.Request, the caller's: not changed."""
    context = current()
    if context is None:
        return None
    from urllib.parse import unquote, urlsplit  # urllib.request has loaded it

    from observe import http_call, outbound

    url = urlsplit(req.full_url)  # not req.host: that is a proxy's, where there is one
    host, port = unquote(url.hostname or ""), _port(url)
    if http_call.is_left_alone() or http_call.is_runtime(host, port):
        return None
    call = http_call.attempt(req.get_method(), req.full_url, host, port)
    context = (call.begin() if call is not None else None) or context
    present = {name.lower() for name, _ in req.header_items()}
    return call, guard.guarded(outbound.headers, host, port, present, context, settings.get()) or {}


def _port(url: Any) -> int:
    """url: what urlsplit returned."""
    try:
        return url.port or (443 if url.scheme == "https" else 80)
    except ValueError:
        return 0  # not a port: urllib is about to say so


def _connecting(http_class: Any, added: dict[str, str]) -> Callable[..., Any]:
    """Make connections that send `added` with their request, and not with a proxy's CONNECT."""

    def connect(*args: Any, **kwargs: Any) -> Any:
        connection = http_class(*args, **kwargs)
        send = connection.request

        def request(method: str, url: str, body: Any, headers: dict[str, str], **kwargs: Any) -> Any:
            return send(method, url, body, {**headers, **added}, **kwargs)

        connection.request = request
        return connection

    return connect


def _ended(call: span, response: Any) -> None:
    from observe import http_call

    http_call.answered(call, response.status)
    call.end()
