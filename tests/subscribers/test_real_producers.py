"""What real libraries put out, over all that they can do: datadogpy on a socket, aws-embedded-metrics,
Powertools, structlog."""

from __future__ import annotations

import io
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from datadog.dogstatsd.base import DogStatsd

from subscribers.detect import detect
from subscribers.parse import named
from subscribers.parsers import units
from subscribers.signals import Metric
from tests.subscribers.formats.test_records import page
from tests.subscribers.lambda_stream import REQUEST, SPAN, TRACE, logs, metrics, told

embedded = pytest.importorskip("aws_embedded_metrics", reason="aws-embedded-metrics is not installed")
powertools = pytest.importorskip("aws_lambda_powertools", reason="aws-lambda-powertools is not installed")


# --- datadogpy ------------------------------------------------------------------------------


@pytest.fixture
def agent() -> Iterator[socket.socket]:
    """A socket that datagrams are sent to."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.bind(("127.0.0.1", 0))
        opened.settimeout(5)
        yield opened


def _client(agent: socket.socket, **options: Any) -> DogStatsd:
    given = {"disable_telemetry": True, "disable_buffering": True, **options}
    return DogStatsd(host="127.0.0.1", port=agent.getsockname()[1], **given)


def test_datagrams_as_they_come_on_the_wire(agent: socket.socket) -> None:
    """With a namespace, constant tags and tags of any text."""
    client = _client(agent, namespace="shop", constant_tags=["env:prod", "flag"])
    client.increment("claims", tags=["product:motor|x", "a,b", "käse:é", "url:http://x/y"])
    (metric,) = metrics(told(agent.recv(65_536).decode()))
    assert (metric.name, metric.kind, metric.value) == ("shop.claims", "count", 1.0)
    assert metric.tags["env"] == "prod"
    assert metric.tags["flag"] == ""
    assert metric.tags["url"] == "http://x/y"
    client.stop()


def test_a_packet_of_several_datagrams(agent: socket.socket) -> None:
    """The client buffers; what it sends at once is one text of several lines, and may be one event."""
    client = _client(agent, disable_buffering=False)
    client.increment("a.b", tags=["k:v"])
    client.gauge("a.c", 2)
    client.set("a.d", "x")
    client.flush()
    parsed = told(agent.recv(65_536).decode())
    assert [(m.name, m.kind) for m in metrics(parsed)] == [("a.b", "count"), ("a.c", "gauge"), ("a.d", "set")]
    assert parsed.notes == {}
    client.increment("a.b")
    client.event("late", "it is\nlate")
    client.service_check("db.up", client.OK)
    client.flush()
    parsed = told(*agent.recv(65_536).decode().splitlines())  # as standard output has them
    assert [(m.name, m.kind) for m in metrics(parsed)] == [("a.b", "count")]
    assert [log.message for log in logs(parsed)] == ["late\nit is\nlate", "db.up is ok"]
    client.stop()


def test_what_is_timed(agent: socket.socket) -> None:
    """As a context and as a decorator, in seconds and in milliseconds, of functions and distributions."""
    client = _client(agent)
    with client.timed("a.b"):
        pass
    with client.timed("a.b", use_ms=True):
        pass
    with client.distributed("a.c"):
        pass

    @client.timed(tags=["k:v"])
    def work() -> None:
        pass

    work()
    parsed = told(*(agent.recv(65_536).decode() for _ in range(4)))
    assert [m.kind for m in metrics(parsed)] == ["timing", "timing", "distribution", "timing"]
    assert [m.unit for m in metrics(parsed)] == ["ms", "ms", "", "ms"]
    assert parsed.notes == {}
    client.stop()


@pytest.mark.parametrize("value", [0, -1, 1e-12, 1e14, 2**53, 0.1 + 0.2, -0.0])
def test_values_of_any_size(agent: socket.socket, value: float) -> None:
    """Written as Python writes them."""
    client = _client(agent)
    client.distribution("a.b", value)
    (metric,) = metrics(told(agent.recv(65_536).decode()))
    assert metric.value == value
    client.stop()


@pytest.mark.parametrize("status", range(4))
@pytest.mark.parametrize("alert_type", ["info", "success", "warning", "error"])
def test_events_and_checks_of_every_kind(agent: socket.socket, status: int, alert_type: str) -> None:
    """Each has its level."""
    client = _client(agent)
    client.event("title", "text", alert_type=alert_type)
    client.service_check("db.up", status)
    event, check = logs(told(agent.recv(65_536).decode(), agent.recv(65_536).decode()))
    assert event.level == {"warning": "WARN", "error": "ERROR"}.get(alert_type, "INFO")
    assert check.level == ("INFO", "WARN", "ERROR", "WARN")[status]
    client.stop()


# --- EMF ------------------------------------------------------------------------------------


def _unit_of(metric: Metric) -> tuple[str, str]:
    return metric.kind, metric.unit


@pytest.mark.parametrize("unit", [unit.value for unit in embedded.unit.Unit])
def test_every_unit_of_aws_embedded_metrics(unit: str) -> None:
    """Has one of UCUM, but `None`; each value of a list is a point, each set of dimensions gives its tags."""
    from aws_embedded_metrics.logger.metrics_context import MetricsContext
    from aws_embedded_metrics.serializers.log_serializer import LogSerializer

    context = MetricsContext.empty()
    context.namespace = "claims"
    context.put_dimensions({"product": "motor"})
    context.put_dimensions({"channel": "web", "region": "eu"})
    context.put_metric("n", 1.5, unit)
    context.put_metric("n", 2, unit)
    (line,) = LogSerializer().serialize(context)
    parsed = told(line)
    one, two = metrics(parsed)
    assert (one.value, two.value) == (1.5, 2.0)
    assert _unit_of(one) == _unit_of(two) == units.BY_NAME.get(unit, ("distribution", ""))
    assert (one.unit == "") == (unit == "None")
    assert {
        "product": "motor",
        "channel": "web",
        "region": "eu",
        "namespace": "claims",
    }.items() <= one.tags.items()
    assert parsed.notes == {}


METRICS = """
from types import SimpleNamespace
from aws_lambda_powertools.metrics import Metrics, MetricUnit
metrics = Metrics(namespace="claims", service="claims-api")
@metrics.log_metrics(capture_cold_start_metric=True, default_dimensions={"stage": "prod"})
def handler(event, context):
    for n, unit in enumerate(MetricUnit):
        metrics.add_metric(name=unit.name, unit=unit, value=n)
    metrics.add_dimension(name="product", value="motor")
    if hasattr(metrics, "add_dimensions"):
        metrics.add_dimensions(channel="web", area="eu")
    metrics.add_metadata(key="claim", value={"id": 7})
