"""Metric lines as their real producers write them: datadogpy, aws-embedded-metrics, Powertools."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from datadog.dogstatsd.base import DogStatsd

from subscribers.signals import Metric
from tests.subscribers.lambda_stream import END, REPORT, REQUEST, START, logs, metrics, told

embedded = pytest.importorskip("aws_embedded_metrics", reason="aws-embedded-metrics is not installed")


class _Kept(DogStatsd):
    """datadogpy's client that keeps its datagrams."""

    def __init__(self, **options: Any) -> None:
        super().__init__(disable_buffering=True, disable_telemetry=True, **options)
        self.sent: list[str] = []

    def _send_to_server(self, packet: str, *_: Any, **__: Any) -> bool:
        self.sent += packet.rstrip("\n").split("\n")
        return True


Said = Callable[[_Kept], object]


@pytest.mark.parametrize(
    ("say", "points"),
    [
        (
            lambda c: c.increment("a.b", 3, tags=["k:v", "flag"]),
            [("a.b", "count", 3, {"k": "v", "flag": ""})],
        ),
        (lambda c: c.decrement("a.b"), [("a.b", "count", -1, {})]),
        (lambda c: c.gauge("a.b", -2.5), [("a.b", "gauge", -2.5, {})]),
        (lambda c: c.histogram("a.b", 1e-9), [("a.b", "histogram", 1e-9, {})]),
        (lambda c: c.distribution("a.b", 12), [("a.b", "distribution", 12, {})]),
        (lambda c: c.timing("a.b", 12.5), [("a.b", "timing", 12.5, {})]),
        (lambda c: c.count_with_timestamp("a.b", 2, 1_700_000_000), [("a.b", "count", 2, {})]),
        (lambda c: c.gauge_with_timestamp("a.b", 2, 1_700_000_000), [("a.b", "gauge", 2, {})]),
        (lambda c: c.set("a.b", "urn:ann"), [("a.b", "set", 1, {})]),
        (lambda c: c.increment("a.b", 1, cardinality="low"), [("a.b", "count", 1, {})]),
    ],
)
def test_what_datadogpy_sends_is_read(say: Said, points: list[tuple[object, ...]]) -> None:
    """Each of its methods; the time is the datagram's where it has one."""
    client = _Kept()
    say(client)
    parsed = told(*client.sent)
    found = metrics(parsed)
    assert [(m.name, m.kind, m.value, m.tags) for m in found] == points
    assert (logs(parsed), parsed.notes) == ([], {})
    if "T1700000000" in client.sent[0]:
        assert found[0].time_unix_nano == 1_700_000_000 * 10**9


def test_what_datadogpy_samples_is_scaled_up() -> None:
    """Half of the counts are told, each for two."""
    client = _Kept()
    for _ in range(200):
        client.increment("a.b", sample_rate=0.5)
    assert client.sent
    assert {metric.value for metric in metrics(told(*client.sent))} == {2.0}


def test_what_datadogpy_aggregates_is_read() -> None:
    """It sums counts and keeps each value of a distribution."""
    client = _Kept()
    client.enable_aggregation(flush_interval=1, max_samples_per_context=10)
    for value in range(5):
        client.distribution("a.b", value, tags=["k:v"])
    client.increment("a.c")
    client.increment("a.c", 2)
    client.flush_aggregated_metrics()
    client.disable_aggregation()
    found = metrics(told(*client.sent))
    assert sorted(m.value for m in found if m.name == "a.b") == [0, 1, 2, 3, 4]
    # One point, unless its own thread has flushed in between.
    assert sum(m.value for m in found if m.name == "a.c") == 3


