"""httpx, sync and async: every request forwards the context and is a span.

The spans are opentelemetry-instrumentation-httpx's. Where that cannot be used (the function brings
an OpenTelemetry of its own that is too old, or spans are off) requests still forward the context.
"""

from __future__ import annotations

from observe import guard, settings, versions
from observe.context import current
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def install(module: Any) -> None:
    """Instrument `httpx`; fall back to forwarding only, and say why in one line."""
    traced = settings.get().mode != "propagate" and bool(guard.guarded(_instrument))
    _wrap(module, None if traced else _carry)


def _instrument() -> bool:
    problem = versions.opentelemetry_problem()
    if problem:
        guard.report(
            "patch_httpx.install", RuntimeError(f"{problem}: httpx calls are forwarded without spans")
        )
        return False
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    from observe import otel

    # The dependency check reads every installed distribution's metadata: 20 ms of a cold start.
    HTTPXClientInstrumentor().instrument(tracer_provider=otel.provider(), skip_dep_check=True)
    return True


def _wrap(module: Any, carry: Callable[[Any], None] | None) -> None:
    """Let the transports send a copy of each request: what is added must not stay on the caller's own.

    A redirect is made from the request before it, and a request can be sent twice: both would carry
    what belonged to another call, and baggage to a host that must not have it.
    """
    sync, asynchronous = module.HTTPTransport.handle_request, module.AsyncHTTPTransport.handle_async_request

    def copy(request: Any) -> Any:
        copied = guard.guarded(_copy, module, request)
        if copied is not None and carry is not None:
            guard.guarded(carry, copied)
        return request if copied is None else copied

    def handle_request(self: Any, request: Any) -> Any:
        return sync(self, copy(request))

    async def handle_async_request(self: Any, request: Any) -> Any:
        return await asynchronous(self, copy(request))

    module.HTTPTransport.handle_request = handle_request
    module.AsyncHTTPTransport.handle_async_request = handle_async_request


def _copy(module: Any, request: Any) -> Any:
    return module.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


def _carry(request: Any) -> None:
    """request: httpx.Request, a copy of the caller's."""
    context = current()
    if context is not None:
        present = {name.lower() for name in request.headers}
        baggage = settings.get().takes_baggage(request.url.host)
        request.headers.update(http.carry(present, context, baggage=baggage))
