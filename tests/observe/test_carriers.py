"""Carriers: what each call carries, who reads it again, what has no room, and which receipts are told."""

from __future__ import annotations

import base64
import copy
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe
from console.local.moto_server import MotoServer
from observe import patch_botocore, receipts, settings
from observe.context import Context, extract, inject
from observe.services import (
    CARRIERS,
    carrier_of,
    eventbridge,
    firehose,
    invoke,
    iot,
    kinesis,
    s3_carrier,
    source_of,
    step_functions,
)
from observe.services import dynamodb_carrier as dynamodb
from observe.settings import PAYLOAD_CARRIERS
from observe.source import LOST, Carrier
from observe.testing import LambdaContext, Lines
from tests.observe.test_services import PARAMS

CONTEXT = Context(
    "4bf92f3577b34da6a3ce929d0e0e4736",
    "00f067aa0ba902b7",
    correlation_id="CLM-1",
    hops=2,
    debug=True,
    baggage=(("tenant", "7"),),
    tracestate="vendor=1",
)
EVENT = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-1"}}
ARN = "arn:aws:states:eu-west-1:123456789012:stateMachine:assess"
#: What nobody may re-serialise: a number's last zero, a key twice, text that is not ASCII, blanks.
DELICATE = '\n { "amount": 1.10, "amount" :1e2, "name": "ë\\u00eb", "n": 12345678901234567890.1234567890 } '

Params = dict[str, Any]


@contextmanager
def asked() -> Iterator[None]:
    """Every payload carrier is asked for."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OBSERVE_PAYLOAD_CARRIERS", ",".join(PAYLOAD_CARRIERS))
        settings.reset()
        yield
    settings.reset()


@pytest.fixture
def opted() -> Iterator[None]:
    """The same for a whole test."""
    with asked():
        yield


# --- Where each puts its payload, and who reads it -------------------------------------------


def _first(event: Any) -> dict[str, str]:
    source = source_of(event)
    assert source is not None
    return source.records(event)[0].headers


def _data(data: Any) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def _bus(params: Params) -> dict[str, str]:
    entry = params["Entries"][0]
    event = {"id": "1", "source": "s", "detail-type": "t", "detail": json.loads(entry["Detail"])}
    return _first(event)


def _stream(record: Params) -> dict[str, str]:
    return _first({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": _data(record["Data"])}}]})


def _delivery(record: Params) -> dict[str, str]:
    return _first({"deliveryStreamArn": "arn", "records": [{"data": _data(record["Data"])}]})


def _execution(params: Params) -> dict[str, str]:
    execution = {"Id": "arn", "Input": json.loads(params["input"])}
    return _first({"Execution": execution, "StateMachine": {"Id": ARN}, "State": {"Name": "s"}})


def _image(params: Params) -> dict[str, str]:
    change = {"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": params["Item"]}}
    return _first({"Records": [change]})


def _device(params: Params) -> dict[str, str]:
    return {name: value for pair in params["userProperties"] for name, value in pair.items()}


#: (call, payload -> parameters, parameters -> payload, parameters -> headers as they are read, limit)
Case = tuple[
    Carrier, Callable[[Any], Params], Callable[[Params], Any], Callable[[Params], dict[str, str]], int
]
CASES: dict[str, Case] = {
    "events": (
        eventbridge.PUT_EVENTS,
        lambda text: {"Entries": [{"Source": "s", "DetailType": "t", "Detail": text}]},
        lambda params: params["Entries"][0]["Detail"],
        _bus,
        999_997,
    ),
    "kinesis": (
        kinesis.PUT,
        lambda text: {"StreamName": "s", "PartitionKey": "1", "Data": text.encode()},
        lambda params: params["Data"],
        _stream,
        10 * 1024 * 1024 - 1,
    ),
    "kinesis-batch": (
        kinesis.PUT_BATCH,
        lambda text: {
            "StreamName": "s",
            "Records": [{"PartitionKey": "1", "Data": bytearray(text.encode())}],
        },
        lambda params: bytes(params["Records"][0]["Data"]),
        lambda params: _stream(params["Records"][0]),
        10 * 1024 * 1024 - 1,
    ),
    "firehose": (
        firehose.PUT,
        lambda text: {"DeliveryStreamName": "s", "Record": {"Data": text}},
        lambda params: params["Record"]["Data"],
        lambda params: _delivery(params["Record"]),
        1_024_000,
    ),
    "firehose-batch": (
        firehose.PUT_BATCH,
        lambda text: {"DeliveryStreamName": "s", "Records": [{"Data": text.encode()}]},
        lambda params: params["Records"][0]["Data"],
        lambda params: _delivery(params["Records"][0]),
        1_024_000,
    ),
    "lambda-async": (
        invoke.INVOKE,
        lambda text: {"FunctionName": "f", "InvocationType": "Event", "Payload": text.encode()},
        lambda params: params["Payload"],
        lambda params: _first(json.loads(params["Payload"])),
        1_000_000,
    ),
    "stepfunctions": (
        step_functions.START,
        lambda text: {"stateMachineArn": ARN, "input": text},
        lambda params: params["input"],
        _execution,
        262_144,
    ),
    "iot": (
        iot.PUBLISH,
        lambda text: {"topic": "claims/1", "payload": text},
        lambda params: params["payload"],
        lambda params: _first(json.loads(params["payload"])),
        131_072,
    ),
}
PAYLOADS = pytest.mark.parametrize("name", CASES)
CONTEXTS = st.builds(
    Context,
    st.text("0123456789abcdef", min_size=32, max_size=32).filter(lambda t: t.strip("0")),
    st.text("0123456789abcdef", min_size=16, max_size=16).filter(lambda t: t.strip("0")),
    correlation_id=st.text("CLM-0123456789._:/=+@", min_size=1, max_size=128),
    debug=st.booleans(),
    hops=st.integers(0, 9999),
    baggage=st.lists(
        st.tuples(st.text("abc", min_size=1, max_size=9), st.text("abc%20", min_size=1, max_size=99)),
        max_size=5,
    ).map(lambda members: tuple(dict(members).items())),
    tracestate=st.sampled_from(["", "vendor=1", "a=b,c=d"]),
)


@PAYLOADS
@given(context=CONTEXTS)
def test_what_is_sent_is_what_is_read(name: str, context: Context) -> None:
    """extract(read(write(c))) == c for every service that has a payload only."""
    with asked():
        carrier, make, _, read, _ = CASES[name]
        for text in ("{}", '{"claim":"CLM-1"}', DELICATE):
            params = make(text)
            assert extract(read(carrier.carry(params, context))) == context
            assert carrier.lost(params, context) == ""


@PAYLOADS
def test_the_payload_around_our_member_stays_as_it_is(opted: None, name: str) -> None:
    """Not one byte of the caller's is another one, in whatever type it was given."""
    carrier, make, payload, _, _ = CASES[name]
    before = payload(make(DELICATE))
    after = payload(carrier.carry(make(DELICATE), CONTEXT))
    mark = {"for": "stepfunctions"} if name == "stepfunctions" else {}
    member = '"_observe":' + json.dumps({**inject(CONTEXT), **mark}, separators=(",", ":")) + ","
    assert type(after) is type(before)
    assert after.replace(member if isinstance(after, str) else member.encode(), type(after)()) == before
    assert after.index(member[:11] if isinstance(after, str) else member[:11].encode()) == 3


