"""Powertools beside us, as its layer: its lines and its EMF are byte for byte what they are without us."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.observe import overlaid
from tests.observe.attached import HTTP_EVENT, Ran, Run
from tests.observe.http_echo import serving

pytestmark = [pytest.mark.runtime, overlaid.needs_layers]

APP = """
    import urllib.request
    from aws_lambda_powertools import Logger, Metrics, Tracer
    from aws_lambda_powertools.metrics import MetricUnit
    from aws_lambda_powertools.metrics.provider.datadog import DatadogMetrics

    logger, metrics, tracer = Logger(), Metrics(namespace="claims"), Tracer()
    points = DatadogMetrics(namespace="claims", flush_to_log=True)

    @logger.inject_lambda_context(correlation_id_path='headers."x-correlation-id"', log_event=True)
    @tracer.capture_lambda_handler
    @metrics.log_metrics(capture_cold_start_metric=True)
    @points.log_metrics
    def handler(event, context):
        logger.info("accepted", extra={"claim": "ë"})
        logger.debug("not written")
        metrics.add_metric("accepted", MetricUnit.Count, 1)
        metrics.add_dimension("product", "motor")
        points.add_metric(name="accepted", value=1, tags=["product:motor"])
        try:
            1 / 0
        except ZeroDivisionError:
            logger.exception("caught")
        if event.get("boom"):
            raise ValueError("no such claim")
        return urllib.request.urlopen(event["url"]).read().decode()
"""

BATCH = """
    from aws_lambda_powertools import Logger
    from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

    processor, logger = BatchProcessor(event_type=EventType.SQS), Logger()

    def handle(record):
        logger.info(record.body)
        if record.body == "bad":
            raise ValueError("no such claim")

    def handler(event, context):
        return process_partial_response(event, handle, processor, context)
"""

ENVIRONMENT = {"POWERTOOLS_SERVICE_NAME": "claims", "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9"}


def _both(run: Run, opt: Path, tmp_path: Path, source: str, **environment: str) -> tuple[Ran, Ran]:
    """The function with Powertools' layer alone, and with ours beside it."""
    site = tmp_path / "site"
    site.mkdir()
    layers = overlaid.overlay(opt, tmp_path / "opt", overlaid.POWERTOOLS)
    alone = overlaid.overlay(opt, tmp_path / "alone", overlaid.POWERTOOLS)
    for ours in ("observe-exec", "observe-lib", "python/observe"):
        (alone / ours).unlink()
    given = {**ENVIRONMENT, **environment}
    options: dict[str, Any] = {"isolated_site": site, "memory_mb": 256}
    bare = run(source, environment={**given, "AWS_LAMBDA_EXEC_WRAPPER": ""}, opt=alone, **options)
    return bare, run(source, environment=given, opt=layers, **options)


def _lines(ran: Ran) -> list[str]:
    """Powertools' own lines with times, and what differs between two folders and processes, masked."""
    return [
        re.sub(
            r'\d{4}-\d\d-\d\d[T ][0-9:.,]+(Z|\+0000)|"Timestamp": ?\d{13}|"e":\d{10}|/(task\d|opt|alone)/',
            "*",
            line,
        )
        for line in ran.application
        # Ours; and in JSON mode the lines that the runtime writes for `logging` get our fields.
        if not re.search(
            r'"resourceSpans"|"event":"observe\.|"type":"platform\.|"logger": "aws_xray_sdk|"errorType"', line
        )
    ]


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
@pytest.mark.parametrize("boom", [False, True])
@pytest.mark.parametrize("untraced", ["true", "false"])
def test_its_lines_are_untouched(
    run: Run, opt: Path, tmp_path: Path, log_format: str, boom: bool, untraced: str
) -> None:
    """Logger, Metrics, Datadog's metrics and a Tracer that is on or off: only our span line is added."""
    more = {"AWS_LAMBDA_LOG_FORMAT": log_format, "POWERTOOLS_TRACE_DISABLED": untraced}
    bare, observed = _both(run, opt, tmp_path, APP, **more)
    header = "Root=1-67891233-abcdef012345678912345678;Parent=463ac35c9f6413ad;Sampled=1"
    with serving() as server:
        event = {**HTTP_EVENT, "url": server.url, "boom": boom}
        results = [each(event, trace_header=header) for each in (bare, observed)]
    assert [result.status for result in results] == ["error" if boom else "success"] * 2
    written = _lines(observed)
    assert written == _lines(bare)
    assert any('"_aws"' in line for line in written)
    assert any('"m":"claims.accepted"' in line for line in written)
    assert observed.said == []
    assert observed.spans[0]["attributes"]["correlation_id"] == "CLM-1"
    if not boom:
        sent = json.loads(json.loads(results[1].payload))
        assert sent["x-correlation-id"] == "CLM-1"
        assert sent["traceparent"].split("-")[2] in [span["spanId"] for span in observed.spans]


def test_its_batch_processor(run: Run, opt: Path, tmp_path: Path) -> None:
    """The reply that names failed records is Powertools', and our span tells of it."""
    bare, observed = _both(run, opt, tmp_path, BATCH)
    records = [
        {
            "messageId": name,
            "body": name,
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:123456789012:claims",
            "attributes": {},
            "messageAttributes": {},
        }
        for name in ("good", "bad")
    ]
    replies = [json.loads(each({"Records": records}).payload) for each in (bare, observed)]
    assert replies[0] == replies[1] == {"batchItemFailures": [{"itemIdentifier": "bad"}]}
    assert observed.spans[0]["attributes"]["error.type"] == "batch_item_failures"
    assert observed.said == []
