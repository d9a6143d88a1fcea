"""What Lambda's own lines of invocations become, as a subscriber reads them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from subscribers.envelope import LogBatch, LogEvent
from subscribers.parse import parse
from subscribers.signals import Origin, Signal, Span
from tests.subscribers.samples import span

#: 2026-11-21T03:30:00Z
T0_MS = 1_795_231_800_000


def request(n: int) -> str:
    """Return the nth request ID."""
    return str(UUID(int=n + (4 << 76)))


def origin(function: str, stream: str = "0a") -> Origin:
    """The log stream of one environment of a function."""
    return Origin(
        "123456789012",
        "eu-west-1",
        f"/aws/lambda/{function}",
        f"2026/11/21/[$LATEST]{stream}",
        function,
        "serverless",
    )


def lines(function: str, *told: tuple[float, str], stream: str = "0a") -> list[Signal]:
    """What lines of a function become. told: (seconds after T0, line)."""
    place = origin(function, stream)
    events = tuple(
        LogEvent(id=str(n), timestamp_ms=T0_MS + round(s * 1000), message=m) for n, (s, m) in enumerate(told)
    )
    batch = LogBatch(
        owner=place.account,
        log_group=place.log_group,
        log_stream=place.log_stream,
        filters=("all",),
        message_type="DATA_MESSAGE",
        events=events,
    )
    parsed = parse(batch, place, "lambda", now_unix_nano=T0_MS * 1_000_000)
    return list(parsed.signals)


def invoked(
    function: str,
    n: int = 1,
    at_s: float = 0,
    billed_ms: int = 1000,
    size_mb: int = 1024,
    used_mb: int = 900,
    init_ms: int = 0,
    *,
    parts: str = "START END REPORT",
    status: str = "",
    said: str = "",
    stream: str = "0a",
) -> list[Signal]:
    """One invocation from its START to its REPORT; said: a line of its own; init_ms: billed, as today."""
    id = request(n)
    end_s = at_s + billed_ms / 1000
    init = f"Init Duration: {init_ms}.00 ms\t" if init_ms else ""
    told = [
        (at_s, f"START RequestId: {id} Version: $LATEST\n"),
        *([(at_s, said)] if said else []),
        (end_s, f"END RequestId: {id}\n"),
        (
            end_s,
            f"REPORT RequestId: {id}\tDuration: {billed_ms - init_ms}.00 ms\t"
            f"Billed Duration: {billed_ms} ms\tMemory Size: {size_mb} MB\t"
            f"Max Memory Used: {used_mb} MB\t{init}{status}\n",
        ),
    ]
    wanted = (*parts.split(), said) if said else tuple(parts.split())
    return lines(function, *(one for one in told if one[1].startswith(wanted)), stream=stream)


def entry(function: str, n: int, trace: int, at_s: float = 0, name: str = "", **more: Any) -> Span:
    """The layer's span of an invocation. trace: number of its trace; more: fields and `attributes`."""
    start = (T0_MS + round(at_s * 1000)) * 1_000_000
    fields = {
        "trace_id": f"{trace:032x}",
        "span_id": f"{trace:08x}{n:08x}",
        "origin": origin(function)
        if function != "legacy"
        else Origin("1", "", "/legacy", "web", "legacy", "legacy"),
        "start_unix_nano": start,
        "end_unix_nano": start + 1_000_000,
        "request_id": request(n) if function != "legacy" else "",
        "told_by": "layer" if function != "legacy" else "access_log",
        **more,
    }
    return span(name or f"{function}-{n}-{trace}", **fields)


def served(function: str, n: int, trace: int, route: str = "/claims", at_s: float = 0, **more: Any) -> Span:
    """The layer's span of an invocation that serves POST `route`."""
    attributes = {"http.request.method": "POST", "http.route": route}
    return entry(function, n, trace, at_s, **{"attributes": attributes, **more})