@PAYLOADS
def test_what_is_no_object_is_left_alone(opted: None, name: str) -> None:
    """Text, lists, lines of objects, a member of the caller's own, and what is not JSON at all."""
    carrier, make, payload, _, _ = CASES[name]
    reasons = {
        "": "not_json",
        "[1]": "not_json",
        "{}\n{}": "not_json",
        "{claim}": "not_json",
        "\ufeff{}": "not_json",
    }
    for text, reason in {**reasons, '{"a":1,"_observe":"mine"}': "caller_has_own"}.items():
        params = make(text)
        assert payload(carrier.carry(params, CONTEXT)) == payload(params)
        assert carrier.lost(params, CONTEXT) == reason


@PAYLOADS
@given(left=st.integers(-2, 420), blank=st.booleans())
def test_no_limit_is_crossed(name: str, left: int, blank: bool) -> None:
    """However near to its limit a payload is, it does not get over it; what has no room is told."""
    with asked():
        carrier, make, payload, read, limit = CASES[name]
        text = "{" + " " * (limit - left - 2) + "}" if blank else '{"a":"' + "x" * (limit - left - 8) + '"}'
        params = make(text)
        carried = carrier.carry(params, CONTEXT)
        assert len(payload(carried)) <= max(limit, limit - left)
        assert carrier.carry(carried, CONTEXT) == carried
        reason = carrier.lost(params, CONTEXT)
        assert reason in ("", "too_large")
        assert (reason == "") == (
            b"_observe" in str(payload(carried)).encode() and extract(read(carried)) == CONTEXT
        )