handler({}, SimpleNamespace(function_name="claims", aws_request_id="r"))
"""


def _ran(source: str) -> list[str]:
    """The lines that a program prints in a process of its own."""
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "POWERTOOLS_"))
    }
    done = subprocess.run(
        [sys.executable, "-c", source],
        env={**environment, "AWS_REGION": "eu-west-1", "AWS_LAMBDA_FUNCTION_NAME": "claims"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


def test_every_unit_of_powertools() -> None:
    """With its cold start, default and own dimensions, and metadata."""
    from aws_lambda_powertools.metrics import MetricUnit

    parsed = told(*_ran(METRICS))
    cold, *rest = sorted(metrics(parsed), key=lambda metric: metric.name != "ColdStart")
    assert (cold.name, cold.kind, cold.value, cold.tags["function_name"]) == (
        "ColdStart",
        "count",
        1.0,
        "claims",
    )
    assert {m.name: _unit_of(m) for m in rest} == {
        unit.name: units.BY_NAME.get(unit.value, ("distribution", "")) for unit in MetricUnit
    }
    assert {"stage": "prod", "service": "claims-api", "product": "motor", "area": "eu"}.items() <= rest[
        0
    ].tags.items()
    (log,) = logs(parsed)
    assert log.attributes["claim"] == {"id": 7}
    assert parsed.notes == {}


LOGGER = """
import os
from types import SimpleNamespace
from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging import correlation_paths
os.environ["_X_AMZN_TRACE_ID"] = "Root=1-%(root)s;Parent=%(parent)s;Sampled=1"
logger = Logger(service="claims-api", level="DEBUG", log_uncaught_exceptions=True, utc=True)
logger.append_keys(tenant="acme", nested={"a": [1, None, True]})
context = SimpleNamespace(function_name="claims", memory_limit_in_mb=128, aws_request_id="%(request)s",
                          invoked_function_arn="arn:aws:lambda:eu-west-1:1:function:claims")
