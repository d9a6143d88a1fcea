"""observe.testing.events: a builder for every source, whose context is captured to the letter."""

from __future__ import annotations

import copy
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from observe import invocation, semconv, settings
from observe.context import Context, extract, inject
from observe.services import SOURCES, source_of
from observe.services.invoke import record as runtime_record
from observe.source import Record, Source, identified
from observe.testing import LambdaContext, events
from observe.testing.events import Message

CONTEXT = Context(
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    correlation_id="CLM-889123",
    flags=0,
    debug=True,
    hops=2,
    baggage=(("tenant", "7"),),
    tracestate="vendor=1",
)
OTHER = extract({"x-correlation-id": "CLM-2"})
CLAIM = {"id": "CLM-889123", "amount": 1.5}

#: Builder -> (place of its source in SOURCES, what it is called with).
BUILDERS: dict[str, tuple[tuple[str, str], tuple[Any, ...], dict[str, Any]]] = {
    "http_api": (("http", "HTTP_API"), ("POST", "/claims"), {"body": CLAIM}),
    "function_url": (("http", "HTTP_API"), ("GET", "/claims"), {}),
    "alb": (("http", "ALB"), ("GET", "/claims"), {"multi_value": True}),
    "rest_api": (("http", "REST_API"), ("PUT", "/claims"), {"body": "x"}),
    "sqs": (("sqs", "SQS"), ("x",), {}),
    "sns_to_sqs": (("sqs", "SQS"), ("x",), {}),
    "dead_letter": (("sqs", "SQS"), (CLAIM,), {}),
    "sns": (("sns", "SNS"), ("x",), {}),
    "s3": (("s3", "S3"), ("claims/a b.txt",), {}),
    "eventbridge": (("eventbridge", "EVENTBRIDGE"), (CLAIM,), {}),
    "schedule": (("eventbridge", "SCHEDULE"), (), {}),
    "pipes": (("eventbridge", "PIPES"), (events.sqs("x"),), {}),
    "kinesis": (("kinesis", "KINESIS"), (CLAIM,), {}),
    "firehose": (("firehose", "FIREHOSE"), (CLAIM,), {}),
    "rest_api_mapped": (("http", "REST_API_MAPPED"), (), {}),
    "websocket_connect": (("websocket", "WEBSOCKET"), (), {}),
    "websocket_message": (("websocket", "WEBSOCKET"), ("x",), {}),
    "websocket_disconnect": (("websocket", "WEBSOCKET"), (), {}),
    "token_authorizer": (("authorizer", "TOKEN"), (), {}),
    "request_authorizer": (("authorizer", "REQUEST"), (), {}),
    "websocket_authorizer": (("authorizer", "REQUEST"), (), {}),
    "http_api_authorizer": (("authorizer", "HTTP_API"), (), {}),
    "lattice_v1": (("lattice", "LATTICE_V1"), (), {}),
    "lattice_v2": (("lattice", "LATTICE_V2"), (), {}),
    "appsync": (("appsync", "APPSYNC"), (), {}),
    "appsync_batch": (("appsync", "APPSYNC"), ("documents", CLAIM), {}),
    "appsync_channel": (("appsync", "APPSYNC"), (CLAIM,), {}),
    "appsync_authorizer": (("appsync", "AUTHORIZER"), (), {}),
    "lambda_edge": (("cloudfront", "EDGE"), (), {}),
    "s3_object_lambda": (("s3_object_lambda", "OBJECT_LAMBDA"), (), {}),
    "s3_batch": (("s3_batch", "S3_BATCH"), ("key",), {}),
    "dynamodb": (("dynamodb", "DYNAMODB"), (CLAIM,), {}),
    "kafka": (("kafka", "KAFKA"), ("x",), {}),
    "activemq": (("activemq", "ACTIVEMQ"), ("x",), {}),
    "rabbitmq": (("rabbitmq", "RABBITMQ"), ("x",), {}),
    "documentdb": (("documentdb", "DOCUMENTDB"), (CLAIM,), {}),
    "ses": (("ses", "SES"), (), {}),
    "destination": (("destination", "DESTINATION"), (CLAIM,), {}),
    "cognito": (("cognito", "COGNITO"), (), {}),
    "cloudwatch_logs": (("cloudwatch", "LOGS"), ("x",), {}),
    "cloudwatch_alarm": (("cloudwatch", "ALARM"), (), {}),
    "cloudwatch_widget": (("cloudwatch", "WIDGET"), (), {}),
    "config_rule": (("config_rule", "CONFIG_RULE"), (), {}),
    "code_pipeline": (("code_pipeline", "CODE_PIPELINE"), (), {}),
    "code_deploy": (("code_deploy", "CODE_DEPLOY"), (), {}),
    "custom_resource": (("cloudformation", "CUSTOM_RESOURCE"), (), {}),
    "secret_rotation": (("secrets_manager", "ROTATION"), (), {}),
    "connect": (("connect", "CONNECT"), (), {}),
    "bedrock_agent": (("bedrock", "AGENT"), (), {"function": "get_claim"}),
    "lex": (("lex", "LEX"), (), {}),
    "alexa_skill": (("alexa", "SKILL"), (), {}),
    "alexa_smart_home": (("alexa", "SMART_HOME"), (), {}),
    "step_functions": (("step_functions", "STEP_FUNCTIONS"), (CLAIM,), {}),
    "direct": (("payload", "PAYLOAD"), (CLAIM,), {}),
    "iot_rule": (("payload", "PAYLOAD"), (CLAIM,), {}),
}
#: What they carry is in the event that they are given.
WRAPPERS = {"pipes", "destination", "dead_letter"}
CARRYING = [name for name in BUILDERS if "context" in inspect.signature(getattr(events, name)).parameters]
BARE = [name for name in BUILDERS if name not in CARRYING]
#: A payload without headers has nothing that a source could be told by.
PAYLOADS = {"direct", "iot_rule"}


