"""httpx, sync and async: every request forwards the context and is a span.

The spans are opentelemetry-instrumentation-httpx's. Where that cannot be used (the function brings
an OpenTelemetry of its own that is too old, or spans are off) requests still forward the context.
"""

from __future__ import annotations

from observe import guard, settings
from observe.context import current
from observe.services import http

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def install(module: ModuleType) -> None:
    """Instrument `httpx`; fall back to forwarding only, and say why in one line."""
    if settings.get().mode == "propagate" or not guard.guarded(_instrument):
        _forward_only(module)


def _instrument() -> bool:
    from observe import otel

    for problem in otel.supported():
        guard.report(
            "patch_httpx.install", RuntimeError(f"{problem}: httpx calls are forwarded without spans")
        )
        return False
    from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

    # The dependency check reads every installed distribution's metadata: 20 ms of a cold start.
    HTTPXClientInstrumentor().instrument(tracer_provider=otel.provider(), skip_dep_check=True)
    return True


def _forward_only(module: Any) -> None:
    sync, asynchronous = module.HTTPTransport.handle_request, module.AsyncHTTPTransport.handle_async_request

    def handle_request(self: Any, request: Any) -> Any:
        guard.guarded(_carry, request)
        return sync(self, request)

    async def handle_async_request(self: Any, request: Any) -> Any:
        guard.guarded(_carry, request)
        return await asynchronous(self, request)

    module.HTTPTransport.handle_request = handle_request
    module.AsyncHTTPTransport.handle_async_request = handle_async_request


def _carry(request: Any) -> None:
    """request: httpx.Request, whose headers are its own copy, never the caller's."""
    context = current()
    if context is not None:
        present = {name.lower() for name in request.headers}
        baggage = settings.get().takes_baggage(request.url.host)
        request.headers.update(http.carry(present, context, baggage=baggage))