def test_events_and_checks_of_datadogpy_are_logs() -> None:
    """Title and text of any characters and lines, status and message."""
    client = _Kept(constant_tags=["env:prod"])
    client.event(
        "Schäden | zwei\nZeilen",
        "Text: é|ü\nmehr",
        alert_type="warning",
        aggregation_key="k",
        source_type_name="batch",
        priority="low",
        date_happened=1_700_000_000,
        hostname="box",
        tags=["a:b"],
    )
    client.service_check("db.up", client.CRITICAL, tags=["a:b"], hostname="box", message="gone: 3\nm: x")
    parsed = told("\n".join(client.sent[:1]), *client.sent[1:])
    event, check = logs(parsed)
    assert parsed.notes == {}
    assert (event.level, event.message) == ("WARN", "Schäden | zwei\nZeilen\nText: é|ü\nmehr")
    assert event.time_unix_nano == 1_700_000_000 * 10**9
    assert event.attributes["dogstatsd.tags"] == {"a": "b", "env": "prod"}
    assert event.attributes["host.name"] == "box"
    assert (check.level, check.message) == ("ERROR", "db.up is critical: gone: 3\nm: x")
    assert check.attributes["dogstatsd.status"] == "critical"


# --- aws-embedded-metrics -------------------------------------------------------------------


class _Sink:
    """What aws-embedded-metrics serialises."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def accept(self, context: Any) -> None:
        from aws_embedded_metrics.serializers.log_serializer import LogSerializer

        self.lines += LogSerializer().serialize(context)

    @staticmethod
    def name() -> str:
        return "kept"


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Any], None]], list[str]]:
    """Run the library's own logger in Lambda's environment, and return its lines."""
    from aws_embedded_metrics.environment.lambda_environment import LambdaEnvironment
    from aws_embedded_metrics.logger.metrics_context import MetricsContext
    from aws_embedded_metrics.logger.metrics_logger import MetricsLogger

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "claims")
    monkeypatch.setenv("AWS_EXECUTION_ENV", "AWS_Lambda_python3.12")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
    sink = _Sink()

    class Environment(LambdaEnvironment):
        def get_sink(self) -> Any:
            return sink

    async def environment() -> Environment:
        return Environment()

    def run(say: Callable[[Any], None]) -> list[str]:
        logger = MetricsLogger(environment, MetricsContext.empty())
        say(logger)
        asyncio.run(logger.flush())
        return sink.lines

    return run


def _by_name(found: list[Metric]) -> dict[str, list[Metric]]:
    named: dict[str, list[Metric]] = {}
    for metric in found:
        named.setdefault(metric.name, []).append(metric)
    return named


def test_what_aws_embedded_metrics_writes_is_read(written: Any) -> None:
    """Units, several values, several sets of dimensions, high resolution, properties."""
    from aws_embedded_metrics.storage_resolution import StorageResolution

    def say(logger: Any) -> None:
        logger.set_namespace("claims")
        logger.put_dimensions({"product": "motor"})
        logger.put_dimensions({"product": "motor", "channel": "web"})
        logger.put_metric("price", 12.5, "Milliseconds")
        logger.put_metric("price", 7, "Milliseconds")
        logger.put_metric("fine", 7, "Milliseconds", StorageResolution.HIGH)
        logger.put_metric("opened", 3, "Count")
        logger.put_metric("read", 2, "Kilobytes/Second")
        logger.put_metric("bare", 1)
        logger.set_property("claim", {"id": "CLM-1"})

    (line,) = written(say)
    parsed = told(START, line, END, REPORT)
    named = _by_name([m for m in metrics(parsed) if not m.name.startswith("aws.lambda.")])
    assert [m.value for m in named["price"]] == [12.5, 7.0]
    assert {name: (ms[0].kind, ms[0].unit) for name, ms in named.items()} == {
        "price": ("timing", "ms"),
        "opened": ("count", "1"),
        "read": ("distribution", "kBy/s"),
        "bare": ("distribution", ""),
        "fine": ("timing", "ms"),
    }
    tags = named["opened"][0].tags
    assert {"product": "motor", "channel": "web", "namespace": "claims"}.items() <= tags.items()
    assert (tags["ServiceName"], tags["LogGroup"]) == ("claims", "claims")
    assert named["opened"][0].request_id == REQUEST
    document = json.loads(line)
    assert named["opened"][0].time_unix_nano == document["_aws"]["Timestamp"] * 1_000_000
    # What is neither value nor dimension is kept: people search by it.
    (log,) = [log for log in logs(parsed) if log.dataset == "lambda.json"]
    assert log.attributes["claim"] == {"id": "CLM-1"}
    assert log.attributes["memorySize"] == "128"
    assert "opened" not in log.attributes
    assert parsed.notes == {}


@pytest.mark.parametrize("count", [100, 101, 250])
def test_many_metrics_and_values_are_all_read(written: Any, count: int) -> None:
    """The library divides what is too much for one line."""

    def say(logger: Any) -> None:
        for n in range(count):
            logger.put_metric(f"m{n}", n, "Bytes")
            logger.put_metric("values", n)

    parsed = told(*written(say))
    named = _by_name(metrics(parsed))
    assert sorted(m.value for m in named["values"]) == list(map(float, range(count)))
    assert len(named) == count + 1
    assert parsed.notes == {}


def test_a_line_of_the_library_without_metrics_is_a_log(written: Any) -> None:
    """Only properties: nothing was meant to be a metric."""
    lines = written(lambda logger: logger.set_property("claim", "CLM-1"))
    parsed = told(*lines)
    (log,) = logs(parsed)
    assert log.attributes["claim"] == "CLM-1"
    assert (metrics(parsed), parsed.notes) == ([], {})


# --- Powertools -----------------------------------------------------------------------------

POWERTOOLS = """
from aws_lambda_powertools.metrics import Metrics, MetricResolution, MetricUnit, single_metric
metrics = Metrics(namespace="claims", service="claims-api")
metrics.set_default_dimensions(stage="prod")
metrics.add_metric(name="opened", unit=MetricUnit.Count, value=1)
metrics.add_metric(name="opened", unit=MetricUnit.Count, value=2)
metrics.add_metric(name="price", unit=MetricUnit.Milliseconds, value=12.5, resolution=MetricResolution.High)
metrics.add_metadata(key="claim", value="CLM-1")
metrics.flush_metrics()
with single_metric(name="cold", unit=MetricUnit.Count, value=1, namespace="claims") as metric:
    metric.add_dimension(name="function_name", value="claims")
