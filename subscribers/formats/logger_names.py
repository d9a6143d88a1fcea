"""Where loggers put what: the names that JSON lines and logfmt lines use for the same few things.

Powertools, structlog, python-json-logger, pino, winston, bunyan, logstash-logback-encoder, log4j's and
logback's JSON, ECS, GELF, Serilog's CLEF, zap, logrus, Lambda's own. Within a role the first name wins that
holds a value of the right kind; the others stay attributes.
"""

from __future__ import annotations

from types import MappingProxyType

from observe import semconv

TIME = (
    "@timestamp",
    "timestamp",
    "time",
    "ts",
    "@t",
    "asctime",
    "datetime",
    "timeMillis",
    "instant",
    "Timestamp",
    "date",
)
LEVEL = (
    "level",
    "log.level",
    "levelname",
    "severity",
    "severity_text",
    "severityText",
    "loglevel",
    "log_level",
    "logLevel",
    "lvl",
    "@l",
    "Level",
    "at",
)
#: `event` is structlog's; `log` is what container runtimes wrap a line in.
MESSAGE = (
    "message",
    "msg",
    "@m",
    "short_message",
    "event",
    "@mt",
    "RenderedMessage",
    "MessageTemplate",
    "log",
    "body",
)
LOGGER = ("logger", "logger_name", "loggerName", "log.logger", "SourceContext", "logger.name")
THREAD = ("thread", "thread_name", "threadName", "process.thread.name", "thread.name")
REQUEST_ID = (
    "requestId",
    "function_request_id",
    "awsRequestId",
    "aws_request_id",
    "AwsRequestId",
    "faas.execution",
    "faas.invocation_id",
)
SERVICE = ("service", "service.name")

#: Name -> (what OpenTelemetry or ECS calls it, the type of its values).
RENAMED: MappingProxyType[str, tuple[str, type]] = MappingProxyType(
    {
        "pid": (semconv.PROCESS_PID, int),
        "process": (semconv.PROCESS_PID, int),
        "hostname": (semconv.HOST_NAME, str),
        "HOSTNAME": (semconv.HOST_NAME, str),
        "thread_id": ("thread.id", int),
        "threadId": ("thread.id", int),
        "process.thread.id": ("thread.id", int),
        "pathname": ("code.file.path", str),
        "lineno": ("code.line.number", int),
        "funcName": ("code.function.name", str),
        "caller_file_name": ("code.file.path", str),
        "caller_line_number": ("code.line.number", int),
        "caller_method_name": ("code.function.name", str),
        "log.origin.file.name": ("code.file.path", str),
        "log.origin.file.line": ("code.line.number", int),
        "log.origin.function": ("code.function.name", str),
    }
)

#: Any of these makes a JSON object a log record, whoever reads it.
SURE = frozenset(
    {"message", "msg", "level", "levelname", "log.level", "@m", "@mt", "@l", "short_message", "requestId"}
    | {
        "errorType",
        "errorMessage",
        "severity",
        "lvl",
        "exception",
        "loglevel",
        "RenderedMessage",
        "MessageTemplate",
    }
)
#: What a logger writes beside `event` and `log`, which alone may mean anything.
BESIDE = frozenset({"timestamp", "logger", "time", "@timestamp", "stream", "exc_info", "ts"})
#: Names that neither the layer nor Lambda's runtime writes: with one of these it is another logger's line.
STRONG = frozenset(
    {
        "@timestamp",
        "msg",
        "@t",
        "@m",
        "@mt",
        "@l",
        "log.level",
        "levelname",
        "short_message",
        "instant",
        "timeMillis",
    }
    | {
        "function_request_id",
        "xray_trace_id",
        "function_memory_size",
        "logger_name",
        "loggerName",
        "thread_name",
    }
    | {
        "stack_trace",
        "stacktrace",
        "stack",
        "exc_info",
        "exception",
        "thrown",
        "throwable",
        "RenderedMessage",
    }
    | {"MessageTemplate", "contextMap", "mdc", "ecs.version", "awsRequestId", "aws_request_id", "asctime"}
    | {"correlationId", "x-correlation-id", "traceId", "trace.id", "dd.trace_id"}
)
#: Names that are a logger's as well as what anybody might log with the layer.
WEAK = frozenset(
    {
        "pid",
        "hostname",
        "err",
        "severity",
        "lvl",
        "loglevel",
        "ts",
        "time",
        "trace.id",
        "traceId",
        "traceparent",
    }
    | {
        "correlationId",
        "x-correlation-id",
        "x-correlation-trace-id",
        "spanId",
        "error.type",
        "dd.trace_id",
        "dd",
    }
)