@pytest.mark.parametrize(
    ("name", "limit"), [("events", 262_141), ("kinesis", 1024 * 1024 - 1), ("lambda-async", 262_144)]
)
@pytest.mark.parametrize("left", [0, 30, 100, 400])
def test_what_fits_a_smaller_limit_still_does(opted: None, name: str, limit: int, left: int) -> None:
    """A stream that was never raised over 1 MiB, a Region or a target behind that knows 256 KB only."""
    carrier, make, payload, _, _ = CASES[name]
    params = make("{" + " " * (limit - left - 2) + "}")
    assert len(payload(carrier.carry(params, CONTEXT))) <= limit


def test_entries_share_the_limit_of_their_request(opted: None) -> None:
    """A batch whose records together are near the limit stays under it."""
    text = b'{"a":"' + b"x" * 999_950 + b'"}'
    params = {"Records": [{"Data": text} for _ in range(4)]}
    assert sum(len(one["Data"]) for one in firehose.PUT_BATCH.carry(params, CONTEXT)["Records"]) <= 4_000_000
    assert firehose.PUT_BATCH.lost(params, CONTEXT) == "too_large"
    entries = {"Entries": [{"Detail": text.decode()[:80_000] + '"}'} for _ in range(3)]}
    sizes = [len(one["Detail"]) for one in eventbridge.carry(entries, CONTEXT)["Entries"]]
    assert sum(sizes) == 3 * 80_002 + 3 * (sizes[0] - 80_002)


def test_part_of_the_context_is_better_than_none(opted: None) -> None:
    """Without room for the baggage the two sides are still one trace."""
    carrier, make, _, read, limit = CASES["stepfunctions"]
    params = make("{" + " " * (limit - 2 - 130) + "}")
    found = extract(read(carrier.carry(params, CONTEXT)))
    assert (found.trace_id, found.correlation_id, found.baggage) == (CONTEXT.trace_id, "CLM-1", ())
    assert carrier.lost(params, CONTEXT) == "too_large"


# --- Without being asked --------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(CASES.keys() - {"events"}))
def test_a_payload_is_changed_only_where_that_was_asked_for(name: str) -> None:
    """Data is a contract between teams: by default it stays as it is, and the reason is told."""
    carrier, make, payload, _, _ = CASES[name]
    params = make('{"claim":1}')
    assert payload(carrier.carry(params, CONTEXT)) == payload(params)
    assert carrier.lost(params, CONTEXT) == ("" if name == "iot" else "opt_in")


@pytest.mark.parametrize("key", CARRIERS, ids=lambda key: ".".join(key))
def test_every_promise_holds_when_asked_too(opted: None, key: tuple[str, str]) -> None:
    """The caller's parameters stay, twice is once, and what is lost has one of the reasons."""
    carrier = carrier_of(*key)
    assert carrier is not None
    for params in PARAMS[key]:
        before = copy.deepcopy(params)
        once = carrier.carry(params, CONTEXT)
        assert carrier.lost(params, CONTEXT) in {"", *LOST}
        assert params == before
        assert carrier.carry(once, CONTEXT) == once
        assert carrier.lost(once, CONTEXT) == carrier.lost(params, CONTEXT)
        assert carrier.ids({}) == []


def test_unknown_payload_carriers_are_named() -> None:
    """A typo is told and costs nothing else."""
    found = settings.Settings({"OBSERVE_PAYLOAD_CARRIERS": "Kinesis, kafka,,iot"})
    assert found.payload_carriers == {"kinesis", "iot"}
    assert "kafka" in found.problems[0]


# --- One by one ------------------------------------------------------------------------------


def test_attributes_tell_what_had_no_room() -> None:
    """SQS and SNS: ten attributes, the size, and what the caller set itself."""
    ten = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    own = {"X-Correlation-Id": {"DataType": "String", "StringValue": "mine"}}
    same = {"x-correlation-id": {"DataType": "String", "StringValue": "CLM-1"}}
    for service, operation, body in (("sqs", "SendMessage", "MessageBody"), ("sns", "Publish", "Message")):
        carrier = carrier_of(service, operation)
        assert carrier is not None
        assert carrier.lost({body: "x", "MessageAttributes": ten}, CONTEXT) == "no_attribute_room"
        assert carrier.lost({body: "x", "MessageAttributes": own}, CONTEXT) == "caller_has_own"
        assert carrier.lost({body: "x", "MessageAttributes": same}, CONTEXT) == ""
        assert carrier.lost({body: "x" * 262_144}, CONTEXT) == "too_large"
    batch = carrier_of("sqs", "SendMessageBatch")
    assert batch is not None
    assert (
        batch.lost({"Entries": [{"MessageBody": "x"}, {"MessageAttributes": ten}]}, CONTEXT)
        == "no_attribute_room"
    )


