"""httpx, sync and async: every request forwards the context and is a span.

The spans are opentelemetry-instrumentation-httpx's. Where that cannot be used (the function brings
an OpenTelemetry of its own that is too old, or spans are off) requests still forward the context.
"""

from __future__ import annotations

import sys

from observe import guard, settings, versions
from observe.context import BAGGAGE, CORRELATION_ID, TRACEPARENT, TRACESTATE, current

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: Before, a transport was handed the parts of a request.
VERSIONS = ((0, 20), (1, 0))
#: On our copy of a request: the names of the headers that it has from its caller.
_PRESENT = "_observe_present"
INSTRUMENTATION = "opentelemetry.instrumentation.httpx"
#: Whether the headers are written below us.
_theirs = False
#: httpx, where the function was importing the instrumentation when that imported it.
_waiting: Any = None


def install(module: Any) -> None:
    """Instrument `httpx`; fall back to forwarding only, and say why in one line.

    Two patches around the instrumentation's: outside of it the request is copied, inside of it, where its
    span is the current one, the headers are decided on.
    module: httpx; or the instrumentation, which may have been the one to import httpx.
    """
    if module.__name__ == INSTRUMENTATION:
        _loaded()
        return
    problem = versions.problem("httpx", module.__version__, VERSIONS)
    if problem:
        guard.report("patch_httpx.install", RuntimeError(f"{problem}: its requests are not forwarded"))
        return
    global _waiting
    _wrap(module, _carried)
    if settings.get().mode != "propagate":
        if _is_loading():
            _waiting = module
        else:
            guard.guarded(_instrument)
    _wrap(module, lambda request: _copy(module, request))


def _is_loading() -> bool:
    """Whether the function imports the instrumentation, which is about to import httpx."""
    loading = sys.modules.get(INSTRUMENTATION)
    return loading is not None and not hasattr(loading, "HTTPXClientInstrumentor")


def _loaded() -> None:
    """Instrument now what could not be at once."""
    global _waiting
    module, _waiting = _waiting, None
    if module is not None and guard.guarded(_instrument):
        _wrap(module, lambda request: _copy(module, request))


def _instrument() -> bool:
    global _theirs
    from observe import patch_otel

    if not patch_otel.is_usable():
        return False
    from observe import otel_light

    with otel_light.importing():
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor

        from observe import otel

    class Instrumentor(HTTPXClientInstrumentor):
        """One of our own: the class keeps one instance, which user code may want to instrument by."""

        _instance = None

    provider = otel.provider()
    if HTTPXClientInstrumentor().is_instrumented_by_opentelemetry:
        _theirs = True  # the function's own makes the span, below us: it asks our propagator for the headers
        return True
    # The dependency check reads every installed distribution's metadata: 20 ms of a cold start.
    Instrumentor().instrument(tracer_provider=provider, skip_dep_check=True)
    return True


def _wrap(module: Any, change: Callable[[Any], Any]) -> None:
    """Let the transports send `change(request)`, or the request itself where that fails."""
    sync, asynchronous = module.HTTPTransport.handle_request, module.AsyncHTTPTransport.handle_async_request

    def handle_request(self: Any, request: Any) -> Any:
        changed = guard.guarded(change, request)
        return sync(self, request if changed is None else changed)

    async def handle_async_request(self: Any, request: Any) -> Any:
        changed = guard.guarded(change, request)
        return await asynchronous(self, request if changed is None else changed)

    module.HTTPTransport.handle_request = handle_request
    module.AsyncHTTPTransport.handle_async_request = handle_async_request


def _copy(module: Any, request: Any) -> Any:
    """A copy of the caller's request: what is added must not stay on the caller's own.

    A redirect is made from the request before it, and a request can be sent twice: both would carry
    what belonged to another call, and baggage to a host that must not have it.
    """
    if hasattr(request, _PRESENT):
        return request
    copied = module.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )
    setattr(copied, _PRESENT, {name.lower() for name in request.headers})
    return copied


def _carried(request: Any) -> Any:
    if not _theirs:
        _carry(request)
    return request


def _carry(request: Any) -> None:
    """request: httpx.Request, our copy; with anything that OpenTelemetry's propagator has added."""
    present: set[str] | None = getattr(request, _PRESENT, None)
    context = current()
    if present is None or context is None:
        return
    from observe import http_call, outbound

    otel = sys.modules.get("observe.otel")
    if otel is None or otel.propagates():
        for name in (
            TRACEPARENT,
            TRACESTATE,
            BAGGAGE,
            CORRELATION_ID,
        ):  # ours knows not what the host may have
            if name not in present:
                request.headers.pop(name, None)
    else:  # a propagator of user code writes what it likes
        present = {name.lower() for name in request.headers}
    if http_call.is_left_alone() or http_call.is_botocore(request.headers.get("user-agent", "")):
        return
    url = request.url
    host, port = url.raw_host.decode(), url.port or {"https": 443, "http": 80}.get(url.scheme, 0)
    if http_call.is_runtime(host, port):
        return
    request.headers.update(outbound.headers(host, port, present, context, settings.get()))