def built(name: str, **more: Any) -> Any:
    """What a builder makes of the arguments of the table, and more."""
    _, args, kwargs = BUILDERS[name]
    return getattr(events, name)(*args, **kwargs, **more)


def sourced(event: Any) -> Source:
    """The source of an event, which has one."""
    source = source_of(event)
    assert source is not None
    return source


def records(event: Any) -> list[Record]:
    """The records of an event, as the layer reads them."""
    return sourced(event).records(event)


def captured(event: Any) -> Context:
    """What the layer captures of an event."""
    source = sourced(event)
    return invocation.capture(source.records(event), source, LambdaContext(), settings.get()).context


def test_every_source_has_a_builder_and_every_builder_a_source() -> None:
    """Whoever adds a source adds a builder for it, and a row here."""
    assert {place for place, _, _ in BUILDERS.values()} == {place for _, place in SOURCES}
    assert set(BUILDERS) == set(events.__all__) - {"Message"}
    assert len(set(events.__all__)) == len(events.__all__)


@pytest.mark.parametrize("name", BUILDERS)
def test_an_event_is_of_its_source(name: str) -> None:
    """The layer takes it for what its builder says, and reads it."""
    (module, attribute), _, _ = BUILDERS[name]
    event = built(name, **({"context": CONTEXT} if name in PAYLOADS else {}))
    assert source_of(event) is getattr(import_module(f"observe.services.{module}"), attribute)
    assert records(event)
    assert sourced(event).describe(event)[0]