def test_a_client_context_tells_what_it_lost() -> None:
    """A synchronous call: not JSON, full, or with the caller's own correlation ID."""

    def encoded(document: str) -> Params:
        return {"ClientContext": base64.b64encode(document.encode()).decode()}

    assert invoke.lost({}, CONTEXT) == ""
    assert invoke.lost(encoded("[]"), CONTEXT) == "not_json"
    assert invoke.lost(encoded('{"a":"' + "x" * 2650 + '"}'), CONTEXT) == "too_large"
    assert invoke.lost(encoded('{"custom":{"x-correlation-id":"mine"}}'), CONTEXT) == "caller_has_own"
    assert invoke.lost({"InvocationType": "DryRun"}, CONTEXT) == ""


def test_what_a_name_makes_harmless_to_repeat_stays_so(opted: None) -> None:
    """The same name and input start one execution: a repeat with another parent would be refused."""
    named = {"stateMachineArn": ARN, "name": "CLM-1", "input": "{}"}
    assert step_functions.carry(named, CONTEXT)["input"] == "{}"
    assert step_functions.START.lost(named, CONTEXT) == "idempotent"
    assert step_functions.START_SYNC.lost(named, CONTEXT) == ""
    durable = {"InvocationType": "Event", "Payload": b"{}", "DurableExecutionName": "CLM-1"}
    assert invoke.carry(durable, CONTEXT) == durable
    assert invoke.lost(durable, CONTEXT) == "idempotent"


def test_x_ray_is_left_to_itself_where_it_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trace header is the call's own; else ours is given, with the lineage that finds endless loops."""
    entry = {"Entries": [{"Detail": "{}"}]}
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=0;Lineage=1:a:0")
    header = eventbridge.carry(entry, CONTEXT)["Entries"][0]["TraceHeader"]
    assert header.startswith(
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=0;Lineage"
    )
    assert step_functions.carry({"stateMachineArn": ARN}, CONTEXT)["traceHeader"] == header
    assert step_functions.carry({"traceHeader": "mine"}, CONTEXT)["traceHeader"] == "mine"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=1")
    assert "TraceHeader" not in eventbridge.carry(entry, CONTEXT)["Entries"][0]
    assert "traceHeader" not in step_functions.carry({"stateMachineArn": ARN}, CONTEXT)


@given(st.dictionaries(st.text("abcX-", min_size=1, max_size=20), st.text("xyz", max_size=400), max_size=6))
def test_s3_metadata_stays_under_its_limit(metadata: dict[str, str]) -> None:
    """2 KB with names and values, whatever the caller has; nothing of the caller's is lost."""
    params = {"Bucket": "b", "Key": "k", "Metadata": metadata}
    carried = s3_carrier.PUT.carry(params, CONTEXT)["Metadata"]
    size = sum(11 + len(name) + len(value) for name, value in carried.items())
    assert size <= max(2048, sum(11 + len(name) + len(value) for name, value in metadata.items()))
    assert metadata.items() <= carried.items()
    told = ("traceparent" in carried) + ("x-correlation-id" in carried)
    assert s3_carrier.PUT.lost(params, CONTEXT) == ("no_carrier" if told == 2 else "too_large")


def test_a_copy_keeps_its_metadata_unless_the_call_replaces_it(opted: None) -> None:
    """Metadata in a call that copies it would be ignored, or refused."""
    copied = {"Bucket": "b", "Key": "k", "CopySource": "b/o"}
    assert s3_carrier.COPY.carry(copied, CONTEXT) == copied
    replaced = s3_carrier.COPY.carry({**copied, "MetadataDirective": "REPLACE"}, CONTEXT)
    assert replaced["Metadata"]["x-correlation-id"] == "CLM-1"
    assert "Tagging" not in replaced
    assert "Tagging" in s3_carrier.COPY.carry({**copied, "TaggingDirective": "REPLACE"}, CONTEXT)


