"""aiohttp's client: every request is a span, every hop of it forwards the context.

The span is the request's: its redirects are in it, and it ends when the headers of the last reply are in.
Headers are added where a hop is sent: on to another host, as the caller's own would be, they must not go.
"""

from __future__ import annotations

from observe import guard, settings, versions
from observe.context import current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from observe.spans import span

#: On a request of aiohttp's: the names we added, for a middleware may send it again.
_ADDED = "_observe_added"


def install(module: Any) -> None:
    """Patch aiohttp's client; module: `aiohttp`."""
    problem = versions.problem("aiohttp", module.__version__, versions.AIOHTTP)
    if problem:
        guard.report("patch_aiohttp.install", RuntimeError(f"{problem}: its requests are not forwarded"))
        return
    session, hop = module.ClientSession, module.ClientRequest
    request, send = session._request, hop.send

    async def _request(self: Any, method: str, str_or_url: Any, **kwargs: Any) -> Any:
        call = guard.guarded(_call, self, method, str_or_url, kwargs.get("headers"))
        if call is None:
            return await request(self, method, str_or_url, **kwargs)
        with call:
            response = await request(self, method, str_or_url, **kwargs)
            guard.guarded(_answered, call, response)
            return response

    async def _send(self: Any, conn: Any) -> Any:
        guard.guarded(_carry, self)
        return await send(self, conn)

    session._request = _request
    hop.send = _send


def _call(session: Any, method: str, url: Any, headers: Any) -> span | None:
    """The span of a request; None where there is none: another one's, or nobody's."""
    if current() is None:
        return None
    from observe import http_call

    if http_call.is_left_alone() or _is_traced(session) or http_call.is_botocore(_agent(headers)):
        return None
    try:
        url = session._build_url(url)
    except (AssertionError, TypeError, ValueError):
        return None  # not an address: aiohttp is about to say so
    host, port = url.host or "", url.port or 0
    return None if http_call.is_runtime(host, port) else http_call.attempt(method, str(url), host, port)


def _agent(headers: Any) -> object:
    """headers: what aiohttp takes, or None; names in any case. An iterator is not ours to use up."""
    pairs = headers.items() if hasattr(headers, "items") else headers
    if not isinstance(headers, list | tuple) and pairs is headers:
        return ""
    named = (pair for pair in pairs if isinstance(pair, list | tuple) and len(pair) == 2)
    return next((value for name, value in named if str(name).lower() == "user-agent"), "")


def _is_traced(session: Any) -> bool:
    """Whether opentelemetry-instrumentation-aiohttp-client makes spans of this session's requests."""
    return any(
        getattr(handler, "__module__", "").startswith("opentelemetry.")
        for config in session._trace_configs
        for handler in config.on_request_start
    )


def _answered(call: span, response: Any) -> None:
    from observe import http_call

    http_call.answered(call, response.status)


def _carry(request: Any) -> None:
    """request: aiohttp.ClientRequest, one hop, with headers of its own."""
    context = current()
    if context is None or request.method == "CONNECT":
        return
    from observe import http_call, outbound

    headers = request.headers
    if http_call.is_left_alone() or http_call.is_botocore(headers.get("user-agent", "")):
        return
    for name in getattr(request, _ADDED, ()):
        headers.pop(name, None)
    present = {name.lower() for name in headers}
    host, port = request.url.raw_host or "", request.url.port or 0
    if http_call.is_runtime(host, port):
        return
    added = outbound.headers(host, port, present, context, settings.get())
    headers.update(added)
    setattr(request, _ADDED, tuple(added))
