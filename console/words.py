"""How durations, times and spans are said to people. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from observe import semconv
from subscribers.signals import Span

_NS_PER_MS = 1_000_000


def milliseconds(duration_ns: int) -> str:
    """Return a duration for people: `0.42 ms`, `87 ms`, `1.24 s`, `3.2 min`."""
    ms = duration_ns / _NS_PER_MS
    if ms < 10:
        return f"{ms:.2f} ms"
    if ms < 1_000:
        return f"{ms:.0f} ms"
    return f"{ms / 1_000:.2f} s" if ms < 120_000 else f"{ms / 60_000:.1f} min"


def instant(time_unix_nano: int) -> str:
    """Return a time as RFC 3339 with milliseconds, UTC."""
    ms = time_unix_nano // _NS_PER_MS
    return datetime.fromtimestamp(ms // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%S") + f".{ms % 1_000:03d}Z"


def is_cold(span: Span) -> bool:
    """Whether the span is the first invocation of its environment."""
    return span.attributes.get(semconv.FAAS_COLDSTART) is True


def is_timeout(span: Span) -> bool:
    """Whether the span ended because its time was up."""
    told = f"{span.attributes.get(semconv.ERROR_TYPE, '')} {span.status_message}".lower()
    return span.status == "error" and any(word in told for word in ("timeout", "timed out", "time out"))


def operation(span: Span) -> str:
    """Return the span's name; OpenTelemetry names an HTTP call by its method alone, so its host is added."""
    url = span.attributes.get(semconv.URL_FULL)
    if span.kind != "client" or not isinstance(url, str) or "/" in span.name:
        return span.name
    host = url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return f"{span.name} {host}".rstrip()
