"""Requests of both sides for tests: short to write, complete to store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec

from observe.ids import derive_trace_id
from subscribers.config import Config, loads
from subscribers.signals import Side, Span
from tests.subscribers.samples import MS, span

#: Of T0 in tests.subscribers.samples: 2023-11-14T22:13:20Z.
T0_TEXT = "2023-11-14T22:13:20Z"
DAY_MS = 86_400_000.0

CONFIG = """
version: 1
services:
  new: {side: serverless, log_groups: [/aws/lambda/new]}
  other: {side: serverless, log_groups: [/aws/lambda/other]}
  old: {side: legacy, log_groups: [/legacy/old]}
endpoints:
"""
BOTH = """
  submit:
    route: POST /claims
    legacy: {service: old}
    serverless: {service: new}
"""

_names = count()


def config(endpoints: str = BOTH) -> Config:
    """Return a configuration with the services `old`, `new` and `other`; endpoints: YAML, indented."""
    return loads(CONFIG + endpoints)


def request(
    side: Side,
    ms: float = 10,
    *,
    at_ms: float = 0,
    route: str = "POST /claims",
    status: int | None = 200,
    service: str = "",
    is_cold: bool = False,
    **more: Any,
) -> Span:
    """One request of a side. status: None for one that failed without an answer; route: "" for none."""
    name = f"r{next(_names)}"
    method, _, path = route.partition(" ")
    attributes: dict[str, Any] = {"http.request.method": method, "http.route": path} if route else {}
    if status is not None:
        attributes["http.response.status_code"] = status
    if is_cold:
        attributes["faas.coldstart"] = True
    defaults: dict[str, Any] = {
        "trace_id": derive_trace_id(name),
        "attributes": attributes,
        "status": "error" if status is None or status >= 500 else "unset",
        "correlation_id": f"id-{name}",
    }
    named = service or ("old" if side == "legacy" else "new")
    return span(name, at_ms, at_ms + ms, named, side, **{**defaults, **more})


def start_of(entry: Span, ms: float) -> Span:
    """The start of a function that a request waited for, as the layer tells it: it ends as that begins."""
    told = span(
        f"i{next(_names)}",
        service=entry.origin.service,
        side="serverless",
        kind="internal",
        trace_id=entry.trace_id,
        parent_span_id=entry.span_id,
        start_unix_nano=entry.start_unix_nano - round(ms * MS),
        end_unix_nano=entry.start_unix_nano,
        attributes={"aws.lambda.initialization_type": "on-demand"},
    )
    return msgspec.structs.replace(told, name="init")


def killed(
    number: int, *, at_ms: float = 0, every_ms: float = 1000, ms: float = 30, is_known: bool = True
) -> Iterator[Span]:
    """Invocations of `new` that only the platform told, without a route. is_known: False where they ended."""
    for i in range(number):
        yield span(
            name := f"k{next(_names)}",
            start := at_ms + i * every_ms,
            start + ms,
            "new",
            "serverless",
            told_by="platform",
            request_id=name,
            trace_id=derive_trace_id(name),
            status="error" if is_known else "unset",
        )


def requests(side: Side, number: int, ms: float = 10, every_ms: float = 1000, **more: Any) -> Iterator[Span]:
    """Many requests, one every `every_ms`; they take `ms`, and up to a fifth more."""
    start = more.pop("at_ms", 0.0)
    for i in range(number):
        yield request(side, ms * (1 + 0.2 * (i % 20) / 20), at_ms=start + i * every_ms, **more)