@pytest.mark.parametrize("name", CARRYING)
def test_a_context_is_captured_to_the_letter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who believes everybody gets all of it; strangers do not say debug, hops, baggage, "not sampled"."""
    event = built(name, context=CONTEXT)
    public = captured(event)
    monkeypatch.setenv("OBSERVE_TRUST", "internal")
    settings.reset()
    assert captured(event) == CONTEXT
    believed = Context(
        CONTEXT.trace_id,
        CONTEXT.span_id,
        correlation_id=CONTEXT.correlation_id,
        flags=1,
        tracestate=CONTEXT.tracestate,
    )
    assert public == (believed if sourced(event).public else CONTEXT)


@pytest.mark.parametrize("name", BARE)
def test_what_cannot_carry_takes_no_context(name: str) -> None:
    """Nothing of ours is in such an event, and asking for it is a mistake that Python tells."""
    assert not any(identified(record.headers) for record in records(built(name)))
    with pytest.raises(TypeError, match="context"):
        built(name, context=CONTEXT)


PIPED: dict[str, Callable[..., Any]] = {
    "sqs": events.sqs,
    "kinesis": events.kinesis,
    "dynamodb": events.dynamodb,
    "kafka": events.kafka,
    "kafka, self-managed": lambda *args, **more: events.kafka(*args, self_managed=True, **more),
    "activemq": events.activemq,
    "rabbitmq": events.rabbitmq,
}


@pytest.mark.parametrize("name", PIPED)
def test_a_pipe_hands_over_what_the_event_has(name: str) -> None:
    """Each record of each service with its own context, and the pipe's event as its source."""
    event = PIPED[name](Message(CLAIM, context=CONTEXT), Message(CLAIM, context=OTHER))
    piped = events.pipes(event)
    assert sourced(piped).name == "EventBridge Pipes"
    assert [extract(record.headers).correlation_id for record in records(piped)] == ["CLM-889123", "CLM-2"]
    assert sourced(piped).describe(piped) == sourced(event).describe(event)


@pytest.mark.parametrize("name", [name for name in CARRYING if len(records(built(name, context=OTHER))) == 1])
def test_an_invocation_that_failed_has_its_context_wherever_it_is_told(name: str) -> None:
    """To a function, by a queue, a topic, a bus, or Lambda's own dead-letter queue, which opens no batch."""
    event = built(name, context=CONTEXT)
    ended = events.destination(event)
    told = [ended, events.eventbridge(ended, source="lambda")]
    if isinstance(event, dict) and not sourced(event).partial:
        told += [events.dead_letter(event), events.sqs(ended), events.sns_to_sqs(ended)]
    for one in told:
        (record,) = records(one)
        assert extract(record.headers).trace_id == CONTEXT.trace_id
        assert extract(record.headers).correlation_id == CONTEXT.correlation_id


@pytest.mark.parametrize(
    ("event", "envelopes", "receipts"),
    [
        (events.sqs(events.eventbridge(CLAIM, context=CONTEXT, event_id="e-1")), "eventbridge", ("e-1",)),
        (events.sns_to_sqs("x", context=CONTEXT, message_id="m-1"), "sns", ("m-1",)),
        (
            events.sns_to_sqs(events.eventbridge(CLAIM, context=CONTEXT, event_id="e-1"), message_id="m-1"),
            "sns/eventbridge",
            ("m-1", "e-1"),
        ),
        (events.sqs(events.s3("key", request_id="R1")), "s3", ("R1",)),
        (
            events.sns_to_sqs(events.s3("key", request_id="R1"), message_id="m-1"),
            "sns/s3",
            ("m-1", "R1"),
        ),
    ],
)
def test_what_other_services_put_into_queues(event: Any, envelopes: str, receipts: tuple[str, ...]) -> None:
    """The layer opens the envelopes, finds the context where there is one, and else the receipts."""
    (record,) = records(event)
    assert sourced(event).describe(event)[1][semconv.ENVELOPE] == envelopes
    assert record.receipts == receipts
    assert extract(record.headers) == CONTEXT if "s3" not in envelopes else not identified(record.headers)


def test_raw_delivery_has_the_topics_attributes_and_no_envelope() -> None:
    """The same message once raw and once not: a body of its own, a body in an envelope; one context."""
    raw = events.sns_to_sqs("x", raw=True, context=CONTEXT, attributes={"kind": "new"})
    wrapped = events.sns_to_sqs("x", context=CONTEXT, attributes={"kind": "new"})
    assert raw["Records"][0]["body"] == "x"
    assert raw["Records"][0]["messageAttributes"]["kind"]["stringValue"] == "new"
    assert json.loads(wrapped["Records"][0]["body"])["Message"] == "x"
    assert wrapped["Records"][0]["messageAttributes"] == {}
    assert captured(raw) == captured(wrapped) == CONTEXT


