"""A function that instruments its HTTP client itself: one span, by its provider and exporter."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.observe import overlaid
from tests.observe.attached import HTTP_EVENT, Ran, Run
from tests.observe.http_echo import Server, serving

pytestmark = pytest.mark.runtime

#: The beginning of a function that exports its own spans, and its handler.
_PROVIDER = """
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
exported = InMemorySpanExporter()
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(exported))
"""
_HANDLER = """
import json
def handler(event, context):
    exported.clear()
    sent = get(event["url"])
    own = [span.context for span in exported.get_finished_spans()]
    return {"sent": sent, "exported": [(f"{one.span_id:016x}", f"{one.trace_id:032x}") for one in own]}
"""
_HTTPX = """
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
HTTPXClientInstrumentor().instrument(tracer_provider=provider)
"""
_GET = """
import httpx
def get(url): return httpx.get(url).json()
"""
_AGET = """
import asyncio, httpx
async def asking(url):
    async with httpx.AsyncClient() as client:
        return (await client.get(url)).json()
def get(url): return asyncio.run(asking(url))
"""
_DECORATED = f"""
import sys
sys.path.append({str(ROOT)!r})
import observe
handler = observe.instrument(handler)
"""

#: When the function instruments: name -> its source, and how the layer is attached.
HTTPX = {
    "before httpx is imported": (_PROVIDER + _HTTPX + _GET + _HANDLER, True),
    "after httpx is imported": (_GET + _PROVIDER + _HTTPX + _HANDLER, True),
    "its class is imported after httpx": (_PROVIDER + "import httpx\n" + _HTTPX + _GET + _HANDLER, True),
    "an async client": (_PROVIDER + _HTTPX + _AGET + _HANDLER, True),
    "before the layer is there": (_PROVIDER + _HTTPX + _GET + _HANDLER + _DECORATED, False),
}


@pytest.fixture
def server() -> Iterator[Server]:
    """A server that says what it was sent."""
    with serving() as found:
        yield found


def _theirs_alone(observed: Ran, server: Server, *, joined: bool = True) -> None:
    """One span of the call, exported and on the wire; in our line, too, if its provider has joined."""
    for _ in ("cold", "warm"):
        reply = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
        ((span_id, trace_id),) = reply["exported"]
        assert reply["sent"]["traceparent"].split("-")[1:3] == [trace_id, span_id]
        assert reply["sent"]["x-correlation-id"] == "CLM-1"
        own, *calls = observed.spans
        told = [(call["spanId"], call["traceId"], call["parentSpanId"]) for call in calls]
        assert told == [(span_id, trace_id, own["spanId"])] * joined
        assert own["traceId"] == trace_id
        assert observed.said == []


@pytest.mark.parametrize("name", HTTPX)
def test_a_function_that_instruments_httpx_itself(run: Run, server: Server, name: str) -> None:
    """Whenever it does: one span, which its exporter gets, and one traceparent, which is that span's."""
    source, layer = HTTPX[name]
    # A provider that was made before the layer was there, and is nobody's but theirs, is not known to us.
    _theirs_alone(run(source, layer=layer, memory_mb=512), server, joined=layer)


@pytest.mark.parametrize("instrumented", ["HTTPXClientInstrumentor", "no_such_name"])
def test_the_instrumentation_imported_first_and_left_unused(
    run: Run, server: Server, instrumented: str
) -> None:
    """Where the import of it is what imports httpx, whether or not that succeeds: one span, ours."""
    source = f"""
try:
    from opentelemetry.instrumentation.httpx import {instrumented}
except ImportError:
    pass
import httpx
def handler(event, context):
    client = httpx.Client()
    request = client.build_request("GET", event["url"])
    return {{"sent": client.send(request).json(), "own": dict(request.headers)}}
"""
    observed = run(source, memory_mb=512)
    reply = json.loads(observed({**HTTP_EVENT, "url": server.url}).payload)
    own, call = observed.spans
    assert reply["sent"]["traceparent"].split("-")[1:3] == [call["traceId"], call["spanId"]]
    assert call["parentSpanId"] == own["spanId"]
    assert reply["sent"]["x-correlation-id"] == "CLM-1"
    assert "traceparent" not in reply["own"]  # what is sent is a copy
    assert observed.said == []


_REQUESTS = """
from opentelemetry.instrumentation.requests import RequestsInstrumentor
RequestsInstrumentor().instrument(tracer_provider=provider)
"""
_REQUESTS_GET = """
import requests
def get(url): return requests.get(url).json()
"""
#: The same with requests, below which our own patch of urllib3 makes spans.
REQUESTS = {
    "before requests is imported": _PROVIDER + _REQUESTS + _REQUESTS_GET + _HANDLER,
    "after requests is imported": _REQUESTS_GET + _PROVIDER + _REQUESTS + _HANDLER,
}


@overlaid.needs_layers
@pytest.mark.parametrize("name", REQUESTS)
def test_a_function_that_instruments_requests_itself(
    run: Run, opt: Path, tmp_path: Path, server: Server, name: str
) -> None:
    """Likewise; OpenTelemetry's packages are another layer's here."""
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.OPENTELEMETRY)
    (tmp_path / "bundled").mkdir()
    observed = run(REQUESTS[name], opt=layers, isolated_site=tmp_path / "bundled", memory_mb=512)
    _theirs_alone(observed, server)
