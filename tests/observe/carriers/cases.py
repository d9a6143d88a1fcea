"""What the carriers are tested with: contexts, one case a payload, who reads it again, calls."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import strategies as st

import observe
from observe import receipts, settings
from observe.context import Context
from observe.services import eventbridge, firehose, invoke, iot, kinesis, source_of, step_functions
from observe.settings import PAYLOAD_CARRIERS
from observe.source import Carrier
from observe.testing import LambdaContext, Lines

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


def first(event: Any) -> dict[str, str]:
    """The headers that the first record of an event has, as its source reads them."""
    source = source_of(event)
    assert source is not None
    return source.records(event)[0].headers


def data_of(data: Any) -> str:
    """Data as an event has it: base64."""
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


def read_bus(params: Params) -> dict[str, str]:
    """What a rule's function reads of PutEvents' first entry."""
    entry = params["Entries"][0]
    event = {"id": "1", "source": "s", "detail-type": "t", "detail": json.loads(entry["Detail"])}
    return first(event)


def read_stream(record: Params) -> dict[str, str]:
    """What a stream's function reads of a record that was put."""
    return first({"Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": data_of(record["Data"])}}]})


def read_delivery(record: Params) -> dict[str, str]:
    """What a transformation reads of a record that was put."""
    return first({"deliveryStreamArn": "arn", "records": [{"data": data_of(record["Data"])}]})


def read_execution(params: Params) -> dict[str, str]:
    """What a task reads that gets the context object."""
    execution = {"Id": "arn", "Input": json.loads(params["input"])}
    return first({"Execution": execution, "StateMachine": {"Id": ARN}, "State": {"Name": "s"}})


def read_image(params: Params) -> dict[str, str]:
    """What a table's stream tells of an item."""
    change = {"eventSource": "aws:dynamodb", "dynamodb": {"NewImage": params["Item"]}}
    return first({"Records": [change]})


def read_device(params: Params) -> dict[str, str]:
    """The user properties of a message, by name."""
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
        read_bus,
        999_997,
    ),
    "kinesis": (
        kinesis.PUT,
        lambda text: {"StreamName": "s", "PartitionKey": "1", "Data": text.encode()},
        lambda params: params["Data"],
        read_stream,
        10 * 1024 * 1024 - 1,
    ),
    "kinesis-batch": (
        kinesis.PUT_BATCH,
        lambda text: {
            "StreamName": "s",
            "Records": [{"PartitionKey": "1", "Data": bytearray(text.encode())}],
        },
        lambda params: bytes(params["Records"][0]["Data"]),
        lambda params: read_stream(params["Records"][0]),
        10 * 1024 * 1024 - 1,
    ),
    "firehose": (
        firehose.PUT,
        lambda text: {"DeliveryStreamName": "s", "Record": {"Data": text}},
        lambda params: params["Record"]["Data"],
        lambda params: read_delivery(params["Record"]),
        1_024_000,
    ),
    "firehose-batch": (
        firehose.PUT_BATCH,
        lambda text: {"DeliveryStreamName": "s", "Records": [{"Data": text.encode()}]},
        lambda params: params["Records"][0]["Data"],
        lambda params: read_delivery(params["Records"][0]),
        1_024_000,
    ),
    "lambda-async": (
        invoke.INVOKE,
        lambda text: {"FunctionName": "f", "InvocationType": "Event", "Payload": text.encode()},
        lambda params: params["Payload"],
        lambda params: first(json.loads(params["Payload"])),
        1_000_000,
    ),
    "stepfunctions": (
        step_functions.START,
        lambda text: {"stateMachineArn": ARN, "input": text},
        lambda params: params["input"],
        read_execution,
        262_144,
    ),
    "iot": (
        iot.PUBLISH,
        lambda text: {"topic": "claims/1", "payload": text},
        lambda params: params["payload"],
        lambda params: first(json.loads(params["payload"])),
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


def made(call: Callable[[], Any]) -> Any:
    """The result of `call()`, made inside an invocation."""
    results: list[Any] = []

    def handler(event: Any, context: Any) -> None:
        results.append(call())

    observe.instrument(handler)(EVENT, LambdaContext())
    return results[0]


def receipts_in(lines: Lines) -> list[dict[str, Any]]:
    """The lines of receipts."""
    return [line for line in lines.logs if line.get("event") == receipts.EVENT]


def fresh_name() -> str:
    """A name that nothing has yet."""
    return f"n-{uuid.uuid4().hex}"


def queue(client: Callable[[str], Any]) -> tuple[Any, str, str]:
    """(client, URL, ARN) of an empty queue."""
    sqs = client("sqs")
    url = sqs.create_queue(QueueName=fresh_name())["QueueUrl"]
    reply = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return sqs, url, reply["Attributes"]["QueueArn"]
