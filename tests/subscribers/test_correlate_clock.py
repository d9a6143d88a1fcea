# ruff: noqa: E501 - tables of cases, one a line
"""How far times may be off: what a log is exact to, and what observe.yaml says of its server's clock."""

from __future__ import annotations

from typing import Any

import pytest

from observe.semconv import CLOCK_SKEW_MS
from subscribers.correlate_clock import resolution_ns, skew_ns, tolerance_ns
from subscribers.parse import custom, parse
from tests.subscribers.lambda_stream import NOW, ORIGIN, batch, spans
from tests.subscribers.samples import MS, span

S, US = 1_000_000_000, 1_000


def test_who_told_it() -> None:
    """The layer is exact, whatever its times look like; the platform's lines are of milliseconds."""
    assert resolution_ns(span("a", 0, 1000, told_by="layer")) == 0
    assert resolution_ns(span("a", 0, 1000, told_by="platform")) == MS


@pytest.mark.parametrize(
    ("format", "line", "expected"),
    [
        ("apache", '10.0.0.1 - - [21/Nov/2026:03:30:10 +0000] "GET /a HTTP/1.1" 200 5 1234 "CLM-1" "-"', S),
        ("apache", '10.0.0.1 - - [21/Nov/2026:03:30:10.123 +0000] "GET /a HTTP/1.1" 200 5 1234 "CLM-1" "-"', MS),
        ({"nginx": '$remote_addr [$time_local] "$request" $status $request_time $http_x_correlation_id'}, '10.0.0.1 [21/Nov/2026:03:30:10 +0000] "GET /a HTTP/1.1" 200 0.042 CLM-1', S),
        ({"nginx": '$remote_addr $msec "$request" $status $request_time $http_x_correlation_id'}, '10.0.0.1 1795231810.123 "GET /a HTTP/1.1" 200 0.042 CLM-1', MS),
    ],
    ids=["apache-seconds", "apache-milliseconds", "nginx-seconds", "nginx-milliseconds"],
)  # fmt: skip
def test_what_a_log_is_exact_to(format: Any, line: str, expected: int) -> None:
    """Whichever end a server stamps, the stamp shows it."""
    made = format if isinstance(format, str) else custom(format)
    assert made is not None
    (found,) = spans(parse(batch(line), ORIGIN, made, now_unix_nano=NOW))
    assert resolution_ns(found) == expected


def test_finer_times() -> None:
    """Microseconds, as ALB tells them, and what is finer."""
    assert resolution_ns(span("a", 0.001, 1.234)) == US
    assert resolution_ns(span("a", 0.0001, 1.2344)) == 0


@pytest.mark.parametrize(("value", "expected"), [(250, 250 * MS), (3_600_000, 3600 * S), (3_600_001, 0), (0, 0), (-5, 0), (True, 0), ("250", 0), (2.5, 0), (None, 0)])  # fmt: skip
def test_skew(value: Any, expected: int) -> None:
    """What enrichment wrote; anything else is no skew."""
    assert skew_ns(span("a", attributes={CLOCK_SKEW_MS: value})) == expected


def test_two_services() -> None:
    """Both clocks may be off; one service's clock agrees with itself."""
    one = span("a", 0.001, 1.001, attributes={CLOCK_SKEW_MS: 100})
    other = span("b", 0, 1, "submit", "serverless", told_by="platform", attributes={CLOCK_SKEW_MS: 20})
    assert tolerance_ns(one, other) == tolerance_ns(other, one) == US + MS + 120 * MS
    assert tolerance_ns(one, one) == 2 * US