def test_a_message_that_a_queue_gave_up_has_its_own_context() -> None:
    """A dead letter of SQS is the message again, and tells where it was moved from."""
    event = events.sqs("x", context=CONTEXT, queue="claims-failed", dead_letter_of="claims", receives=4)
    assert captured(event) == CONTEXT
    assert sourced(event).describe(event)[1]["aws.sqs.dead_letter.source.name"] == "claims"


@pytest.mark.parametrize(
    "name", ["sqs", "sns_to_sqs", "kinesis", "firehose", "kafka", "activemq", "rabbitmq"]
)
def test_each_message_of_a_batch_may_have_a_context_of_its_own(name: str) -> None:
    """What a message says wins over what the call says for all; IDs are unique."""
    builder = getattr(events, name)
    event = builder(CLAIM, Message(CLAIM, context=OTHER), Message(CLAIM, context=None), context=CONTEXT)
    found = records(event)
    assert [extract(record.headers) for record in found[:2]] == [CONTEXT, extract(inject(OTHER))]
    assert not identified(found[2].headers)
    told = [record.message_id for record in found]
    assert name == "rabbitmq" or len(set(told)) == 3  # who sets none there has none


def test_who_calls_synchronously_has_its_context_in_the_runtimes() -> None:
    """LambdaContext.invoked_by is what Invoke carries: a function sees it beside what the caller put in."""
    context = LambdaContext.invoked_by(CONTEXT, "r-1", custom={"tenant": "7"}, function_name="assess")
    assert (context.aws_request_id, context.function_name) == ("r-1", "assess")
    assert context.log_group_name == "/aws/lambda/assess"
    assert context.client_context is not None
    assert context.client_context.custom == {"tenant": "7", **inject(CONTEXT)}
    assert extract(runtime_record(context).headers) == CONTEXT
    assert invocation.capture([], None, context, settings.get()).context == CONTEXT
    with pytest.raises(ValueError, match=r"^LambdaContext.invoked_by: .* \(too_large\)$"):
        LambdaContext.invoked_by(CONTEXT, custom={"a": "x" * 2600})
    with pytest.raises(TypeError, match="it has to be an observe"):
        LambdaContext.invoked_by("CLM-1")  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BUILDERS)
def test_an_event_is_json_and_nobody_elses(name: str) -> None:
    """It goes through JSON unchanged; who changes one changes no other, nor what it was made of."""
    more = {"context": CONTEXT} if name in CARRYING else {}
    arguments = copy.deepcopy(BUILDERS[name])
    event = built(name, **more)
    text = json.dumps(event)
    assert json.loads(text) == event
    _spoil(event)
    assert json.dumps(built(name, **more)) == text
    assert BUILDERS[name] == arguments


def _spoil(value: Any) -> None:
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _spoil(inner)
    if isinstance(value, dict):
        value["spoiled"] = True
    elif isinstance(value, list):
        value.append("spoiled")


def test_events_are_the_same_in_every_run() -> None:
    """Whatever the process, its hash seed and its time zone."""
    code = (
        "import json\n"
        "from tests.observe.test_testing_events import BUILDERS, CARRYING, CONTEXT, built\n"
        "more = {True: {'context': CONTEXT}, False: {}}\n"
        "print(json.dumps([built(name, **more[name in CARRYING]) for name in BUILDERS]))\n"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "TZ": zone},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, zone in (("1", "UTC"), ("2", "Asia/Kolkata"))
    ]
    assert told[0] == told[1]


def test_no_function_loads_what_is_for_tests() -> None:
    """Neither a cold start nor an invocation imports observe.testing, nor that the builders at once."""
    code = (
        "import sys, observe.entry\n"
        "observe.entry.handler({'Records': [{'eventSource': 'aws:sqs', 'body': 'x'}]}, None)\n"
        "assert not [name for name in sys.modules if name.startswith('observe.testing')]\n"
        "from observe import testing\n"
        "assert 'observe.testing.events' not in sys.modules\n"
        "testing.events.sqs('x')\n"
        "assert 'observe.testing.events' in sys.modules\n"
    )
    environment = {**os.environ, "OBSERVE_HANDLER": "operator.is_"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment, stdout=subprocess.PIPE)
