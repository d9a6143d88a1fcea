"""The catalogue of what can be measured, once. Every renderer maps each name, or says why it cannot.

Names are `<what>.<measure>`. `of` says what an expression's subject is: a kind of resource (its ID), `api`
(the ID of any gateway), `route` (its ID), `endpoint` (`NAME/legacy`, `NAME/serverless`), `service` (its
name), `sink` (its name, "" for the input) or `pipeline` (""). shape: a `count` is summed, a `gauge` has a
state, a `distribution` has percentiles.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Shape = Literal["count", "gauge", "distribution"]


class Measure(msgspec.Struct, frozen=True):
    """One measure. unit: UCUM. empty: why it has no data where nothing is wrong."""

    of: str
    unit: str
    shape: Shape
    title: str
    empty: str = ""


_QUIET = "No data means that it did not happen."
_IDLE = "No data means that nothing was asked of it in this time."
_METRIC_FILTER = "Counted from the function's own log group from the day the metric filter was deployed."
_REQUESTS = "Metrics of requests by endpoint and side begin when the subscriber has endpoint_metrics on."
_OWN_GAUGE = "The application does not tell it by itself: docs/dashboards.md says which metric it is."
_ONLY_SQS = "CloudWatch has no data of a queue that nobody used for six hours."

MEASURES: dict[str, Measure] = {
    # Lambda: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html
    "function.invocations": Measure("function", "1", "count", "Invocations", _IDLE),
    "function.errors": Measure("function", "1", "count", "Failed invocations", _IDLE),
    "function.throttles": Measure("function", "1", "count", "Throttled invocations", _IDLE),
    "function.duration": Measure("function", "ms", "distribution", "Duration", _IDLE),
    "function.concurrency": Measure("function", "1", "gauge", "Concurrent executions", _IDLE),
    "function.iterator_age": Measure("function", "ms", "gauge", "Iterator age", _IDLE),
    "function.async_age": Measure("function", "ms", "gauge", "Age of asynchronous events", _IDLE),
    "function.async_dropped": Measure("function", "1", "count", "Asynchronous events dropped", _QUIET),
    "function.dead_letter_errors": Measure("function", "1", "count", "Dead letters not delivered", _QUIET),
    "function.spillover": Measure("function", "1", "count", "Provisioned concurrency exceeded", _QUIET),
    "function.cold_starts": Measure("function", "1", "count", "Cold starts", _METRIC_FILTER),
    "function.timeouts": Measure("function", "1", "count", "Timeouts", _METRIC_FILTER),
    "function.memory_used": Measure("function", "MBy", "distribution", "Memory used", _METRIC_FILTER),
    "function.cost": Measure("function", "{USD}", "count", "Estimated cost", _IDLE),
    # API Gateway: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-metrics-and-dimensions.html
    "api.requests": Measure("api", "1", "count", "Requests", _IDLE),
    "api.errors_4xx": Measure("api", "1", "count", "Requests answered 4xx", _IDLE),
    "api.errors_5xx": Measure("api", "1", "count", "Requests answered 5xx", _IDLE),
    "api.latency": Measure("api", "ms", "distribution", "Latency", _IDLE),
    "api.integration_latency": Measure("api", "ms", "distribution", "Latency of what is behind it", _IDLE),
    "route.requests": Measure("route", "1", "count", "Requests", "Needs metrics by route of its API."),
    "route.errors_4xx": Measure("route", "1", "count", "4xx", "Needs metrics by route of its API."),
    "route.errors_5xx": Measure("route", "1", "count", "5xx", "Needs metrics by route of its API."),
    "route.latency": Measure("route", "ms", "distribution", "Latency", "Needs metrics by route of its API."),
    # One implementation of an endpoint, by whoever tells of its requests.
    "endpoint.requests": Measure("endpoint", "1", "count", "Requests", _REQUESTS),
    "endpoint.errors": Measure("endpoint", "1", "count", "Failed requests", _REQUESTS),
    "endpoint.slow": Measure("endpoint", "1", "count", "Requests slower than the SLO", _REQUESTS),
    "endpoint.duration": Measure("endpoint", "ms", "distribution", "Duration", _REQUESTS),
    # A service of either side.
    "service.requests": Measure("service", "1", "count", "Requests", _REQUESTS),
    "service.errors": Measure("service", "1", "count", "Failed requests", _REQUESTS),
    "service.duration": Measure("service", "ms", "distribution", "Duration", _REQUESTS),
    "service.error_lines": Measure("service", "1", "count", "Error lines", _QUIET),
    "service.pool_used": Measure("service", "1", "gauge", "Connections in use", _OWN_GAUGE),
    "service.pool_max": Measure("service", "1", "gauge", "Connections of the pool", _OWN_GAUGE),
    "service.pool_exhausted": Measure("service", "1", "count", "No connection left", _QUIET),
    "service.cpu": Measure("service", "%", "gauge", "CPU of its host", _OWN_GAUGE),
    "service.memory": Measure("service", "%", "gauge", "Memory of its host", _OWN_GAUGE),
    # SQS: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    "queue.sent": Measure("queue", "1", "count", "Messages sent", _ONLY_SQS),
    "queue.received": Measure("queue", "1", "count", "Messages received", _ONLY_SQS),
    "queue.deleted": Measure("queue", "1", "count", "Messages deleted", _ONLY_SQS),
    "queue.visible": Measure("queue", "1", "gauge", "Messages waiting", _ONLY_SQS),
    "queue.in_flight": Measure("queue", "1", "gauge", "Messages in flight", _ONLY_SQS),
    "queue.delayed": Measure("queue", "1", "gauge", "Messages delayed", _ONLY_SQS),
    "queue.age": Measure("queue", "s", "gauge", "Age of the oldest message", _ONLY_SQS),
    # SNS: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    "topic.published": Measure("topic", "1", "count", "Messages published", _IDLE),
    "topic.delivered": Measure("topic", "1", "count", "Notifications delivered", _IDLE),
    "topic.failed": Measure("topic", "1", "count", "Notifications failed", _QUIET),
    "topic.redriven": Measure("topic", "1", "count", "Redriven to dead letters", _QUIET),
    "topic.redrive_failed": Measure("topic", "1", "count", "Lost: redrive failed", _QUIET),
    # Kinesis Data Streams: https://docs.aws.amazon.com/streams/latest/dev/monitoring-with-cloudwatch.html
    "stream.incoming_records": Measure("stream", "1", "count", "Records put", _IDLE),
    "stream.incoming_bytes": Measure("stream", "By", "count", "Bytes put", _IDLE),
    "stream.age": Measure("stream", "ms", "gauge", "Iterator age", _IDLE),
    "stream.write_throttled": Measure("stream", "1", "count", "Writes throttled", _QUIET),
    "stream.read_throttled": Measure("stream", "1", "count", "Reads throttled", _QUIET),
    "firehose.incoming_records": Measure("firehose", "1", "count", "Records put", _IDLE),
    "firehose.freshness": Measure("firehose", "s", "gauge", "Age of the oldest record", _IDLE),
    "firehose.throttled": Measure("firehose", "1", "count", "Records throttled", _QUIET),
    # DynamoDB: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html
    "table.read_units": Measure("table", "1", "count", "Read units used", _IDLE),
    "table.write_units": Measure("table", "1", "count", "Write units used", _IDLE),
    "table.read_throttled": Measure("table", "1", "count", "Reads throttled", _QUIET),
    "table.write_throttled": Measure("table", "1", "count", "Writes throttled", _QUIET),
    "table.system_errors": Measure("table", "1", "count", "Errors of DynamoDB", _QUIET),
    # Step Functions: https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html
    "state_machine.started": Measure("state_machine", "1", "count", "Executions started", _IDLE),
    "state_machine.succeeded": Measure("state_machine", "1", "count", "Executions succeeded", _IDLE),
    "state_machine.failed": Measure("state_machine", "1", "count", "Executions failed", _QUIET),
    "state_machine.timed_out": Measure("state_machine", "1", "count", "Executions timed out", _QUIET),
    "state_machine.throttled": Measure("state_machine", "1", "count", "Executions throttled", _QUIET),
    "state_machine.duration": Measure("state_machine", "ms", "distribution", "Duration", _IDLE),
    # EventBridge: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html
    "rule.triggered": Measure("rule", "1", "count", "Events matched", _IDLE),
    "rule.invocations": Measure("rule", "1", "count", "Targets invoked", _IDLE),
    "rule.failed": Measure("rule", "1", "count", "Invocations failed for good", _QUIET),
    "rule.throttled": Measure("rule", "1", "count", "Rules throttled", _QUIET),
    "rule.dead_lettered": Measure("rule", "1", "count", "Events sent to dead letters", _QUIET),
    # S3: https://docs.aws.amazon.com/AmazonS3/latest/userguide/metrics-dimensions.html
    "bucket.requests": Measure("bucket", "1", "count", "Requests", "Needs request metrics of the bucket."),
    "bucket.errors_4xx": Measure("bucket", "1", "count", "4xx", "Needs request metrics of the bucket."),
    "bucket.errors_5xx": Measure("bucket", "1", "count", "5xx", "Needs request metrics of the bucket."),
    "bucket.first_byte": Measure(
        "bucket", "ms", "distribution", "First byte", "Needs request metrics of the bucket."
    ),
    # Load balancers: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-cloudwatch-metrics.html
    "load_balancer.requests": Measure("load_balancer", "1", "count", "Requests", _IDLE),
    "load_balancer.errors_5xx": Measure("load_balancer", "1", "count", "5xx of the load balancer", _QUIET),
    "load_balancer.target_5xx": Measure("load_balancer", "1", "count", "5xx of the application", _QUIET),
    "load_balancer.latency": Measure("load_balancer", "s", "distribution", "Response time", _IDLE),
    "load_balancer.rejected": Measure("load_balancer", "1", "count", "Connections rejected", _QUIET),
    "load_balancer.connection_errors": Measure(
        "load_balancer", "1", "count", "Connections to targets failed", _QUIET
    ),
    "target_group.requests": Measure("target_group", "1", "count", "Requests", _IDLE),
    "target_group.errors_5xx": Measure("target_group", "1", "count", "5xx of the application", _QUIET),
    "target_group.latency": Measure("target_group", "s", "distribution", "Response time", _IDLE),
    "target_group.healthy": Measure("target_group", "1", "gauge", "Healthy hosts"),
    "target_group.unhealthy": Measure("target_group", "1", "gauge", "Unhealthy hosts"),
    # RDS: https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-metrics.html
    "database.connections": Measure("database", "1", "gauge", "Connections"),
    "database.cpu": Measure("database", "%", "gauge", "CPU"),
    "database.free_storage": Measure("database", "By", "gauge", "Free storage"),
    "database.free_memory": Measure("database", "By", "gauge", "Free memory"),
    "database.replica_lag": Measure("database", "s", "gauge", "Replica lag", "Only replicas have it."),
    "database.read_latency": Measure("database", "s", "gauge", "Read latency", _IDLE),
    "database.write_latency": Measure("database", "s", "gauge", "Write latency", _IDLE),
    # ECS: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/available-metrics.html
    "ecs_service.cpu": Measure("ecs_service", "%", "gauge", "CPU"),
    "ecs_service.memory": Measure("ecs_service", "%", "gauge", "Memory"),
    # AppSync: https://docs.aws.amazon.com/appsync/latest/devguide/monitoring.html
    "graphql.errors_4xx": Measure("graphql", "1", "count", "4xx", _IDLE),
    "graphql.errors_5xx": Measure("graphql", "1", "count", "5xx", _IDLE),
    "graphql.latency": Measure("graphql", "ms", "distribution", "Latency", _IDLE),
    # CloudFront; its metrics are in us-east-1 alone, and its errors are shares.
    # https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/programming-cloudwatch-metrics.html
    "distribution.requests": Measure("distribution", "1", "count", "Requests", _IDLE),
    "distribution.error_percent_4xx": Measure("distribution", "%", "gauge", "4xx", _IDLE),
    "distribution.error_percent_5xx": Measure("distribution", "%", "gauge", "5xx", _IDLE),
    # Hybrid Observe's own pipeline (docs/delivery.md, docs/alerts.md).
    "sink.received": Measure("sink", "1", "count", "Events received", _IDLE),
    "sink.delivered": Measure("sink", "1", "count", "Events delivered", _IDLE),
    "sink.stored": Measure("sink", "1", "count", "Events stored: retries and dead letters", _QUIET),
    "sink.dropped": Measure("sink", "1", "count", "Events dropped on purpose", _QUIET),
    "sink.requests": Measure("sink", "1", "count", "Requests to the sink", _IDLE),
    "sink.retries": Measure("sink", "1", "count", "Requests tried again", _QUIET),
    "sink.bytes": Measure("sink", "By", "count", "Bytes sent", _IDLE),
    "pipeline.parts_failed": Measure("pipeline", "1", "count", "Parts that could not be settled", _QUIET),
    "pipeline.items_retried": Measure("pipeline", "1", "count", "Items of retry queues tried", _QUIET),
    "pipeline.items_buried": Measure("pipeline", "1", "count", "Items given up: dead letters", _QUIET),
    "pipeline.findings": Measure("pipeline", "1", "count", "Findings of alert rules", _QUIET),
    "pipeline.incidents_open": Measure("pipeline", "1", "gauge", "Alerts open"),
    "pipeline.notifications_sent": Measure("pipeline", "1", "count", "Notifications sent", _QUIET),
    "pipeline.notifications_failed": Measure("pipeline", "1", "count", "Notifications failed", _QUIET),
    "pipeline.notifications_owed": Measure("pipeline", "1", "gauge", "Notifications owed", _QUIET),
    "pipeline.rules_failed": Measure("pipeline", "1", "count", "Rules that could not be judged", _QUIET),
    "pipeline.late_events": Measure("pipeline", "1", "count", "Events too late to be judged", _QUIET),
}
