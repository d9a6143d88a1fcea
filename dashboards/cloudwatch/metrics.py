"""The catalogue in CloudWatch's words: namespace, metric, how dimensions are found, or why not.

A measure that needs a metric filter or is told by one of several sources has a way of its own (`log_metrics`,
`requests`). Sources: the pages named in dashboards/measures.py.
"""

from __future__ import annotations

from typing import Literal

import msgspec

#: Where dimensions come from: see `dimensions.DIMENSIONS`. `none`: the metric has none.
By = Literal[
    "function",
    "api",
    "route",
    "queue",
    "topic",
    "stream",
    "firehose",
    "table",
    "state_machine",
    "rule",
    "bucket",
    "load_balancer",
    "target_group",
    "database",
    "ecs_service",
    "graphql",
    "distribution",
    "sink",
    "none",
]
#: Ways that are more than a name: a metric filter on logs, whoever tells of requests, gauges of a sink.
Way = Literal["cost", "table_errors", "log", "requests", "gauge"]
OWN_NAMESPACE = "HybridObserve"


class Told(msgspec.Struct, frozen=True):
    """One metric of CloudWatch. other: its name for HTTP APIs, which call the same otherwise."""

    namespace: str
    name: str
    by: By
    other: str = ""


class Absent(msgspec.Struct, frozen=True):
    """CloudWatch has none: why, and what would change it, as a sentence."""

    reason: str


def _aws(service: str, by: By, **names: str) -> dict[str, Told | Way]:
    return {f"{by}.{measure}": Told(f"AWS/{service}", name, by) for measure, name in names.items()}


