"""Every source and carrier, in one place to read: SOURCES in match order, CARRIERS by API call.

Both name where the thing is; its module is loaded when the first such event or call comes.
"""

from __future__ import annotations

from importlib import import_module

from observe.services import shapes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from observe.source import Carrier, Source

    #: (module in this package, name in it)
    Place = tuple[str, str]

#: In match order: a shape that is a special case of another comes first; among the rest the frequent ones do.
SOURCES: tuple[tuple[Callable[[Mapping[str, Any]], bool], Place], ...] = (
    (shapes.http_api, ("http", "HTTP_API")),
    (shapes.alb, ("http", "ALB")),
    (shapes.rest_api, ("http", "REST_API")),
    (shapes.sqs, ("sqs", "SQS")),
    (shapes.sns, ("sns", "SNS")),
    (shapes.s3, ("s3", "S3")),
    (shapes.eventbridge, ("eventbridge", "EVENTBRIDGE")),
    (shapes.schedule, ("eventbridge", "SCHEDULE")),
    (shapes.pipes, ("eventbridge", "PIPES")),
    (shapes.kinesis, ("kinesis", "KINESIS")),
    (shapes.firehose, ("firehose", "FIREHOSE")),
    (shapes.rest_api_mapped, ("http", "REST_API_MAPPED")),
    (shapes.websocket, ("websocket", "WEBSOCKET")),
    (shapes.token_authorizer, ("authorizer", "TOKEN")),
    (shapes.request_authorizer, ("authorizer", "REQUEST")),
    (shapes.http_api_authorizer, ("authorizer", "HTTP_API")),
    (shapes.lattice_v1, ("lattice", "LATTICE_V1")),
    (shapes.lattice_v2, ("lattice", "LATTICE_V2")),
    (shapes.appsync, ("appsync", "APPSYNC")),
    (shapes.appsync_authorizer, ("appsync", "AUTHORIZER")),
    (shapes.edge, ("cloudfront", "EDGE")),
    (shapes.s3_object_lambda, ("s3_object_lambda", "OBJECT_LAMBDA")),
    (shapes.s3_batch, ("s3_batch", "S3_BATCH")),
    (shapes.dynamodb, ("dynamodb", "DYNAMODB")),
    (shapes.kafka, ("kafka", "KAFKA")),
    (shapes.activemq, ("activemq", "ACTIVEMQ")),
    (shapes.rabbitmq, ("rabbitmq", "RABBITMQ")),
    (shapes.documentdb, ("documentdb", "DOCUMENTDB")),
    (shapes.ses, ("ses", "SES")),
    (shapes.destination, ("destination", "DESTINATION")),
    (shapes.cognito, ("cognito", "COGNITO")),
    (shapes.logs, ("cloudwatch", "LOGS")),
    (shapes.alarm, ("cloudwatch", "ALARM")),
    (shapes.widget, ("cloudwatch", "WIDGET")),
    (shapes.config_rule, ("config_rule", "CONFIG_RULE")),
    (shapes.code_pipeline, ("code_pipeline", "CODE_PIPELINE")),
    (shapes.code_deploy, ("code_deploy", "CODE_DEPLOY")),
    (shapes.custom_resource, ("cloudformation", "CUSTOM_RESOURCE")),
    (shapes.rotation, ("secrets_manager", "ROTATION")),
    (shapes.connect, ("connect", "CONNECT")),
    (shapes.agent, ("bedrock", "AGENT")),
    (shapes.lex, ("lex", "LEX")),
    (shapes.skill, ("alexa", "SKILL")),
    (shapes.smart_home, ("alexa", "SMART_HOME")),
    # Last, for what they look for may be in any event.
    (shapes.step_functions, ("step_functions", "STEP_FUNCTIONS")),
    (shapes.payload, ("payload", "PAYLOAD")),
)

#: (botocore service, operation) -> where its Carrier is
CARRIERS: dict[tuple[str, str], Place] = {
    ("sqs", "SendMessage"): ("sqs", "SEND"),
    ("sqs", "SendMessageBatch"): ("sqs", "SEND_BATCH"),
    ("sns", "Publish"): ("sns", "PUBLISH"),
    ("sns", "PublishBatch"): ("sns", "PUBLISH_BATCH"),
    ("lambda", "Invoke"): ("invoke", "INVOKE"),
    ("lambda", "InvokeWithResponseStream"): ("invoke", "INVOKE"),
    ("events", "PutEvents"): ("eventbridge", "PUT_EVENTS"),
    ("kinesis", "PutRecord"): ("kinesis", "PUT"),
    ("kinesis", "PutRecords"): ("kinesis", "PUT_BATCH"),
    ("firehose", "PutRecord"): ("firehose", "PUT"),
    ("firehose", "PutRecordBatch"): ("firehose", "PUT_BATCH"),
    ("stepfunctions", "StartExecution"): ("step_functions", "START"),
    ("stepfunctions", "StartSyncExecution"): ("step_functions", "START_SYNC"),
    ("s3", "PutObject"): ("s3_carrier", "PUT"),
    ("s3", "CopyObject"): ("s3_carrier", "COPY"),
    ("s3", "CreateMultipartUpload"): ("s3_carrier", "CREATE_UPLOAD"),
    ("s3", "CompleteMultipartUpload"): ("s3_carrier", "COMPLETE_UPLOAD"),
    ("dynamodb", "PutItem"): ("dynamodb_carrier", "PUT_ITEM"),
    ("iot-data", "Publish"): ("iot", "PUBLISH"),
}


def source_of(event: object) -> Source | None:
    """Return the source whose shape `event` has, or None: then only the runtime's context tells."""
    shape = shapes.shown(event)
    for matches, place in SOURCES:
        if matches(shape):
            return _at(place)  # type: ignore[no-any-return]
    return None


def carrier_of(service: str, operation: str) -> Carrier | None:
    """Return the carrier of an API call, or None where it carries nothing."""
    place = CARRIERS.get((service, operation))
    carrier: Carrier | None = _at(place) if place is not None else None
    return carrier


#: What has been loaded: importlib would take ten times as long to find that out, at every invocation.
_loaded: dict[Place, Any] = {}


def _at(place: Place) -> Any:
    found = _loaded.get(place)
    if found is None:
        found = _loaded[place] = getattr(import_module(f"observe.services.{place[0]}"), place[1])
    return found
