"""Events as AWS sends them, for tests of functions: one builder for each source that the layer reads.

    event = observe.testing.events.sqs('{"claim": 1}', context=caller)

A context goes in as the layer of the sender puts it there: by its own carriers, or as headers where there are
any. A builder of a source that carries none has no `context`. IDs and times are the same in every run.
docs/testing.md has the table of them.
"""

from __future__ import annotations

from observe.testing.events.authorizers import (
    http_api_authorizer,
    request_authorizer,
    token_authorizer,
    websocket_authorizer,
)
from observe.testing.events.balancers import alb, lambda_edge, lattice_v1, lattice_v2
from observe.testing.events.brokers import activemq, kafka, rabbitmq
from observe.testing.events.buses import eventbridge, pipes, schedule
from observe.testing.events.conversations import (
    alexa_skill,
    alexa_smart_home,
    bedrock_agent,
    cognito,
    connect,
    lex,
)
from observe.testing.events.gateways import function_url, http_api, rest_api, rest_api_mapped
from observe.testing.events.graphql import appsync, appsync_authorizer, appsync_batch, appsync_channel
from observe.testing.events.invocations import destination, direct, iot_rule, step_functions
from observe.testing.events.objects import s3, s3_batch, s3_object_lambda, ses
from observe.testing.events.operations import (
    cloudwatch_alarm,
    cloudwatch_logs,
    cloudwatch_widget,
    code_deploy,
    code_pipeline,
    config_rule,
    custom_resource,
    secret_rotation,
)
from observe.testing.events.parts import Message
from observe.testing.events.queues import dead_letter, sns, sns_to_sqs, sqs
from observe.testing.events.streams import firehose, kinesis
from observe.testing.events.tables import documentdb, dynamodb
from observe.testing.events.websockets import websocket_connect, websocket_disconnect, websocket_message

__all__ = [
    "Message",
    "activemq",
    "alb",
    "alexa_skill",
    "alexa_smart_home",
    "appsync",
    "appsync_authorizer",
    "appsync_batch",
    "appsync_channel",
    "bedrock_agent",
    "cloudwatch_alarm",
    "cloudwatch_logs",
    "cloudwatch_widget",
    "code_deploy",
    "code_pipeline",
    "cognito",
    "config_rule",
    "connect",
    "custom_resource",
    "dead_letter",
    "destination",
    "direct",
    "documentdb",
    "dynamodb",
    "eventbridge",
    "firehose",
    "function_url",
    "http_api",
    "http_api_authorizer",
    "iot_rule",
    "kafka",
    "kinesis",
    "lambda_edge",
    "lattice_v1",
    "lattice_v2",
    "lex",
    "pipes",
    "rabbitmq",
    "request_authorizer",
    "rest_api",
    "rest_api_mapped",
    "s3",
    "s3_batch",
    "s3_object_lambda",
    "schedule",
    "secret_rotation",
    "ses",
    "sns",
    "sns_to_sqs",
    "sqs",
    "step_functions",
    "token_authorizer",
    "websocket_authorizer",
    "websocket_connect",
    "websocket_disconnect",
    "websocket_message",
]
