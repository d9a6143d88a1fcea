"""aiohttp's own: tasks, cancellation, middlewares, sessions that somebody else traces."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
import pytest

import observe
from observe.testing import Lines
from tests.observe.http_echo import Server, by_aiohttp, call, sent_by


def test_requests_side_by_side_have_their_own_spans(server: Server, lines: Lines) -> None:
    """Tasks of one session do not mix: each request's headers name its own span."""

    async def ask(session: aiohttp.ClientSession, n: int) -> tuple[str, str]:
        with observe.span(f"task {n}") as outer:
            assert outer.context is not None
            async with session.get(f"{server.url}/{n}") as reply:
                return outer.context.span_id, json.loads(await reply.text())["traceparent"]

    async def main() -> list[tuple[str, str]]:
        async with aiohttp.ClientSession() as session:
            return list(await asyncio.gather(*(ask(session, n) for n in range(5))))

    replies = call(lambda: asyncio.run(main()))
    spans = {sent_by(span): span for span in lines.spans if span["kind"] == 3}
    assert len(spans) == 5
    for outer, traceparent in replies:
        assert spans[traceparent]["parentSpanId"] == outer


@pytest.mark.parametrize("kind", ["CancelledError", "TimeoutError"])
def test_a_request_that_is_given_up_is_told(server: Server, lines: Lines, kind: str) -> None:
    """A cancelled request and one that took too long end as failed, with the exception's name."""

    async def main() -> None:
        total = aiohttp.ClientTimeout(total=0.2 if kind == "TimeoutError" else 5)
        async with aiohttp.ClientSession(timeout=total) as session:
            task = asyncio.create_task(session.get(server.url + "/slow"))
            if kind == "CancelledError":
                await asyncio.sleep(0.1)
                task.cancel()
            with pytest.raises((asyncio.CancelledError, TimeoutError)):
                await task

    call(lambda: asyncio.run(main()))
    span = lines.spans[1]
    assert span["status"]["code"] == 2
    assert kind in span["attributes"]["error.type"]


def test_after_a_request_the_span_before_is_current_again(server: Server) -> None:
    """The request's span is the current one only while it runs."""

    async def main() -> tuple[Any, Any]:
        before = observe.current()
        async with aiohttp.ClientSession() as session, session.get(server.url):
            return before, observe.current()

    before, after = call(lambda: asyncio.run(main()))
    assert before == after


def test_a_middleware_that_sends_again(server: Server, lines: Lines) -> None:
    """aiohttp's middlewares may send one request twice: both times it carries the same, and no more."""

    async def twice(request: Any, handler: Any) -> Any:
        (await handler(request)).close()
        return await handler(request)

    async def main() -> None:
        async with aiohttp.ClientSession(middlewares=[twice]) as session, session.get(server.url):
            pass

    call(lambda: asyncio.run(main()))
    first, second = (headers for _, _, headers, _ in server.seen)
    assert first["traceparent"] == second["traceparent"] == sent_by(lines.spans[1])


def test_a_session_that_opentelemetry_traces_is_no_second_span(server: Server, lines: Lines) -> None:
    """A TraceConfig of OpenTelemetry's instrumentation makes the span; we only forward."""

    async def on_request_start(*args: object) -> None:
        """As opentelemetry.instrumentation.aiohttp_client has one."""

    on_request_start.__module__ = "opentelemetry.instrumentation.aiohttp_client"
    config = aiohttp.TraceConfig()
    config.on_request_start.append(on_request_start)

    async def main() -> None:
        async with aiohttp.ClientSession(trace_configs=[config]) as session, session.get(server.url):
            pass

    call(lambda: asyncio.run(main()))
    assert server.headers["x-correlation-id"] == "CLM-1"
    assert len(lines.spans) == 1


@pytest.mark.parametrize("headers", [[("X-App",)], [3], "X-App"], ids=str)
def test_headers_that_are_none_are_the_callers_mistake(server: Server, lines: Lines, headers: Any) -> None:
    """aiohttp's own exception, if it has one; no fault of ours."""
    with contextlib.suppress(TypeError, ValueError, AttributeError):
        call(lambda: by_aiohttp(server.url, headers))
    assert not lines.logs


@pytest.mark.parametrize("headers", [None, [("X-App", "1")], iter([("X-App", "1")]), {"X-App": "1"}])
def test_headers_in_every_form_that_aiohttp_takes(server: Server, headers: Any) -> None:
    """A mapping, pairs, an iterator that can be read only once: all arrive."""
    assert call(lambda: by_aiohttp(server.url, headers)) == 200
    assert server.headers.get("x-app") == (None if headers is None else "1")
    assert server.headers["x-correlation-id"] == "CLM-1"