@logger.inject_lambda_context(correlation_id_path=correlation_paths.API_GATEWAY_REST, log_event=True)
def handler(event, context):
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(logger, level)("at %%s", level, extra={"days": 3})
    logger.info({"claim": 7, "state": "open"})
    logger.info("é \\u2028 \\U0001f600 \\"quoted\\"\\nsecond line")
    logger.remove_keys(["tenant"])
    try:
        try:
            {}["claim"]
        except KeyError as cause:
            raise ValueError("no policy") from cause
    except ValueError:
        logger.exception("it failed")
    logger.info("no exception", exc_info=False, stack_info=True)
handler({"requestContext": {"requestId": "CLM-1"}}, context)
raise RuntimeError("uncaught")
"""


def test_all_that_powertools_logs() -> None:
    """Levels, mappings, text of any characters, nested keys, causes, and what nobody caught."""
    source = LOGGER % {"root": f"{TRACE[:8]}-{TRACE[8:]}", "parent": SPAN, "request": REQUEST}
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=60)
    parsed = told(*done.stdout.split("\n")[:-1])  # not at U+2028
    found = logs(parsed)
    assert parsed.notes == {}
    assert {log.request_id for log in found} == {REQUEST}
    assert {log.origin.service for log in found} == {"claims-api"}
    assert all(log.time_from == "line" and log.dataset == "lambda.json" for log in found)
    event, *levels = found[:6]
    assert "requestContext" in event.message
    assert [log.level for log in levels] == ["DEBUG", "INFO", "WARN", "ERROR", "FATAL"]
    assert [log.message for log in levels][-1] == "at critical"
    assert {log.correlation_id for log in found} == {"CLM-1"}
    assert levels[0].attributes["nested"] == {"a": [1, None, True]}
    mapping, text, failed, stack, uncaught = found[6:]
    assert (mapping.attributes["claim"], mapping.attributes["state"]) == (7, "open")
    assert text.message == 'é \u2028 \U0001f600 "quoted"\nsecond line'
    assert (failed.error_type, failed.error_message) == ("ValueError", "no policy")
    assert "KeyError: 'claim'" in failed.error_stack
    assert "tenant" not in failed.attributes
    assert stack.error_type == ""
    assert (uncaught.error_type, uncaught.error_message) == ("RuntimeError", "uncaught")


# --- structlog ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("renderer", "format"),
    [
        (structlog.processors.JSONRenderer(sort_keys=True), "json"),
        (structlog.processors.LogfmtRenderer(), "logfmt"),
        (structlog.processors.KeyValueRenderer(), "logfmt"),
    ],
)
def test_every_renderer_of_structlog(renderer: Any, format: str) -> None:
    """On the legacy side, where the lines say themselves what they are; time and level are the line's."""
    stream = io.StringIO()
    stamp = structlog.processors.TimeStamper("iso")
    logger = structlog.wrap_logger(
        structlog.PrintLogger(stream), processors=[structlog.processors.add_log_level, stamp, renderer]
    )
    for n in range(5):
        logger.warning("claim is late", days=n, who="Ann Lee", correlation_id=f"CLM-{n}")
    given = page(*stream.getvalue().splitlines())
    found = detect(given)
    assert found.confidence == 1.0
    assert found.name == format
    parsed = named(found.name)(given)
    assert parsed.notes == {}
    for n, log in enumerate(logs(parsed)):
        assert (log.message, log.level, log.time_from) == ("claim is late", "WARN", "line")
        assert log.correlation_id == f"CLM-{n}"
        assert str(log.attributes["days"]) == str(n)
        assert log.attributes["who"] == "Ann Lee"


def test_lines_of_structlogs_console_are_kept() -> None:
    """What is made for eyes is text, with its colours gone or not: nothing is lost."""
    stream = io.StringIO()
    chain: list[Any] = [structlog.processors.add_log_level, structlog.dev.ConsoleRenderer(colors=False)]
    structlog.wrap_logger(structlog.PrintLogger(stream), processors=chain).warning("claim is late", days=3)
    (log,) = logs(told(stream.getvalue()))
    assert "claim is late" in log.message
    assert json.dumps(log.attributes)