METRICS: dict[str, Told | Way] = {
    **_aws(
        "Lambda",
        "function",
        invocations="Invocations",
        errors="Errors",
        throttles="Throttles",
        duration="Duration",
        concurrency="ConcurrentExecutions",
        iterator_age="IteratorAge",
        async_age="AsyncEventAge",
        async_dropped="AsyncEventsDropped",
        dead_letter_errors="DeadLetterErrors",
        spillover="ProvisionedConcurrencySpilloverInvocations",
    ),
    "function.cold_starts": "log",
    "function.timeouts": "log",
    "function.memory_used": "log",
    "function.cost": "cost",
    "api.requests": Told("AWS/ApiGateway", "Count", "api"),
    "api.errors_4xx": Told("AWS/ApiGateway", "4XXError", "api", "4xx"),
    "api.errors_5xx": Told("AWS/ApiGateway", "5XXError", "api", "5xx"),
    "api.latency": Told("AWS/ApiGateway", "Latency", "api"),
    "api.integration_latency": Told("AWS/ApiGateway", "IntegrationLatency", "api"),
    "route.requests": Told("AWS/ApiGateway", "Count", "route"),
    "route.errors_4xx": Told("AWS/ApiGateway", "4XXError", "route", "4xx"),
    "route.errors_5xx": Told("AWS/ApiGateway", "5XXError", "route", "5xx"),
    "route.latency": Told("AWS/ApiGateway", "Latency", "route"),
    "endpoint.requests": "requests",
    "endpoint.errors": "requests",
    "endpoint.slow": "requests",
    "endpoint.duration": "requests",
    "service.requests": "requests",
    "service.errors": "requests",
    "service.duration": "requests",
    "service.error_lines": "log",
    "service.pool_used": "gauge",
    "service.pool_max": "gauge",
    "service.pool_exhausted": "log",
    "service.cpu": "gauge",
    "service.memory": "gauge",
    **_aws(
        "SQS",
        "queue",
        sent="NumberOfMessagesSent",
        received="NumberOfMessagesReceived",
        deleted="NumberOfMessagesDeleted",
        visible="ApproximateNumberOfMessagesVisible",
        in_flight="ApproximateNumberOfMessagesNotVisible",
        delayed="ApproximateNumberOfMessagesDelayed",
        age="ApproximateAgeOfOldestMessage",
    ),
    **_aws(
        "SNS",
        "topic",
        published="NumberOfMessagesPublished",
        delivered="NumberOfNotificationsDelivered",
        failed="NumberOfNotificationsFailed",
        redriven="NumberOfNotificationsRedrivenToDlq",
        redrive_failed="NumberOfNotificationsFailedToRedriveToDlq",
    ),
    **_aws(
        "Kinesis",
        "stream",
        incoming_records="IncomingRecords",
        incoming_bytes="IncomingBytes",
        age="GetRecords.IteratorAgeMilliseconds",
        write_throttled="WriteProvisionedThroughputExceeded",
        read_throttled="ReadProvisionedThroughputExceeded",
    ),
    **_aws(
        "Firehose",
        "firehose",
        incoming_records="IncomingRecords",
        freshness="DeliveryToS3.DataFreshness",
        throttled="ThrottledRecords",
    ),
    **_aws(
        "DynamoDB",
        "table",
        read_units="ConsumedReadCapacityUnits",
        write_units="ConsumedWriteCapacityUnits",
        read_throttled="ReadThrottleEvents",
        write_throttled="WriteThrottleEvents",
    ),
    "table.system_errors": "table_errors",
    **_aws(
        "States",
        "state_machine",
        started="ExecutionsStarted",
        succeeded="ExecutionsSucceeded",
        failed="ExecutionsFailed",
        timed_out="ExecutionsTimedOut",
        throttled="ExecutionThrottled",
        duration="ExecutionTime",
    ),
    **_aws(
        "Events",
        "rule",
        # "The number of rules that have run and matched with any event."
        triggered="TriggeredRules",
        invocations="Invocations",
        failed="FailedInvocations",
        throttled="ThrottledRules",
        dead_lettered="InvocationsSentToDlq",
    ),
    **_aws(
        "S3",
        "bucket",
        requests="AllRequests",
        errors_4xx="4xxErrors",
        errors_5xx="5xxErrors",
        first_byte="FirstByteLatency",
    ),
    **_aws(
        "ApplicationELB",
        "load_balancer",
        requests="RequestCount",
        errors_5xx="HTTPCode_ELB_5XX_Count",
        target_5xx="HTTPCode_Target_5XX_Count",
        latency="TargetResponseTime",
        rejected="RejectedConnectionCount",
        connection_errors="TargetConnectionErrorCount",
    ),
    **_aws(
        "ApplicationELB",
        "target_group",
        requests="RequestCount",
        errors_5xx="HTTPCode_Target_5XX_Count",
        latency="TargetResponseTime",
        healthy="HealthyHostCount",
        unhealthy="UnHealthyHostCount",
    ),
    **_aws(
        "RDS",
        "database",
        connections="DatabaseConnections",
        cpu="CPUUtilization",
        free_storage="FreeStorageSpace",
        free_memory="FreeableMemory",
        replica_lag="ReplicaLag",
        read_latency="ReadLatency",
        write_latency="WriteLatency",
    ),
    **_aws("ECS", "ecs_service", cpu="CPUUtilization", memory="MemoryUtilization"),
    **_aws("AppSync", "graphql", errors_4xx="4XXError", errors_5xx="5XXError", latency="Latency"),
    **_aws(
        "CloudFront",
        "distribution",
        requests="Requests",
        error_percent_4xx="4xxErrorRate",
        error_percent_5xx="5xxErrorRate",
    ),
    "sink.received": Told(OWN_NAMESPACE, "events_received", "sink"),
    "sink.delivered": Told(OWN_NAMESPACE, "events_delivered", "sink"),
    "sink.stored": Told(OWN_NAMESPACE, "events_stored", "sink"),
    "sink.dropped": Told(OWN_NAMESPACE, "events_dropped", "sink"),
    "sink.requests": Told(OWN_NAMESPACE, "requests", "sink"),
    "sink.retries": Told(OWN_NAMESPACE, "retries", "sink"),
    "sink.bytes": Told(OWN_NAMESPACE, "bytes_sent", "sink"),
    "pipeline.parts_failed": Told(OWN_NAMESPACE, "parts_failed", "none"),
    "pipeline.items_retried": Told(OWN_NAMESPACE, "items_retried", "none"),
    "pipeline.items_buried": Told(OWN_NAMESPACE, "items_buried", "none"),
    "pipeline.findings": Told(OWN_NAMESPACE, "Findings", "none"),
    "pipeline.incidents_open": Told(OWN_NAMESPACE, "IncidentsOpen", "none"),
    "pipeline.notifications_sent": Told(OWN_NAMESPACE, "NotificationsSent", "none"),
    "pipeline.notifications_failed": Told(OWN_NAMESPACE, "NotificationsFailed", "none"),
    "pipeline.notifications_owed": Told(OWN_NAMESPACE, "NotificationsOwed", "none"),
    "pipeline.rules_failed": Told(OWN_NAMESPACE, "RulesFailed", "none"),
    "pipeline.late_events": Told(OWN_NAMESPACE, "LateEvents", "none"),
}
