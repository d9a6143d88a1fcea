"""Secrets out of what metrics tell: tags, members of sets, events and service checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import pytest

from observe import invocation as invocations
from observe import metrics, wire
from observe.redaction import MARK
from observe.testing import Lines
from tests.observe.running import run

URL = "postgres://bob:hunter2@host/db"
TAGS: list[Any] = [
    {"token": "hunter2", "a": "b"},
    MappingProxyType({"token": "hunter2"}),
    ["token:hunter2", f"url:{URL}", "a:b"],
    ("token:hunter2",),
    [("token", "hunter2"), ("a", "b")],
    "token:hunter2",
    {"url": URL},
]


@pytest.mark.parametrize("tags", TAGS)
@pytest.mark.parametrize(
    "call",
    [
        lambda tags: metrics.increment("m", tags=tags),
        lambda tags: metrics.gauge("m", 1, tags=tags, sample_rate=0.999999),
        lambda tags: metrics.gauge_with_timestamp("m", 1, 1_700_000_000, tags=tags),
        lambda tags: metrics.set("m", "x", tags=tags),
        lambda tags: metrics.event("t", "m", tags=tags),
        lambda tags: metrics.service_check("c", 0, tags=tags),
    ],
)
def test_tags_tell_no_secret(lines: Lines, tags: Any, call: Callable[[Any], None]) -> None:
    """In any form in which tags are given, and what is none of it stays."""

    def handler(event: Any, context: Any) -> None:
        call(tags)
        call(tags)

    run({}, handler)
    text = b"".join(lines.raw).decode()
    assert "hunter2" not in text
    assert "REDACTED" in text
    if isinstance(tags, Mapping | list) and len(tags) > 1:
        assert "a:b" in text


def test_texts_tell_no_secret(lines: Lines) -> None:
    """Of events, checks and sets; an event's lengths are those of what is written."""

    def handler(event: Any, context: Any) -> None:
        metrics.event("password=hunter2", "token=hunter2", aggregation_key="password=hunter2", hostname=URL)
        metrics.event("large", "password=hunter2 " * 100_000)
        metrics.service_check("c", 0, message=f"no {URL}")
        for member in ("password=hunter2", "password=hunter2", "x"):
            metrics.set("s", member)

    run({}, handler)
    metrics.set("s", "password=hunter2")
    text = b"".join(lines.raw).decode()
    assert "hunter2" not in text
    assert f"_e{{19,16}}:password={MARK}|token={MARK}|" in text
    assert f"|m:no postgres://bob:{MARK}@host/db" in text
    assert text.count(f"s:password={MARK}|s") == 2
    assert "s:x|s" in text


def test_a_series_is_looked_at_once(lines: Lines) -> None:
    """The next value of it finds what was made."""
    from observe import series

    run({}, lambda event, context: metrics.increment("m", tags={"token": "hunter2"}))
    assert series.known["count", "m", (("token", "hunter2"),)].tags == (f"token:{MARK}",)


def test_names_and_texts_of_span_events_tell_no_secret() -> None:
    """Nor the name of a span."""
    span = wire.Span("a" * 32, "b" * 16, "", "GET password=hunter2", wire.KIND_SERVER, 1)
    span.events.append(("login with password=hunter2", 1, {"url": URL}))
    span.events.append(("x" * 500_000 + "password=hunter2", 2, {}))
    assert invocations._redact(span) is True
    assert span.name == f"GET password={MARK}"
    assert span.events[0] == (f"login with password={MARK}", 1, {"url": f"postgres://bob:{MARK}@host/db"})
    assert len(span.events[1][0]) < 2_000