@pytest.mark.parametrize(("existing", "ours"), [(0, 2), (8, 2), (9, 1), (10, 0), (12, 0)])
def test_tags_stay_within_ten(opted: None, existing: int, ours: int) -> None:
    """Ten tags an object, and they are written as a query is."""
    tagging = "&".join(f"t{n}=v" for n in range(existing))
    context = Context(CONTEXT.trace_id, CONTEXT.span_id, correlation_id="a/b=c+d")
    params = {"Bucket": "b", "Key": "k", **({"Tagging": tagging} if tagging else {})}
    carried = s3_carrier.PUT.carry(params, context).get("Tagging", "")
    assert carried.startswith(tagging)
    assert carried.count("=") == existing + ours
    assert ("x-correlation-id=a%2Fb%3Dc%2Bd" in carried) == (ours == 2)
    assert s3_carrier.PUT.lost(params, context) == ("no_carrier" if ours == 2 else "no_attribute_room")
    assert "Tagging" not in s3_carrier.PUT.carry({"Bucket": "b--euw1-az1--x-s3"}, context)


def _tree(value: Any) -> Any:
    if isinstance(value, dict):
        return {"M": {name: _tree(inner) for name, inner in value.items()}}
    if isinstance(value, list):
        return {"L": [_tree(inner) for inner in value]}
    return {"B": value} if isinstance(value, bytes) else {"S": value}


ITEMS = st.recursive(
    st.text(max_size=20) | st.binary(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)


@given(st.dictionaries(st.text(min_size=1, max_size=8), ITEMS, max_size=4), CONTEXTS)
def test_an_item_has_one_attribute_more(item: dict[str, Any], context: Context) -> None:
    """The item's own attributes are there, and the stream's reader finds the context in the new image."""
    with asked():
        params = {"TableName": "t", "Item": {name: _tree(value) for name, value in item.items()}}
        carried = dynamodb.PUT_ITEM.carry(params, context)
        assert carried["Item"].items() >= params["Item"].items()
        assert extract(_image(carried)) == context


@pytest.mark.parametrize("left", [-10, 0, 50, 100, 1100, 1400])
def test_an_item_stays_under_400_kilobytes(opted: None, left: int) -> None:
    """An item near its limit is written as it is, or with as much as has room."""
    params = {"TableName": "t", "Item": {"id": {"S": "x" * (409_600 - 2 - left)}}}
    carried = dynamodb.PUT_ITEM.carry(params, CONTEXT)["Item"]
    extra = sum(3 + len(k) + len(v["S"]) for k, v in carried.get("_observe", {"M": {}})["M"].items())
    assert extra + 11 <= left or "_observe" not in carried
    assert dynamodb.PUT_ITEM.lost(params, CONTEXT) == ("" if left == 1400 else "too_large")


def test_an_items_own_attribute_stays(opted: None) -> None:
    """A table with an attribute of that name keeps it, and an item that is not typed is botocore's."""
    mine = {"Item": {"id": {"S": "1"}, "_observe": {"S": "mine"}}}
    assert dynamodb.PUT_ITEM.carry(mine, CONTEXT) == mine
    assert dynamodb.PUT_ITEM.lost(mine, CONTEXT) == "caller_has_own"
    assert dynamodb.PUT_ITEM.lost({"Item": {"id": "1"}}, CONTEXT) == "not_json"


def test_user_properties_carry_the_whole_context() -> None:
    """MQTT 5: pairs beside the payload, which needs not be asked for; the caller's own win."""
    carried = iot.PUBLISH.carry({"topic": "t", "payload": "{}"}, CONTEXT)
    assert extract(_device(carried)) == CONTEXT
    assert carried["payload"] == "{}"
    mine = {"topic": "t", "userProperties": [{"X-Correlation-ID": "mine"}]}
    carried = iot.PUBLISH.carry(mine, CONTEXT)
    assert carried["userProperties"][0] == {"X-Correlation-ID": "mine"}
    assert "x-correlation-id" not in _device(carried)
    assert iot.PUBLISH.lost(mine, CONTEXT) == "caller_has_own"


@given(st.lists(st.text(max_size=900), max_size=9))
def test_user_properties_stay_within_one_header(values: list[str]) -> None:
    """What botocore puts into the header, JSON in base64, is at most 8 KiB."""
    params = {"topic": "t", "userProperties": [{f"p{n}": value} for n, value in enumerate(values)]}
    carried = iot.PUBLISH.carry(params, CONTEXT)
    before, after = (
        len(base64.b64encode(json.dumps(p["userProperties"]).encode())) for p in (params, carried)
    )
    assert after <= 8192 or after == before
    assert (iot.PUBLISH.lost(params, CONTEXT) == "") == (extract(_device(carried)) == CONTEXT)


def test_topics_of_awss_own_keep_their_payload(opted: None) -> None:
    """A shadow's document is AWS's contract; a rule's topic is the team's."""
    shadow = {"topic": "$aws/things/t/shadow/update", "payload": b"{}"}
    assert iot.PUBLISH.carry(shadow, CONTEXT)["payload"] == b"{}"
    assert b"_observe" in iot.PUBLISH.carry({**shadow, "topic": "$aws/rules/claims/1"}, CONTEXT)["payload"]


# --- Real calls ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    """One moto server for this module."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def client(moto: MotoServer) -> Iterator[Callable[[str], Any]]:
    """Make clients of a session that was made after the hook was installed."""
    patch_botocore.install(botocore.session)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    made: list[Any] = []

    def make(service: str) -> Any:
        made.append(session.client(service, endpoint_url=moto.endpoint_url))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _call(call: Callable[[], Any]) -> Any:
    """The result of `call()`, made inside an invocation."""
    results: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        results.append(call())

    observe.instrument(handler)(EVENT, LambdaContext())
    return results[0]


def _told(lines: Lines) -> list[dict[str, Any]]:
    return [line for line in lines.logs if line.get("event") == receipts.EVENT]


def _name() -> str:
    return f"n-{uuid.uuid4().hex}"


def _queue(client: Callable[[str], Any]) -> tuple[Any, str, str]:
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=_name())["QueueUrl"]
    reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return sqs, url, reply["Attributes"]["QueueArn"]


