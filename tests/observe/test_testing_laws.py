"""Laws of observe.testing.events: payloads and contexts come out as they went in; any mistake is told."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Callable
from operator import itemgetter
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observe import settings
from observe.context import Context, extract
from observe.services.payload import HOLDERS
from observe.services.shapes import PAYLOAD_NAMES
from observe.testing import events
from tests.observe.test_context_laws import CONTEXTS
from tests.observe.test_testing_events import BUILDERS, CONTEXT, built, records

#: What a payload may say of a context itself.
OURS = {*PAYLOAD_NAMES, *HOLDERS, "_observe"}
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20), 10**20)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
OBJECTS = st.dictionaries(st.text(max_size=8).filter(lambda name: name not in OURS), VALUES, max_size=4)


def _decoded(data: str) -> str:
    return base64.b64decode(data).decode()


def _posting(name: str) -> Callable[..., Any]:
    return lambda text, **more: getattr(events, name)("POST", "/", body=text, **more)


def _notified(event: Any) -> Any:
    return json.loads(event["Records"][0]["body"])["Message"]


#: What takes any text -> (builder, where the text is again).
TEXTS: dict[str, tuple[Callable[..., Any], Callable[[Any], str]]] = {
    "sqs": (events.sqs, lambda event: event["Records"][0]["body"]),
    "fifo": (
        lambda text, **more: events.sqs(text, queue="q.fifo", group="g", **more),
        lambda event: event["Records"][0]["body"],
    ),
    "sns": (events.sns, lambda event: event["Records"][0]["Sns"]["Message"]),
    "sns_to_sqs": (events.sns_to_sqs, _notified),
    "raw": (
        lambda text, **more: events.sns_to_sqs(text, raw=True, **more),
        lambda event: event["Records"][0]["body"],
    ),
    "kafka": (events.kafka, lambda event: _decoded(event["records"]["topic-0"][0]["value"])),
    "activemq": (events.activemq, lambda event: _decoded(event["messages"][0]["data"])),
    "rabbitmq": (
        events.rabbitmq,
        lambda event: _decoded(event["rmqMessagesByQueue"]["queue::/"][0]["data"]),
    ),
    **{
        name: (_posting(name), itemgetter("body"))
        for name in ("http_api", "function_url", "rest_api", "alb", "lattice_v1", "lattice_v2")
    },
    "lambda_edge": (
        lambda text, **more: events.lambda_edge("POST", "/", body=text, **more),
        lambda event: _decoded(event["Records"][0]["cf"]["request"]["body"]["data"]),
    ),
    "connect": (
        lambda text, **more: events.connect({"text": text}, **more),
        lambda event: event["Details"]["Parameters"]["text"],
    ),
}


@pytest.mark.parametrize("name", TEXTS)
@given(text=st.text(max_size=200), context=CONTEXTS)
def test_any_text_and_any_context_survive(name: str, text: str, context: Context) -> None:
    """Whatever the text is, a document with another context too: the message's own is captured."""
    build, read = TEXTS[name]
    event = build(text, context=context)
    assert read(event) == text
    (record,) = records(event)
    assert extract(record.headers) == context
    assert read(build(text)) == text


@given(OBJECTS, CONTEXTS, CONTEXTS)
def test_a_payload_that_looks_like_an_envelope_changes_nothing(
    payload: dict[str, Any], context: Context, other: Context
) -> None:
    """What another service's event in the body carries counts less than the message's own attributes."""
    inner = events.eventbridge(payload, context=other)
    (record,) = records(events.sqs(inner, context=context))
    assert extract(record.headers) == context
    (record,) = records(events.sqs(inner))
    assert extract(record.headers) == other


def _without(payload: Any) -> Any:
    return {name: value for name, value in payload.items() if name != "_observe"}


#: What takes any JSON object -> (builder, where the object is again, apart from a member of ours).
OBJECTS_OF: dict[str, tuple[Callable[..., Any], Callable[[Any], Any]]] = {
    "eventbridge": (events.eventbridge, lambda event: event["detail"]),
    "kinesis": (events.kinesis, lambda event: json.loads(_decoded(event["Records"][0]["kinesis"]["data"]))),
    "firehose": (events.firehose, lambda event: json.loads(_decoded(event["records"][0]["data"]))),
    "documentdb": (
        lambda payload, **more: events.documentdb({"_id": 1, **payload}, **more),
        lambda event: {k: v for k, v in event["events"][0]["event"]["fullDocument"].items() if k != "_id"},
    ),
    "direct": (events.direct, lambda event: event),
    "iot_rule": (events.iot_rule, lambda event: event),
    "step_functions": (events.step_functions, lambda event: event["context"]["Execution"]["Input"]),
}


@pytest.mark.parametrize("name", OBJECTS_OF)
@given(payload=OBJECTS, context=CONTEXTS)
def test_any_object_and_any_context_survive(name: str, payload: dict[str, Any], context: Context) -> None:
    """The member of ours is beside what the developer wrote, as a dictionary or as text."""
    assume("_id" not in payload)
    build, read = OBJECTS_OF[name]
    event = build(payload, context=context)
    assert _without(read(event)) == payload
    (record,) = records(event)
    assert extract(record.headers) == context
    assert read(build(payload)) == payload


DYNAMODB = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.decimals(-1000, 1000, places=3)
    | st.text(max_size=20)
    | st.binary(max_size=20)
    | st.sets(st.text(max_size=5), min_size=1, max_size=3)
    | st.sets(st.integers(), min_size=1, max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=8).filter(lambda name: name not in OURS), DYNAMODB, max_size=4), CONTEXTS
)
def test_any_item_and_any_context_survive(item: dict[str, Any], context: Context) -> None:
    """An item is typed as boto3's own serialiser types it."""
    from boto3.dynamodb.types import TypeSerializer

    event = events.dynamodb({"id": "1", **item}, context=context)
    image = event["Records"][0]["dynamodb"]["NewImage"]
    (record,) = records(event)
    assert extract(record.headers) == context
    for name, value in item.items():
        assert _ordered(image[name]) == _ordered(TypeSerializer().serialize(value))


