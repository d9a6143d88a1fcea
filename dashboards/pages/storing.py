"""What is shown of tables and buckets, and of what answers requests: gateways, AppSync, CloudFront."""

from __future__ import annotations

from dashboards.pages.shown import Drawn, Shown
from dashboards.resources import Kind

_UNITS = (Drawn("read", "table.read_units"), Drawn("written", "table.write_units"))
_THROTTLED = "Requests that were turned away because too many came at once."
_API = (
    Shown(
        "requests",
        "1",
        "Requests, and those among them that were answered with an error.",
        (
            Drawn("requests", "api.requests"),
            Drawn("4xx", "api.errors_4xx"),
            Drawn("5xx", "api.errors_5xx", role="bad"),
        ),
    ),
    Shown(
        "error rate",
        "%",
        "Requests answered 5xx, and 4xx, in percent of all.",
        (
            Drawn("5xx", "api.errors_5xx", role="bad", over="api.requests"),
            Drawn("4xx", "api.errors_4xx", over="api.requests"),
        ),
    ),
    Shown(
        "latency",
        "ms",
        "How long a request takes, with and without the gateway itself.",
        (
            Drawn("p50", "api.latency", "p50"),
            Drawn("p95", "api.latency", "p95"),
            Drawn("p95 of what is behind it", "api.integration_latency", "p95"),
        ),
    ),
)
STORING: dict[Kind, tuple[Shown, ...]] = {
    "table": (
        Shown("units", "1", "Read and write units used in five minutes.", _UNITS),
        Shown(
            "throttles",
            "1",
            f"{_THROTTLED} Errors of DynamoDB itself stand beside them.",
            (
                Drawn("reads", "table.read_throttled", role="bad"),
                Drawn("writes", "table.write_throttled", role="bad"),
                Drawn("errors of DynamoDB", "table.system_errors"),
            ),
        ),
    ),
    "bucket": (
        Shown(
            "requests",
            "1",
            "Requests, and those among them that were answered with an error.",
            (
                Drawn("requests", "bucket.requests"),
                Drawn("4xx", "bucket.errors_4xx"),
                Drawn("5xx", "bucket.errors_5xx", role="bad"),
            ),
        ),
        Shown(
            "error rate",
            "%",
            "Requests answered 5xx, and 4xx, in percent of all.",
            (
                Drawn("5xx", "bucket.errors_5xx", role="bad", over="bucket.requests"),
                Drawn("4xx", "bucket.errors_4xx", over="bucket.requests"),
            ),
        ),
        Shown(
            "first byte",
            "ms",
            "How long the first byte of an answer takes.",
            (Drawn("p50", "bucket.first_byte", "p50"), Drawn("p95", "bucket.first_byte", "p95")),
        ),
    ),
    "graphql": (
        Shown(
            "errors",
            "1",
            "Requests answered with an error.",
            (Drawn("4xx", "graphql.errors_4xx"), Drawn("5xx", "graphql.errors_5xx", role="bad")),
        ),
        Shown(
            "error rate",
            "%",
            "Requests answered with an error, in percent of all.",
            (
                Drawn("5xx", "graphql.errors_5xx", role="bad", over="graphql.latency"),
                Drawn("4xx", "graphql.errors_4xx", over="graphql.latency"),
            ),
        ),
        Shown(
            "latency",
            "ms",
            "How long a request takes.",
            (
                Drawn("p50", "graphql.latency", "p50"),
                Drawn("p95", "graphql.latency", "p95"),
                Drawn("p99", "graphql.latency", "p99"),
            ),
        ),
    ),
    "distribution": (
        Shown("requests", "1", "Requests of clients.", (Drawn("requests", "distribution.requests"),)),
        Shown(
            "error rate",
            "%",
            "Requests answered with an error, in percent.",
            (
                Drawn("5xx", "distribution.error_percent_5xx", "avg", "bad"),
                Drawn("4xx", "distribution.error_percent_4xx", "avg"),
            ),
        ),
    ),
    "rest_api": _API,
    "http_api": _API,
    "websocket_api": _API,
}