def test_an_event_goes_over_a_bus(lines: Lines, client: Callable[[str], Any]) -> None:
    """What PutEvents sends has the context and the rest of the detail; its span has the event's ID."""
    events = client("events")
    bodies: list[bytes] = []
    events.meta.events.register(
        "before-send.events.PutEvents", lambda request, **_: bodies.append(request.body)
    )
    entry = {"Source": "claims", "DetailType": "t", "Detail": '{"claim": "ë", "n": 1.10}'}
    reply = _call(lambda: events.put_events(Entries=[entry]))
    sent = json.loads(bodies[0])
    own, put = lines.spans
    assert extract(_bus(sent)).span_id == put["spanId"]
    assert sent["Entries"][0]["Detail"].endswith(entry["Detail"][1:])
    assert f"Parent={put['spanId']}" in sent["Entries"][0]["TraceHeader"]
    assert put["attributes"]["messaging.message.id"] == reply["Entries"][0]["EventId"]
    assert (put["name"], put["parentSpanId"]) == ("send default", own["spanId"])
    assert _told(lines) == []
    reply = _call(lambda: events.put_events(Entries=[entry, entry]))
    (told,) = _told(lines)
    assert told["receipts"]["ids"] == [each["EventId"] for each in reply["Entries"]]


def test_records_go_through_a_stream(opted: None, lines: Lines, client: Callable[[str], Any]) -> None:
    """Each record is read with the context, and the receipts of a batch are its sequence numbers."""
    stream = client("kinesis")
    name = _name()
    stream.create_stream(StreamName=name, ShardCount=1)
    records = [{"Data": b'{"n": 1.10}', "PartitionKey": "1"}, {"Data": b"text", "PartitionKey": "1"}]
    _call(lambda: stream.put_record(StreamName=name, **records[0]))
    _call(lambda: stream.put_records(StreamName=name, Records=records))
    shard = stream.describe_stream(StreamName=name)["StreamDescription"]["Shards"][0]["ShardId"]
    iterator = stream.get_shard_iterator(StreamName=name, ShardId=shard, ShardIteratorType="TRIM_HORIZON")
    found = stream.get_records(ShardIterator=iterator["ShardIterator"])["Records"]
    assert [extract(_stream(record)).correlation_id == "CLM-1" for record in found] == [True, True, False]
    assert [b'"n": 1.10' in record["Data"] for record in found] == [True, True, False]
    (told,) = _told(lines)
    assert told["receipts"] == {
        "service": "kinesis",
        "operation": "PutRecords",
        "ids": [record["SequenceNumber"] for record in found[1:]],
    }
    single = next(span for span in lines.spans if "messaging.message.id" in span["attributes"])
    assert single["attributes"]["messaging.message.id"] == found[0]["SequenceNumber"]


