# ruff: noqa: E501 - lines as they were written
"""Lines of other loggers in a function's stream: Powertools and structlog write theirs here, pino and winston did."""

from __future__ import annotations

import io
import json
from types import SimpleNamespace
from typing import Any

import pytest
import structlog

from tests.subscribers.lambda_stream import END, REQUEST, SPAN, START, T0_MS, TRACE, log_of, logs, told

T0 = T0_MS * 1_000_000
CONTEXT = SimpleNamespace(
    function_name="f",
    memory_limit_in_mb=128,
    invoked_function_arn="arn:aws:lambda:eu-west-1:1:function:f",
    aws_request_id=REQUEST,
)


@pytest.fixture
def powertools(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Powertools' Logger, writing into a stream of the test's own."""
    module = pytest.importorskip("aws_lambda_powertools", reason="aws-lambda-powertools is not installed")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root=1-{TRACE[:8]}-{TRACE[8:]};Parent={SPAN};Sampled=1")

    def make(**options: Any) -> tuple[Any, io.StringIO]:
        stream = io.StringIO()
        return module.Logger(stream=stream, **options), stream

    return make


def test_powertools(powertools: Any) -> None:
    """Its request, correlation ID, service and error have their places."""
    logger, stream = powertools(service="claims-api", name="one")
    logger.set_correlation_id("CLM-1")

    @logger.inject_lambda_context  # type: ignore[untyped-decorator, unused-ignore]
    def handler(event: Any, context: Any) -> None:
        logger.warning("claim is late", extra={"days": 3})
        try:
            raise ValueError("no policy")
        except ValueError:
            logger.exception("it failed")

    handler({}, CONTEXT)
    late, failed = logs(told(START, *stream.getvalue().splitlines(), END))[1:-1]
    assert (late.message, late.level, late.time_from) == ("claim is late", "WARN", "line")
    assert (late.request_id, late.correlation_id, late.origin.service) == (REQUEST, "CLM-1", "claims-api")
    assert (late.dataset, late.attributes["days"]) == ("lambda.json", 3)
    assert not {"level", "message", "timestamp", "service", "function_request_id"} & late.attributes.keys()
    assert (failed.error_type, failed.error_message) == ("ValueError", "no policy")
    assert failed.error_stack.startswith("Traceback (most recent call last):")


def test_powertools_without_a_service(powertools: Any) -> None:
    """What it calls one that has no name is not a service."""
    logger, stream = powertools(name="two")
    logger.info({"claim": 7})
    log = log_of(stream.getvalue())
    assert (log.origin.service, log.message, log.attributes["claim"]) == ("claims", '{"claim":7}', 7)


@pytest.mark.parametrize(
    "errors", [structlog.processors.format_exc_info, structlog.processors.dict_tracebacks]
)
@pytest.mark.parametrize(
    "stamps", [structlog.processors.TimeStamper("iso"), structlog.processors.TimeStamper()]
)
def test_structlog(errors: Any, stamps: Any) -> None:
    """Its JSON renderer, with the times and the tracebacks that it has."""
    stream = io.StringIO()
    chain = [structlog.processors.add_log_level, stamps, errors, structlog.processors.JSONRenderer()]
    logger = structlog.wrap_logger(structlog.PrintLogger(stream), processors=chain)
    logger.warning("claim is late", days=3)
    try:
        raise ValueError("no policy")
    except ValueError:
        logger.exception("it failed", correlation_id="CLM-1")
    late, failed = logs(told(*stream.getvalue().splitlines()))
    assert (late.message, late.level, late.time_from, late.attributes) == (
        "claim is late",
        "WARN",
        "line",
        {"days": 3},
    )
    assert (failed.message, failed.error_type, failed.error_message) == (
        "it failed",
        "ValueError",
        "no policy",
    )
    assert failed.correlation_id == "CLM-1"


STACK = "TypeError: boom\\n    at Object.<anonymous> (/app/gen.js:2:138)\\n    at Module._compile (node:internal:1521:14)"
# (line, milliseconds after T0, level, message, attributes)
NODE: list[tuple[str, int, str, str, dict[str, Any]]] = [
    (f'{{"level":50,"time":{T0_MS + 349},"pid":8,"hostname":"169.254.1.1","name":"claims","err":{{"type":"TypeError","message":"boom","stack":"{STACK}"}},"msg":"it failed"}}', 349, "ERROR", "it failed", {"log.logger": "claims", "process.pid": 8, "host.name": "169.254.1.1"}),
    (f'{{"level":"error","message":"boom","stack":"{STACK}","timestamp":"2026-11-21T03:30:10.371Z"}}', 371, "ERROR", "boom", {}),
    (f'{{"level":"error","message":"boom","service":"claims-api","stack":"{STACK}","timestamp":"2026-11-21T03:30:10.371Z"}}', 371, "ERROR", "boom", {}),
    (f'{{"name":"old","hostname":"h","pid":8,"level":50,"err":{{"message":"boom","name":"TypeError","stack":"{STACK}"}},"msg":"m","time":"2026-11-21T03:30:10.375Z","v":0}}', 375, "ERROR", "m", {"v": 0, "log.logger": "old", "host.name": "h", "process.pid": 8}),
]  # fmt: skip


@pytest.mark.parametrize(("line", "after_ms", "level", "message", "attributes"), NODE)
def test_loggers_of_node(
    line: str, after_ms: int, level: str, message: str, attributes: dict[str, Any]
) -> None:
    """pino, winston and bunyan."""
    log = log_of(line)
    assert (log.time_unix_nano, log.level, log.message) == (T0 + after_ms * 1_000_000, level, message)
    assert (log.error_type, log.error_message) == ("TypeError", "boom")
    assert log.attributes == attributes


def test_identity_of_other_loggers() -> None:
    """pino-lambda's request ID, and the trace that OpenTelemetry's instrumentation adds."""
    log = log_of(
        json.dumps(
            {
                "level": 30,
                "awsRequestId": REQUEST,
                "x-correlation-id": "CLM-1",
                "trace_id": TRACE,
                "span_id": SPAN,
                "msg": "m",
            }
        )
    )
    assert (log.request_id, log.correlation_id, log.trace_id, log.span_id) == (REQUEST, "CLM-1", TRACE, SPAN)
    assert log.attributes == {}


def test_json_within_lambdas_wrapper() -> None:
    """What a logger wrote as the message of the runtime's record says more than that."""
    inner = json.dumps(
        {"event": "inner", "level": "error", "timestamp": "2026-11-21T03:30:10.5Z", "claim": 7}
    )
    line = {"timestamp": "2026-11-21T03:30:10Z", "level": "INFO", "logger": "root", "requestId": REQUEST}
    log = log_of(json.dumps({**line, "message": inner}))
    assert (log.message, log.level, log.request_id) == ("inner", "ERROR", REQUEST)
    assert log.time_unix_nano == T0 + 500_000_000
    assert log.attributes == {"logger": "root", "claim": 7}


def test_data_within_lambdas_wrapper() -> None:
    """The text stays the message; its members can be searched."""
    log = log_of(json.dumps({"level": "INFO", "requestId": REQUEST, "message": '{"claim": 7}'}))
    assert (log.message, log.attributes) == ('{"claim": 7}', {"claim": 7})


@pytest.mark.parametrize(
    "members",
    [
        {"level": "INFO", "message": "m", "requestId": REQUEST, "severity": "x", "hostname": "h"},
        {
            "timestamp": "2026-11-21T03:30:10.123Z",
            "level": "INFO",
            "message": "m",
            "service": "s",
            "pid": 7,
            "time": 5,
        },
    ],
)
def test_fields_of_ours_keep_their_names(members: dict[str, Any]) -> None:
    """On a line of the layer or the runtime a caller's `pid` is the caller's."""
    log = log_of(json.dumps(members))
    own = {"severity", "hostname", "pid", "time"} & members.keys()
    assert log.attributes == {name: members[name] for name in own}


def test_whole_seconds_are_no_time() -> None:
    """CloudWatch knows the milliseconds."""
    log = log_of('{"level":"info","msg":"m","time":"2026-11-21T03:30:09Z"}')
    assert (log.time_unix_nano, log.time_from) == (T0, "event")


def test_an_event_alone_is_a_print() -> None:
    """`event` is structlog's message only where something else is a logger's, too."""
    log = log_of('{"event": "aws:s3", "claim": 7}')
    assert (log.dataset, log.message) == ("lambda.text", '{"event": "aws:s3", "claim": 7}')