from aws_lambda_powertools.metrics.provider.datadog import DatadogMetrics
datadog = DatadogMetrics(namespace="claims", flush_to_log=True)
datadog.add_metric(name="opened", value=3, timestamp=1700000000, product="motor")
datadog.flush_metrics()
"""


def test_what_powertools_writes_is_read() -> None:
    """Its embedded metrics with metadata, a single metric, and its lines for Datadog's Forwarder."""
    pytest.importorskip("aws_lambda_powertools", reason="aws-lambda-powertools is not installed")
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AWS_")}
    done = subprocess.run(
        [sys.executable, "-c", POWERTOOLS],
        env={**environment, "AWS_REGION": "eu-west-1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    parsed = told(*done.stdout.splitlines())
    found = metrics(parsed)
    assert [(m.name, m.kind, m.value, m.unit) for m in found] == [
        ("opened", "count", 1.0, "1"),
        ("opened", "count", 2.0, "1"),
        ("price", "timing", 12.5, "ms"),
        ("cold", "count", 1.0, "1"),
        ("claims.opened", "distribution", 3.0, ""),
    ]
    assert found[0].tags == {"stage": "prod", "service": "claims-api", "namespace": "claims"}
    assert found[3].tags["function_name"] == "claims"
    assert found[4].tags["product"] == "motor"
    assert found[4].time_unix_nano == 1_700_000_000 * 10**9
    (log,) = logs(parsed)
    assert log.attributes["claim"] == "CLM-1"
    assert parsed.notes == {}