def test_records_go_through_a_delivery_stream(
    opted: None, lines: Lines, client: Callable[[str], Any]
) -> None:
    """What Firehose delivers has the member, and each record's ID is told."""
    s3, delivery = client("s3"), client("firehose")
    name = _name()
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    target = {"RoleARN": "arn:aws:iam::123456789012:role/r", "BucketARN": f"arn:aws:s3:::{name}"}
    delivery.create_delivery_stream(DeliveryStreamName=name, ExtendedS3DestinationConfiguration=target)
    _call(lambda: delivery.put_record(DeliveryStreamName=name, Record={"Data": b'{"n": 1.10}'}))
    reply = _call(lambda: delivery.put_record_batch(DeliveryStreamName=name, Records=[{"Data": "{}"}]))
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket=name)["Contents"]]
    found = [s3.get_object(Bucket=name, Key=key)["Body"].read() for key in keys]
    assert all(extract(_delivery({"Data": data})).correlation_id == "CLM-1" for data in found)
    assert any(data.endswith(b'"n": 1.10}') for data in found)
    (told,) = _told(lines)
    assert told["receipts"]["ids"] == [reply["RequestResponses"][0]["RecordId"]]


def test_an_object_has_the_metadata_and_its_request_a_receipt(
    lines: Lines, client: Callable[[str], Any]
) -> None:
    """Who reads the object finds the context; the notification has the request's ID, and so has the line."""
    s3 = client("s3")
    bucket = _name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    metadata = {"Mine": "1"}
    reply = _call(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata=metadata))
    found = s3.head_object(Bucket=bucket, Key="k")["Metadata"]
    _, put = lines.spans
    assert metadata == {"Mine": "1"}
    assert (found["mine"], extract(found).span_id) == ("1", put["spanId"])
    assert (put["name"], put["attributes"]["aws.s3.key"]) == (f"PutObject {bucket}", "k")
    (told,) = _told(lines)
    assert told["receipts"]["ids"] == [reply["ResponseMetadata"]["RequestId"]]
    assert told["span_id"] == put["spanId"]


