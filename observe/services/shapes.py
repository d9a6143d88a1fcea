"""What each event looks like: the cheapest look that tells it from every other. Pure, and never raises.

Kept apart from what reads the events, so that a function loads only the module of the source it has.
"""

from __future__ import annotations

from itertools import islice

from observe.source import mapping, text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

#: Under what key a shape is shown an event that is a list: no JSON object has it.
ITEMS: Any = None


def shown(event: object) -> Mapping[str, Any]:
    """Return what the shapes look at: the event; {ITEMS: event} for a list; {} for anything else."""
    return {ITEMS: event} if isinstance(event, list) else mapping(event)


def http_api(event: Mapping[str, Any]) -> bool:
    """An HTTP API's payload 2.0, or a function URL."""
    return (
        event.get("version") == "2.0"
        and "http" in mapping(event.get("requestContext"))
        and "routeArn" not in event
    )


def alb(event: Mapping[str, Any]) -> bool:
    """An Application Load Balancer's target."""
    return "elb" in mapping(event.get("requestContext"))


def rest_api(event: Mapping[str, Any]) -> bool:
    """A REST API's proxy integration, or an HTTP API's payload 1.0."""
    return (
        isinstance(event.get("httpMethod"), str)
        and isinstance(event.get("requestContext"), dict)
        and "methodArn" not in event
    )


def websocket(event: Mapping[str, Any]) -> bool:
    """A connection to a WebSocket API, or a message on it."""
    return "connectionId" in mapping(event.get("requestContext")) and "methodArn" not in event


def token_authorizer(event: Mapping[str, Any]) -> bool:
    """A REST API's authorizer that is given a token."""
    return "methodArn" in event and event.get("type") == "TOKEN"


def request_authorizer(event: Mapping[str, Any]) -> bool:
    """An authorizer that is given the request: of a REST or WebSocket API, or an HTTP API's payload 1.0."""
    return "methodArn" in event and event.get("type") == "REQUEST"


def http_api_authorizer(event: Mapping[str, Any]) -> bool:
    """An HTTP API's authorizer in payload 2.0."""
    return "routeArn" in event and event.get("type") == "REQUEST"


def lattice_v2(event: Mapping[str, Any]) -> bool:
    """VPC Lattice, payload 2.0."""
    return "serviceNetworkArn" in mapping(event.get("requestContext"))


def appsync(event: Mapping[str, Any]) -> bool:
    """A resolver's context, a list of such in a batch, or Amplify's flattened one; an event handler's."""
    first = _item(event) or event
    info = mapping(first.get("info"))
    return "fieldName" in info or "channelNamespace" in info or ("fieldName" in first and "typeName" in first)


def appsync_authorizer(event: Mapping[str, Any]) -> bool:
    """AppSync's authorizer, whose context has the GraphQL document."""
    return "authorizationToken" in event and "queryString" in mapping(event.get("requestContext"))


def edge(event: Mapping[str, Any]) -> bool:
    """Lambda@Edge."""
    return "cf" in _first(event)


def sqs(event: Mapping[str, Any]) -> bool:
    """A batch of SQS messages."""
    return _first(event).get("eventSource") == "aws:sqs"


def kafka(event: Mapping[str, Any]) -> bool:
    """A batch of Kafka records, of MSK or of a cluster elsewhere."""
    return event.get("eventSource") in ("aws:kafka", "SelfManagedKafka", "aws:SelfManagedKafka")


def activemq(event: Mapping[str, Any]) -> bool:
    """A batch of messages of ActiveMQ."""
    return event.get("eventSource") in ("aws:mq", "aws:amq") and "messages" in event


def rabbitmq(event: Mapping[str, Any]) -> bool:
    """A batch of messages of RabbitMQ."""
    return "rmqMessagesByQueue" in event


def dynamodb(event: Mapping[str, Any]) -> bool:
    """A batch of changes of a DynamoDB table."""
    return _first(event).get("eventSource") == "aws:dynamodb" or _ends_window(event, ":dynamodb:")


def sns(event: Mapping[str, Any]) -> bool:
    """A delivery of SNS, which alone writes `EventSource`."""
    return _first(event).get("EventSource") == "aws:sns"


def s3(event: Mapping[str, Any]) -> bool:
    """A notification of S3."""
    return _first(event).get("eventSource") == "aws:s3"


def kinesis(event: Mapping[str, Any]) -> bool:
    """A batch of records of a Kinesis stream."""
    return _first(event).get("eventSource") == "aws:kinesis" or _ends_window(event, ":kinesis:")


def _ends_window(event: Mapping[str, Any], service: str) -> bool:
    """The end of a time window in which nothing more came: only the event itself names its stream.

    https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-windows.html
    """
    return (
        "isFinalInvokeForWindow" in event
        and event.get("Records") == []
        and service in text(event.get("eventSourceARN"))
    )


def firehose(event: Mapping[str, Any]) -> bool:
    """A batch that Firehose wants transformed."""
    return "deliveryStreamArn" in event and "records" in event


def schedule(event: Mapping[str, Any]) -> bool:
    """A schedule's event: of a rule, or of EventBridge Scheduler without an input of its own."""
    return event.get("detail-type") == "Scheduled Event" and event.get("source") in (
        "aws.events",
        "aws.scheduler",
    )


def eventbridge(event: Mapping[str, Any]) -> bool:
    """Any other event of a bus."""
    return "detail-type" in event and "detail" in event and "source" in event and not schedule(event)


