"""Measures of AWS resources -> metrics of Datadog's AWS integration, tags in lower case.

Names, units and statistics were read in the lists of the integrations
(https://docs.datadoghq.com/integrations/#cat-aws); `doubt` says which are not in them.
"""

from __future__ import annotations

from dashboards.datadog.sources import FULL, Absent, Endings, Source

_FUNCTION = ("functionname:{name}",)
_API = ("{api}", "stage:{stage}")
_ROUTE = ("{api}", "stage:{stage}", "resource:{path}", "method:{method}")
_QUEUE = ("queuename:{name}",)
_TOPIC = ("topicname:{name}",)
_STREAM = ("streamname:{name}",)
_FIREHOSE = ("deliverystreamname:{name}",)
_TABLE = ("tablename:{name}",)
_MACHINE = ("statemachinearn:*:statemachine:{name}",)
_RULE = ("rulename:{name}",)
_BUCKET = ("bucketname:{name}",)
_BALANCER = ("loadbalancer:{full_name}",)
_GROUP = ("targetgroup:{full_name}",)
_DATABASE = ("dbinstanceidentifier:{name}",)
_ECS = ("clustername:{cluster}", "servicename:{name}")
_GRAPHQL = ("graphqlapiid:{name}",)
_CDN = ("distributionid:{name}",)
_PEAK: Endings = {"avg": "", "max": ".maximum", "min": ".minimum"}
_LAMBDA: Endings = {key: value for key, value in FULL.items() if key != "p90"}
_STATES: Endings = {"avg": "", "max": ".maximum", "min": ".minimum", "p95": ".p95", "p99": ".p99"}
_NO_MEDIAN: Endings = {key: value for key, value in FULL.items() if key != "p50"}
_MEAN_AND_PEAK: Endings = {"avg": "", "max": ".maximum"}
_APPSYNC: Endings = {**_MEAN_AND_PEAK, "p90": ".p90"}
_ALB: Endings = {key: value or ".average" for key, value in FULL.items() if key != "min"}
_EVENTS = (
    "Datadog's list of EventBridge has no metrics; those of AWS/Events come with Collect custom metrics, and "
    "that they are called so is taken from its other names."
)
_SQS = (
    "Datadog's list of SQS could not be read; that it is called so is taken from monitors that others have "
    "published."
)
_SNS = "Datadog's list of SNS does not have it; that it is called so is taken from its other names."