def test_an_upload_in_parts_is_told_when_it_is_complete(
    opted: None, lines: Lines, client: Callable[[str], Any]
) -> None:
    """The metadata and tags are the beginning's, the receipt is the end's; a copy that replaces has them."""
    s3 = client("s3")
    bucket = _name()
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def upload() -> Any:
        started = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
        part = s3.upload_part(Bucket=bucket, Key="k", UploadId=started, PartNumber=1, Body=b"x")
        parts = {"Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}
        return s3.complete_multipart_upload(Bucket=bucket, Key="k", UploadId=started, MultipartUpload=parts)

    reply = _call(upload)
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["x-correlation-id"] == "CLM-1"
    tags = s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"]
    assert {"Key": "x-correlation-id", "Value": "CLM-1"} in tags
    (told,) = _told(lines)
    assert told["receipts"]["operation"] == "CompleteMultipartUpload"
    assert told["receipts"]["ids"] == [reply["ResponseMetadata"]["RequestId"]]
    source = {"Bucket": bucket, "Key": "k"}
    _call(lambda: s3.copy_object(Bucket=bucket, Key="c", CopySource=source, MetadataDirective="REPLACE"))
    assert s3.head_object(Bucket=bucket, Key="c")["Metadata"].keys() == {"traceparent", "x-correlation-id"}


@pytest.mark.parametrize("opt_in", [False, True])
def test_an_execution_is_started(
    lines: Lines, client: Callable[[str], Any], opt_in: bool, request: pytest.FixtureRequest
) -> None:
    """Its input has the context where that was asked for; else its ARN is told in a line."""
    if opt_in:
        request.getfixturevalue("opted")
    machines = client("stepfunctions")
    definition = json.dumps({"StartAt": "s", "States": {"s": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::123456789012:role/r"
    machine = machines.create_state_machine(name=_name(), definition=definition, roleArn=role)
    arn = machine["stateMachineArn"]
    started = _call(lambda: machines.start_execution(stateMachineArn=arn, input='{"n": 1.10}'))[
        "executionArn"
    ]
    given = machines.describe_execution(executionArn=started)["input"]
    assert ("_observe" in given, '"n": 1.10}' in given) == (opt_in, True)
    assert lines.spans[1]["attributes"]["messaging.message.id"] == started
    assert [line["receipts"]["ids"] for line in _told(lines)] == ([] if opt_in else [[started]])


def test_an_item_of_a_resource_has_the_attribute(opted: None, lines: Lines, moto: MotoServer) -> None:
    """boto3's resources turn Python values into typed ones before we see them."""
    patch_botocore.install(botocore.session)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    resource = session.resource("dynamodb", endpoint_url=moto.endpoint_url)
    table = resource.create_table(
        TableName=_name(),
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    item = {"id": "1", "list": [1, {"a": b"x"}]}
    _call(lambda: table.put_item(Item=item))
    assert item == {"id": "1", "list": [1, {"a": b"x"}]}
    found = table.get_item(Key={"id": "1"})["Item"]
    assert extract(found["_observe"]).span_id == lines.spans[1]["spanId"]
    assert lines.spans[1]["name"] == f"PutItem {table.name}"
    assert _told(lines) == []
    resource.meta.client.close()


def test_a_message_is_published_with_user_properties(lines: Lines, client: Callable[[str], Any]) -> None:
    """botocore takes the list and writes the header, so that it is given as Python's."""
    device = client("iot-data")
    sent: list[Any] = []
    device.meta.events.register(
        "before-send.iot-data-plane.Publish", lambda request, **_: sent.append(request.headers)
    )
    _call(lambda: device.publish(topic="claims/1", payload=b"x"))
    header = sent[0]["x-amz-mqtt5-user-properties"]
    pairs = json.loads(base64.b64decode(header))
    assert extract({name: value for pair in pairs for name, value in pair.items()}).correlation_id == "CLM-1"
    assert lines.spans[1]["name"] == "send claims"


# --- Receipts --------------------------------------------------------------------------------


def test_a_plain_message_is_not_told_twice(lines: Lines, client: Callable[[str], Any]) -> None:
    """Its span has the ID; what could not be carried, and what was sent in a batch, gets a line."""
    sqs, url, _ = _queue(client)
    _call(lambda: sqs.send_message(QueueUrl=url, MessageBody="x"))
    assert _told(lines) == []
    ten = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    reply = _call(lambda: sqs.send_message(QueueUrl=url, MessageBody="x", MessageAttributes=ten))
    assert [line["receipts"]["ids"] for line in _told(lines)] == [[reply["MessageId"]]]
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    reply = _call(lambda: sqs.send_message_batch(QueueUrl=url, Entries=entries))
    told = _told(lines)[1]
    assert told["receipts"]["ids"] == [entry["MessageId"] for entry in reply["Successful"]]
    assert (told["level"], told["message"], told["correlation_id"]) == ("INFO", "receipt", "CLM-1")
    assert list(told)[-2:] == ["event", "receipts"]


def test_receipts_are_told_without_spans_too(
    lines: Lines, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OBSERVE_MODE=propagate writes no span; a receipt is a log line."""
    sqs, url, _ = _queue(client)
    monkeypatch.setenv("OBSERVE_MODE", "propagate")
    settings.reset()
    _call(lambda: sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "1", "MessageBody": "x"}]))
    monkeypatch.undo()
    settings.reset()
    assert lines.spans == []
    assert len(_told(lines)) == 1


def test_what_was_refused_has_no_receipt(lines: Lines, client: Callable[[str], Any]) -> None:
    """Neither a call that failed nor an entry that was refused was sent."""
    s3 = client("s3")

    def call() -> None:
        with pytest.raises(s3.exceptions.ClientError):
            s3.put_object(Bucket=_name(), Key="k")

    _call(call)
    assert _told(lines) == []
    carrier = carrier_of("events", "PutEvents")
    assert carrier is not None
    refused = {"Entries": [{"ErrorCode": "InternalFailure"}, {"EventId": "1"}]}
    assert (carrier.ids(refused), carrier.receipt(refused)) == (["1"], {})


def test_a_line_has_a_hundred_receipts(lines: Lines) -> None:
    """A batch of 500 records is one line, which says how many it leaves out."""
    _call(lambda: receipts.write("kinesis", "PutRecords", [str(n) for n in range(500)], CONTEXT))
    (told,) = _told(lines)
    assert len(told["receipts"]["ids"]) == 100
    assert told["receipts"]["omitted"] == 400


def test_a_fault_of_a_carrier_leaves_the_call_as_it_was(
    lines: Lines, client: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message is sent without us, and its span ends."""
    sqs, url, _ = _queue(client)
    carrier = carrier_of("sqs", "SendMessage")
    monkeypatch.setattr(carrier, "carry", lambda *_: 1 / 0)
    assert _call(lambda: sqs.send_message(QueueUrl=url, MessageBody="x"))["MessageId"]
    assert len(lines.spans) == 2
    assert lines.logs[0]["event"] == "observe.fault"
