"""Builders of what a function's log stream holds, shared by the tests of the parsers."""

from __future__ import annotations

from typing import Any

from subscribers.envelope import LogBatch, LogEvent
from subscribers.parse import Parsed, parse
from subscribers.signals import Log, Metric, Origin, Span

REQUEST = "6f1c5b0e-1111-4222-8333-444455556666"
OTHER = "7a2d6c1f-2222-4333-8444-555566667777"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SPAN = "00f067aa0ba902b7"
#: 2026-11-21T03:30:10Z
T0_MS = 1_795_231_810_000
NOW = 1_795_231_900_000_000_000
ORIGIN = Origin(
    "123456789012", "eu-west-1", "/aws/lambda/claims", "2026/11/21/[$LATEST]0a", "claims", "serverless"
)

START = f"START RequestId: {REQUEST} Version: $LATEST\n"
END = f"END RequestId: {REQUEST}\n"
REPORT = (
    f"REPORT RequestId: {REQUEST}\tDuration: 9.14 ms\tBilled Duration: 10 ms\tMemory Size: 128 MB\t"
    "Max Memory Used: 36 MB\t"
)
COLD = f"{REPORT}Init Duration: 190.62 ms\t\n"


def batch(*messages: str, group: str = ORIGIN.log_group) -> LogBatch:
    """A batch of lines that are a millisecond apart."""
    events = tuple(
        LogEvent(id=str(n), timestamp_ms=T0_MS + n, message=message) for n, message in enumerate(messages)
    )
    return LogBatch(
        owner=ORIGIN.account,
        log_group=group,
        log_stream=ORIGIN.log_stream,
        filters=("all",),
        message_type="DATA_MESSAGE",
        events=events,
    )


def told(*messages: str, format: str = "lambda", origin: Origin = ORIGIN) -> Parsed:
    """What lines become."""
    return parse(batch(*messages), origin, format, now_unix_nano=NOW)


def logs(parsed: Parsed) -> list[Log]:
    return [signal for signal in parsed.signals if isinstance(signal, Log)]


def spans(parsed: Parsed) -> list[Span]:
    return [signal for signal in parsed.signals if isinstance(signal, Span)]


def metrics(parsed: Parsed) -> list[Metric]:
    return [signal for signal in parsed.signals if isinstance(signal, Metric)]


def values(parsed: Parsed) -> dict[str, float]:
    """Name -> value of the platform's metrics; asserts that none was told twice."""
    found = metrics(parsed)
    assert len({metric.name for metric in found}) == len(found)
    return {metric.name.removeprefix("aws.lambda."): metric.value for metric in found}


def log_of(line: str) -> Log:
    """The only log of a single line."""
    (log,) = logs(told(line))
    return log


def attributes(log: Log, *names: str) -> dict[str, Any]:
    return {name: log.attributes.get(name) for name in names}