AWS: dict[str, Source | Absent] = {
    "function.invocations": Source(metric="aws.lambda.invocations", tags=_FUNCTION),
    "function.errors": Source(metric="aws.lambda.errors", tags=_FUNCTION),
    "function.throttles": Source(metric="aws.lambda.throttles", tags=_FUNCTION),
    "function.duration": Source(
        metric="aws.lambda.duration",
        tags=_FUNCTION,
        form="statistics",
        endings=_LAMBDA,
        instead={"count": "function.invocations"},
        own="observe.aws.lambda.duration",
    ),
    "function.concurrency": Source(
        metric="aws.lambda.concurrent_executions", tags=_FUNCTION, form="statistics", endings=_PEAK
    ),
    "function.iterator_age": Source(
        metric="aws.lambda.iterator_age", tags=_FUNCTION, form="statistics", endings=_PEAK
    ),
    "function.async_age": Source(
        metric="aws.lambda.async_event_age", tags=_FUNCTION, form="statistics", endings=_PEAK
    ),
    "function.async_dropped": Source(metric="aws.lambda.async_events_dropped", tags=_FUNCTION),
    "function.dead_letter_errors": Source(metric="aws.lambda.dead_letter_errors", tags=_FUNCTION),
    "function.spillover": Source(
        metric="aws.lambda.provisioned_concurrency_spillover_invocations", tags=_FUNCTION
    ),
    "api.requests": Source(metric="aws.apigateway.count", tags=_API),
    "api.errors_4xx": Source(metric="aws.apigateway.4xx{error}", tags=_API),
    "api.errors_5xx": Source(metric="aws.apigateway.5xx{error}", tags=_API),
    "api.latency": Source(
        metric="aws.apigateway.latency",
        tags=_API,
        form="statistics",
        endings=FULL,
        instead={"count": "api.requests"},
    ),
    "api.integration_latency": Source(
        metric="aws.apigateway.integration_latency",
        tags=_API,
        form="statistics",
        endings=_NO_MEDIAN,
        instead={"count": "api.requests"},
    ),
    "route.requests": Source(metric="aws.apigateway.count", tags=_ROUTE),
    "route.errors_4xx": Source(metric="aws.apigateway.4xx{error}", tags=_ROUTE),
    "route.errors_5xx": Source(metric="aws.apigateway.5xx{error}", tags=_ROUTE),
    "route.latency": Source(
        metric="aws.apigateway.latency",
        tags=_ROUTE,
        form="statistics",
        endings=FULL,
        instead={"count": "route.requests"},
    ),
    "queue.sent": Source(metric="aws.sqs.number_of_messages_sent", tags=_QUEUE, doubt=_SQS),
    "queue.received": Source(metric="aws.sqs.number_of_messages_received", tags=_QUEUE, doubt=_SQS),
    "queue.deleted": Source(metric="aws.sqs.number_of_messages_deleted", tags=_QUEUE, doubt=_SQS),
    "queue.visible": Source(
        metric="aws.sqs.approximate_number_of_messages_visible", tags=_QUEUE, form="gauge", doubt=_SQS
    ),
    "queue.in_flight": Source(
        metric="aws.sqs.approximate_number_of_messages_not_visible", tags=_QUEUE, form="gauge", doubt=_SQS
    ),
    "queue.delayed": Source(
        metric="aws.sqs.approximate_number_of_messages_delayed", tags=_QUEUE, form="gauge", doubt=_SQS
    ),
    "queue.age": Source(
        metric="aws.sqs.approximate_age_of_oldest_message", tags=_QUEUE, form="gauge", doubt=_SQS
    ),
    "topic.published": Source(metric="aws.sns.number_of_messages_published", tags=_TOPIC),
    "topic.delivered": Source(metric="aws.sns.number_of_notifications_delivered", tags=_TOPIC),
    "topic.failed": Source(metric="aws.sns.number_of_notifications_failed", tags=_TOPIC),
    "topic.redriven": Source(
        metric="aws.sns.number_of_notifications_redriven_to_dlq", tags=_TOPIC, doubt=_SNS
    ),
    "topic.redrive_failed": Source(
        metric="aws.sns.number_of_notifications_failed_to_redrive_to_dlq", tags=_TOPIC, doubt=_SNS
    ),
    "stream.incoming_records": Source(metric="aws.kinesis.incoming_records", tags=_STREAM),
    "stream.incoming_bytes": Source(metric="aws.kinesis.incoming_bytes.sum", tags=_STREAM),
    "stream.age": Source(
        metric="aws.kinesis.get_records_iterator_age_milliseconds",
        tags=_STREAM,
        form="statistics",
        endings=_MEAN_AND_PEAK,
    ),
    "stream.write_throttled": Source(
        metric="aws.kinesis.write_provisioned_throughput_exceeded", tags=_STREAM
    ),
    "stream.read_throttled": Source(metric="aws.kinesis.read_provisioned_throughput_exceeded", tags=_STREAM),
    "firehose.incoming_records": Source(metric="aws.firehose.incoming_records", tags=_FIREHOSE),
    "firehose.freshness": Source(
        metric="aws.firehose.delivery_to_s_3data_freshness", tags=_FIREHOSE, form="gauge"
    ),
    "firehose.throttled": Source(metric="aws.firehose.throttled_records", tags=_FIREHOSE),
    "table.read_units": Source(
        metric="aws.dynamodb.consumed_read_capacity_units", tags=_TABLE, form="per_second"
    ),
    "table.write_units": Source(
        metric="aws.dynamodb.consumed_write_capacity_units", tags=_TABLE, form="per_second"
    ),
    "table.read_throttled": Source(metric="aws.dynamodb.read_throttle_events", tags=_TABLE),
    "table.write_throttled": Source(metric="aws.dynamodb.write_throttle_events", tags=_TABLE),
    "table.system_errors": Source(metric="aws.dynamodb.system_errors", tags=_TABLE),
    "state_machine.started": Source(metric="aws.states.executions_started", tags=_MACHINE),
    "state_machine.succeeded": Source(metric="aws.states.executions_succeeded", tags=_MACHINE),
    "state_machine.failed": Source(metric="aws.states.executions_failed", tags=_MACHINE),
    "state_machine.timed_out": Source(metric="aws.states.executions_timed_out", tags=_MACHINE),
    "state_machine.throttled": Source(metric="aws.states.execution_throttled", tags=_MACHINE),
    "state_machine.duration": Source(
        metric="aws.states.execution_time",
        tags=_MACHINE,
        form="statistics",
        endings=_STATES,
        instead={"count": "state_machine.started"},
    ),
    "rule.triggered": Source(metric="aws.events.triggered_rules", tags=_RULE, doubt=_EVENTS),
    "rule.invocations": Source(metric="aws.events.invocations", tags=_RULE, doubt=_EVENTS),
    "rule.failed": Source(metric="aws.events.failed_invocations", tags=_RULE, doubt=_EVENTS),
    "rule.throttled": Source(metric="aws.events.throttled_rules", tags=_RULE, doubt=_EVENTS),
    "rule.dead_lettered": Source(metric="aws.events.invocations_sent_to_dlq", tags=_RULE, doubt=_EVENTS),
    "bucket.requests": Source(metric="aws.s3.all_requests", tags=_BUCKET),
    "bucket.errors_4xx": Source(metric="aws.s3.4xx_errors", tags=_BUCKET),
    "bucket.errors_5xx": Source(metric="aws.s3.5xx_errors", tags=_BUCKET),
    "bucket.first_byte": Source(
        metric="aws.s3.first_byte_latency",
        tags=_BUCKET,
        form="statistics",
        endings=FULL,
        instead={"count": "bucket.requests"},
    ),
    "load_balancer.requests": Source(metric="aws.applicationelb.request_count", tags=_BALANCER),
    "load_balancer.errors_5xx": Source(metric="aws.applicationelb.httpcode_elb_5xx", tags=_BALANCER),
    "load_balancer.target_5xx": Source(metric="aws.applicationelb.httpcode_target_5xx", tags=_BALANCER),
    "load_balancer.latency": Source(
        metric="aws.applicationelb.target_response_time",
        tags=_BALANCER,
        form="statistics",
        endings=_ALB,
        instead={"count": "load_balancer.requests"},
    ),
    "load_balancer.rejected": Source(metric="aws.applicationelb.rejected_connection_count", tags=_BALANCER),
    "load_balancer.connection_errors": Source(
        metric="aws.applicationelb.target_connection_error_count", tags=_BALANCER
    ),
    "target_group.requests": Source(metric="aws.applicationelb.request_count", tags=_GROUP),
    "target_group.errors_5xx": Source(metric="aws.applicationelb.httpcode_target_5xx", tags=_GROUP),
    "target_group.latency": Source(
        metric="aws.applicationelb.target_response_time",
        tags=_GROUP,
        form="statistics",
        endings=_ALB,
        instead={"count": "target_group.requests"},
    ),
    "target_group.healthy": Source(
        metric="aws.applicationelb.healthy_host_count", tags=_GROUP, form="statistics", endings=_PEAK
    ),
    "target_group.unhealthy": Source(
        metric="aws.applicationelb.un_healthy_host_count", tags=_GROUP, form="statistics", endings=_PEAK
    ),
    "database.connections": Source(metric="aws.rds.database_connections", tags=_DATABASE, form="gauge"),
    "database.cpu": Source(metric="aws.rds.cpuutilization", tags=_DATABASE, form="gauge"),
    "database.free_storage": Source(metric="aws.rds.free_storage_space", tags=_DATABASE, form="gauge"),
    "database.free_memory": Source(metric="aws.rds.freeable_memory", tags=_DATABASE, form="gauge"),
    "database.replica_lag": Source(metric="aws.rds.replica_lag", tags=_DATABASE, form="gauge"),
    "database.read_latency": Source(metric="aws.rds.read_latency", tags=_DATABASE, form="gauge"),
    "database.write_latency": Source(metric="aws.rds.write_latency", tags=_DATABASE, form="gauge"),
    "ecs_service.cpu": Source(
        metric="aws.ecs.service.cpuutilization", tags=_ECS, form="statistics", endings=_PEAK
    ),
    "ecs_service.memory": Source(
        metric="aws.ecs.service.memory_utilization", tags=_ECS, form="statistics", endings=_PEAK
    ),
    "graphql.errors_4xx": Source(metric="aws.appsync.4xxerror", tags=_GRAPHQL),
    "graphql.errors_5xx": Source(metric="aws.appsync.5xxerror", tags=_GRAPHQL),
    "graphql.latency": Source(
        metric="aws.appsync.latency", tags=_GRAPHQL, form="statistics", endings=_APPSYNC
    ),
    "distribution.requests": Source(metric="aws.cloudfront.requests", tags=_CDN),
    "distribution.error_percent_4xx": Source(metric="aws.cloudfront.4xx_error_rate", tags=_CDN, form="gauge"),
    "distribution.error_percent_5xx": Source(metric="aws.cloudfront.5xx_error_rate", tags=_CDN, form="gauge"),
}