def _ordered(typed: Any) -> Any:
    """boto3 leaves bytes to botocore, and sets are in no order."""
    if isinstance(typed, dict):
        return {name: _ordered(value) for name, value in typed.items()}
    if isinstance(typed, list):
        texts = [_ordered(value) for value in typed]
        return sorted(texts) if all(isinstance(text, str) for text in texts) else texts
    return base64.b64encode(typed).decode() if isinstance(typed, bytes) else typed


ODD = [
    None,
    5,
    -1.5,
    True,
    "",
    "x",
    "/a?b",
    "\ud800",
    b"\xff",
    [],
    [5],
    {},
    {"a": 5},
    {5: "a"},
    object(),
    {"x"},
]


@pytest.mark.parametrize("name", BUILDERS)
def test_whatever_is_wrong_is_told(name: str) -> None:
    """Each option of each builder with each of many values: an event, or an error that says why."""
    build = getattr(events, name)
    parameters = inspect.signature(build).parameters
    _, args, kwargs = BUILDERS[name]
    told = 0
    for option, parameter in parameters.items():
        if parameter.kind is parameter.VAR_POSITIONAL:
            continue
        for value in ODD:
            given_ones = inspect.signature(build).bind_partial(*args, **kwargs)
            given_ones.arguments[option] = value
            error = _error(build, *given_ones.args, **given_ones.kwargs)
            assert error.startswith(f"{name}: ") or not error, (option, value, error)
            told += bool(error)
    assert told


def _error(build: Callable[..., Any], *args: Any, **kwargs: Any) -> str:
    """What a builder says of its arguments, "" if it made an event of them."""
    try:
        json.dumps(build(*args, **kwargs))
    except (TypeError, ValueError) as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", [n for n, row in BUILDERS.items() if row[1] and n not in ("pipes",)])
def test_whatever_payload_is_wrong_is_told(name: str) -> None:
    """The same for the payload itself."""
    for value in ODD:
        error = _error(getattr(events, name), value, **BUILDERS[name][2])
        assert error.startswith(f"{name}: ") or not error, (value, error)


@pytest.mark.parametrize("text", ["plain", "[1]", "null", '{"a":1} x', ""])
@pytest.mark.parametrize("name", ["kinesis", "firehose"])
def test_a_context_that_has_no_place_is_told(name: str, text: str) -> None:
    """Without a context any data will do; with one it has to be a JSON object."""
    assert records(getattr(events, name)(text))
    with pytest.raises(ValueError, match=rf"^{name}: the context .* no JSON object \(not_json\)$"):
        getattr(events, name)(text, context=CONTEXT)


@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("http_api", {"headers": {"X-Correlation-Id": "mine"}}),
        ("alb", {"headers": {"Traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}}),
        ("sqs", {"attributes": {"traceparent": "mine"}}),
        ("sns", {"attributes": {"X-Correlation-ID": "mine"}}),
        ("kafka", {"headers": {"traceparent": "mine"}}),
        ("activemq", {"properties": {"x_correlation_id": "mine"}}),
        ("rabbitmq", {"headers": {"baggage": "a=b"}}),
        ("ses", {"headers": {"x-correlation-id": "mine"}}),
        ("cognito", {"metadata": {"tracestate": "mine"}}),
        ("s3_batch", {"arguments": {"baggage": "a=b"}}),
        ("lex", {"attributes": {"x-correlation-id": "mine"}}),
        ("alexa_skill", {"session": {"x-correlation-id": "mine"}}),
        ("connect", {"parameters": {"x-correlation-id": "mine"}}),
        ("bedrock_agent", {"session": {"x-correlation-id": "mine"}}),
    ],
)
def test_two_contexts_are_one_too_many(name: str, own: dict[str, Any]) -> None:
    """No carrier overwrites what the caller set: which of the two would the test mean?"""
    assert built(name, **own)
    with pytest.raises(ValueError, match=rf"^{name}: the context would not go .* \(caller_has_own\)$"):
        built(name, context=CONTEXT, **own)


@pytest.mark.parametrize(
    "name", ["eventbridge", "kinesis", "dynamodb", "documentdb", "direct", "step_functions"]
)
def test_a_payload_with_a_member_of_ours_is_one_too_many(name: str) -> None:
    """The same where a payload carries: the name is taken."""
    with pytest.raises(ValueError, match=rf"^{name}: the context would not go .* \(caller_has_own\)$"):
        getattr(events, name)({"id": "1", "_observe": {"mine": "1"}}, context=CONTEXT)


def test_a_context_that_nobody_would_take_is_told() -> None:
    """A trace ID that is none, and an ID beyond the trust edge, would come out as another one."""
    for wrong in (Context("abc"), Context("a" * 32, "b"), Context("a" * 32, correlation_id="ä")):
        with pytest.raises(ValueError, match=r"^sqs: nobody would take Context\("):
            events.sqs("x", context=wrong)


def test_whose_setting_it_is() -> None:
    """A sender's carriers are taken for asked for; this process keeps its own settings."""
    before = settings.get()
    assert before.payload_carriers == frozenset()
    assert extract(records(events.kinesis({"a": 1}, context=CONTEXT))[0].headers) == CONTEXT
    assert settings.get() is before
    with pytest.raises(ValueError, match="not_json"):
        events.kinesis("plain", context=CONTEXT)
    assert settings.get() is before