#: Whose records a pipe hands over as a bare list, and under what key an event of that service has them.
PIPED = {
    "aws:sqs": "Records",
    "aws:kinesis": "Records",
    "aws:dynamodb": "Records",
    "aws:kafka": "records",
    "SelfManagedKafka": "records",
    "aws:amq": "messages",
    "aws:rmq": "rmqMessagesByQueue",
}


def pipes(event: Mapping[str, Any]) -> bool:
    """A batch of EventBridge Pipes."""
    service = _item(event).get("eventSource")
    return isinstance(service, str) and service in PIPED


def documentdb(event: Mapping[str, Any]) -> bool:
    """A batch of changes in DocumentDB."""
    return event.get("eventSource") == "aws:docdb"


def ses(event: Mapping[str, Any]) -> bool:
    """An e-mail that SES received."""
    return _first(event).get("eventSource") == "aws:ses"


def logs(event: Mapping[str, Any]) -> bool:
    """A subscription to a log group."""
    return "data" in mapping(event.get("awslogs"))


def widget(event: Mapping[str, Any]) -> bool:
    """A custom widget of a CloudWatch dashboard."""
    return isinstance(event.get("widgetContext"), dict)


def code_pipeline(event: Mapping[str, Any]) -> bool:
    """An action of a pipeline."""
    return "CodePipeline.job" in event


def code_deploy(event: Mapping[str, Any]) -> bool:
    """A hook of a deployment."""
    return "LifecycleEventHookExecutionId" in event


def connect(event: Mapping[str, Any]) -> bool:
    """A contact flow of Amazon Connect."""
    return event.get("Name") == "ContactFlowEvent" and "Details" in event


def skill(event: Mapping[str, Any]) -> bool:
    """A custom skill of Alexa."""
    return "request" in event and "System" in mapping(event.get("context"))


def smart_home(event: Mapping[str, Any]) -> bool:
    """A directive of Alexa's smart home interface."""
    return "header" in mapping(event.get("directive"))


def _both(key: str, other: str) -> Callable[[Mapping[str, Any]], bool]:
    return lambda event: key in event and other in event


# Two members tell these from every other event.
#: A REST API's own integration with the template "method request passthrough".
rest_api_mapped = _both("body-json", "params")
#: VPC Lattice, payload 1.0.
lattice_v1 = _both("raw_path", "method")
#: A request for an object, to be answered by the function.
s3_object_lambda = _both("userRequest", "xAmzRequestId")
#: A task of S3 Batch Operations.
s3_batch = _both("invocationSchemaVersion", "tasks")
#: The end of an asynchronous invocation.
destination = _both("requestPayload", "requestContext")
#: A trigger of a user pool.
cognito = _both("triggerSource", "userPoolId")
#: An alarm's action.
alarm = _both("alarmArn", "alarmData")
#: An evaluation of a custom rule of AWS Config.
config_rule = _both("invokingEvent", "configRuleArn")
#: A custom resource of CloudFormation.
custom_resource = _both("ResponseURL", "RequestType")
#: A step of a secret's rotation.
rotation = _both("SecretId", "Step")
#: An action group of a Bedrock agent.
agent = _both("actionGroup", "agent")
#: A bot's hook.
lex = _both("invocationSource", "bot")

#: How many members of a payload are looked into for a state machine's context object.
MEMBERS_MAX = 64


def state_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the context object of a state machine: the event itself or one of its members; {} for none."""
    for value in (event, *islice(event.values(), MEMBERS_MAX)):
        if isinstance(value, dict) and "StateMachine" in value and "Execution" in value:
            return value
    return {}


def step_functions(event: Mapping[str, Any]) -> bool:
    """A task of a state machine that passes its context object."""
    return bool(state_of(event))


#: The headers that a payload may have as members, and how they are spelled.
PAYLOAD_NAMES = (
    *("traceparent", "tracestate", "baggage", "x-correlation-id", "x-amzn-trace-id"),
    *("Traceparent", "Tracestate", "Baggage", "X-Correlation-Id", "X-Correlation-ID", "X-Amzn-Trace-Id"),
)
_MEMBERS = frozenset((*PAYLOAD_NAMES, "headers", "_observe", "__context__", "_datadog"))


def payload(event: Mapping[str, Any]) -> bool:
    """Any other object with headers among its members."""
    return not event.keys().isdisjoint(_MEMBERS)  # looks up the few, however many the event has


#: A text longer than this is not looked into: until 2025 SNS, SQS and EventBridge took no more.
ENVELOPE_MAX = 262_144
#: One of these is in every envelope, and in every payload that carries a header.
_MARKS = (
    *('"TopicArn"', '"detail-type"', '"aws:s3"', '"requestPayload"'),
    *('raceparent"', "orrelation-", '-trace-id"', '"_datadog"', '"__context__"'),
)


def enveloped(body: str) -> bool:
    """Whether a text may be an event or have headers, and so is worth decoding; most bodies are not."""
    if len(body) > ENVELOPE_MAX or not body[:16].lstrip(" \t\r\n").startswith("{"):
        return False
    return any(mark in body for mark in _MARKS)


def _item(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first item of an event that is a list."""
    found = event.get(ITEMS)
    return mapping(found[0]) if isinstance(found, list) and found else {}


def _first(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found = event.get("Records")
    return mapping(found[0]) if isinstance(found, list) and found else {}
