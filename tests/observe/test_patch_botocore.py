"""Unmodified boto3 through the one hook, against moto's server."""

from __future__ import annotations

import asyncio
import base64
import copy
import json
import types
import uuid
from collections.abc import Iterator
from typing import Any

import boto3
import botocore.client
import botocore.exceptions
import botocore.session
import pytest

import observe
from console.local.moto_server import MotoServer
from observe import invocation, patch_botocore, settings
from observe.context import Context, extract, inject
from observe.ids import derive_trace_id
from observe.testing import LambdaContext, Lines

EVENT = {"httpMethod": "GET", "requestContext": {}, "headers": {"x-correlation-id": "CLM-1"}}


@pytest.fixture(scope="module")
def moto() -> Iterator[MotoServer]:
    """One moto server for this module."""
    with MotoServer() as server:
        yield server


@pytest.fixture
def client(moto: MotoServer) -> Iterator[Any]:
    """An SQS client."""
    patch_botocore.install(botocore.client)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    made = session.client("sqs", endpoint_url=moto.endpoint_url)
    yield made
    made.close()


@pytest.fixture
def queue(client: Any) -> str:
    """The URL of an empty queue."""
    url: str = client.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
    return url


def _in_handler(call: Any) -> Context:
    """Run `call()` inside an invocation; return the invocation's context."""
    seen: list[Context] = []

    def function(event: Any, context: Any) -> None:
        current = observe.current()
        assert current is not None
        seen.append(current)
        call()

    observe.instrument(function)(EVENT, LambdaContext())
    return seen[0]


def _received(client: Any, queue: str) -> list[dict[str, str]]:
    reply = client.receive_message(
        QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=1
    )
    return [
        {name: value["StringValue"] for name, value in message.get("MessageAttributes", {}).items()}
        for message in reply.get("Messages", [])
    ]


def test_a_sent_message_carries_the_span_that_sent_it(lines: Lines, client: Any, queue: str) -> None:
    """The message's parent is the producer span, which is the invocation's child and has the message's ID."""
    context = _in_handler(lambda: client.send_message(QueueUrl=queue, MessageBody="x"))
    (headers,) = _received(client, queue)
    own, sent = lines.spans
    found = extract(headers)
    assert (found.trace_id, found.correlation_id) == (context.trace_id, "CLM-1")
    assert found.span_id == sent["spanId"]
    assert sent["parentSpanId"] == own["spanId"]
    assert (sent["name"].split()[0], sent["kind"]) == ("send", 4)
    assert sent["attributes"]["messaging.message.id"]


def test_every_message_of_a_batch_carries_it(lines: Lines, client: Any, queue: str) -> None:
    """SendMessageBatch adds the context to each entry."""
    entries = [{"Id": str(n), "MessageBody": "x"} for n in range(3)]
    before = copy.deepcopy(entries)
    _in_handler(lambda: client.send_message_batch(QueueUrl=queue, Entries=entries))
    assert entries == before
    received = _received(client, queue)
    assert len(received) == 3
    assert {extract(headers).correlation_id for headers in received} == {"CLM-1"}


def test_the_callers_attributes_stay(lines: Lines, client: Any, queue: str) -> None:
    """The caller's dictionary is not changed, and what it set itself wins."""
    attributes = {"x-correlation-id": {"DataType": "String", "StringValue": "mine"}}
    before = copy.deepcopy(attributes)
    _in_handler(lambda: client.send_message(QueueUrl=queue, MessageBody="x", MessageAttributes=attributes))
    assert attributes == before
    (headers,) = _received(client, queue)
    assert headers["x-correlation-id"] == "mine"
    assert "traceparent" in headers


def test_parameters_given_below_the_public_methods_are_put_back(
    lines: Lines, client: Any, queue: str
) -> None:
    """A dictionary that is used for several calls carries nothing from one to the next."""
    params = {"QueueUrl": queue, "MessageBody": "x"}
    _in_handler(lambda: client._make_api_call("SendMessage", params))
    assert params == {"QueueUrl": queue, "MessageBody": "x"}
    assert len(_received(client, queue)[0]) >= 2


def test_other_handlers_attributes_are_counted_first(lines: Lines, client: Any, queue: str) -> None:
    """What a handler of user code adds leaves us what room there is."""
    ten = {f"a{n}": {"DataType": "String", "StringValue": "v"} for n in range(10)}
    client.meta.events.register(
        "before-parameter-build.sqs.SendMessage", lambda params, **_: params.update(MessageAttributes=ten)
    )
    _in_handler(lambda: client.send_message(QueueUrl=queue, MessageBody="x"))
    (headers,) = _received(client, queue)
    assert set(headers) == set(ten)


def test_a_client_that_was_made_before_us_carries_too(lines: Lines, moto: MotoServer) -> None:
    """Functions make their clients where the module is loaded, above the decorated handler."""
    hooked = botocore.client.BaseClient._make_api_call
    botocore.client.BaseClient._make_api_call = hooked.__wrapped__
    try:
        session: Any = boto3.Session("t", "t", region_name="eu-west-1")
        early = session.client("sqs", endpoint_url=moto.endpoint_url)
        url = early.create_queue(QueueName=f"q-{uuid.uuid4().hex}")["QueueUrl"]
        early.send_message(QueueUrl=url, MessageBody="before")
        patch_botocore.install(botocore.client)
        _in_handler(lambda: early.send_message(QueueUrl=url, MessageBody="x"))
        _in_handler(lambda: early.send_message(QueueUrl=url, MessageBody="y"))
        assert [extract(headers).correlation_id for headers in _received(early, url) if headers] == [
            "CLM-1"
        ] * 2
        assert [span["name"].split()[0] for span in lines.spans] == ["GET", "send"] * 2
        early.close()
    finally:
        botocore.client.BaseClient._make_api_call = hooked


def test_a_resource_carries(lines: Lines, client: Any, queue: str, moto: MotoServer) -> None:
    """boto3's resources call what their clients do."""
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    resource = session.resource("sqs", endpoint_url=moto.endpoint_url)
    entries = [{"Id": "1", "MessageBody": "x"}]
    _in_handler(lambda: resource.Queue(queue).send_messages(Entries=entries))
    assert entries == [{"Id": "1", "MessageBody": "x"}]
    assert [extract(headers).correlation_id for headers in _received(client, queue)] == ["CLM-1"]
    resource.meta.client.close()


def test_a_function_that_only_forwards_names_no_span_that_is_not_written(
    lines: Lines, client: Any, queue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With OBSERVE_MODE=propagate the parent of what is sent is whatever was current."""
    monkeypatch.setenv("OBSERVE_MODE", "propagate")
    settings.reset()
    context = _in_handler(lambda: client.send_message(QueueUrl=queue, MessageBody="x"))
    (headers,) = _received(client, queue)
    assert headers["traceparent"] == inject(context)["traceparent"]


@pytest.mark.parametrize(
    ("odd", "sent"),
    [
        *((text, derive_trace_id(text)) for text in ("a\r\nb", "ë", "\x00", "x" * 129)),
        (" ", "a" * 32),
        (7, "7"),
    ],
)
def test_an_odd_context_of_user_code_fails_no_call(
    lines: Lines, client: Any, queue: str, odd: Any, sent: str
) -> None:
    """observe.Context takes anything; what cannot travel is replaced as at the trust edge, and said once."""

    def call() -> None:
        for _ in range(2):
            with observe.use(Context("a" * 32, "b" * 16, correlation_id=odd, baggage=(("k", "1\x002"),))):
                client.send_message(QueueUrl=queue, MessageBody="x")

    _in_handler(call)
    found = [extract(headers) for headers in _received(client, queue)]
    assert [(c.trace_id, c.correlation_id, c.baggage) for c in found] == [("a" * 32, sent, ())] * 2
    assert [line["place"] for line in lines.logs] == ["outbound.carriable"]


def test_outside_an_invocation_nothing_is_added(lines: Lines, client: Any, queue: str) -> None:
    """A call at import time is sent as it is."""
    client.send_message(QueueUrl=queue, MessageBody="x")
    assert _received(client, queue) == [{}]


def test_a_presigned_request_is_left_alone(lines: Lines, client: Any, queue: str) -> None:
    """A URL that somebody else will use later carries nothing of this invocation."""
    urls: list[str] = []
    params = {"QueueUrl": queue, "MessageBody": "x"}
    _in_handler(lambda: urls.append(client.generate_presigned_url("send_message", Params=params)))
    assert "traceparent" not in urls[0]
    assert len(lines.spans) == 1


def test_an_aws_error_is_the_callers_and_marks_the_span(lines: Lines, client: Any) -> None:
    """A refused call raises botocore's own exception, and the span tells its code."""

    def call() -> None:
        with pytest.raises(botocore.exceptions.ClientError):
            client.send_message(QueueUrl="http://127.0.0.1/1/none", MessageBody="x")

    _in_handler(call)
    _, sent = lines.spans
    assert sent["status"]["code"] == 2
    assert sent["attributes"]["error.type"] in (
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
    )
    assert "NonExistentQueue" in sent["status"]["message"] or "QueueDoesNotExist" in sent["status"]["message"]


def test_a_call_that_never_arrives_marks_the_span(lines: Lines) -> None:
    """A connection error raises as without us, and the span tells it."""
    patch_botocore.install(botocore.client)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    config = botocore.config.Config(retries={"total_max_attempts": 1}, connect_timeout=1)
    dead = session.client("sqs", endpoint_url="http://127.0.0.1:1", config=config)

    def call() -> None:
        with pytest.raises(botocore.exceptions.EndpointConnectionError):
            dead.send_message(QueueUrl="http://127.0.0.1:1/q", MessageBody="x")

    _in_handler(call)
    assert lines.spans[1]["attributes"]["error.type"] == "EndpointConnectionError"
    dead.close()


def test_wrong_parameters_are_botocores_to_refuse(lines: Lines, client: Any) -> None:
    """A call that botocore refuses is refused in its own words."""

    def call() -> None:
        with pytest.raises(botocore.exceptions.ParamValidationError, match="QueueUrl"):
            client.send_message(MessageBody=3)
        with pytest.raises(botocore.exceptions.ParamValidationError):
            client.send_message_batch(QueueUrl="q", Entries=[None])
        with pytest.raises(botocore.exceptions.ParamValidationError):
            client.send_message(QueueUrl="q", MessageBody="x", MessageAttributes=[1])
        with pytest.raises(botocore.exceptions.ParamValidationError, match="MessageAttributes, value: None"):
            client.send_message(QueueUrl="q", MessageBody="x", MessageAttributes=None)
        assert invocation.active is not None
        assert not invocation.active.open

    _in_handler(call)
    _, *spans = lines.spans
    assert [span["attributes"]["error.type"] for span in spans] == ["ParamValidationError"] * 4
    assert "value" not in str([span["status"] for span in spans])  # botocore quotes it: it may be anything


def test_a_call_that_is_left_in_the_middle_is_put_back_and_told(
    lines: Lines, client: Any, queue: str
) -> None:
    """What no event of botocore's tells of: a handler of user code that raises before the request is sent."""

    def broken(**_: Any) -> None:
        raise KeyboardInterrupt

    client.meta.events.register("before-call.sqs.SendMessage", broken)
    params = {"QueueUrl": queue, "MessageBody": "x"}

    def call() -> None:
        with pytest.raises(KeyboardInterrupt):
            client._make_api_call("SendMessage", params)

    _in_handler(call)
    assert params == {"QueueUrl": queue, "MessageBody": "x"}
    assert lines.spans[1]["attributes"]["error.type"] == "KeyboardInterrupt"


#: botocore's own method, under our patch.
_BARE = getattr(
    botocore.client.BaseClient._make_api_call, "__wrapped__", botocore.client.BaseClient._make_api_call
)


class _AioBaseClient(botocore.client.BaseClient):  # type: ignore[misc]
    """As aiobotocore's: a coroutine in the place of the method, with the same events."""

    async def _make_api_call(self, operation_name: str, api_params: dict[str, Any]) -> Any:
        await asyncio.sleep(0.01)
        return _BARE(self, operation_name, api_params)


def test_asynchronous_clients_carry(lines: Lines, client: Any, queue: str, moto: MotoServer) -> None:
    """aiobotocore's clients have a method of their own; a call that is cancelled ends, too."""
    patch_botocore.install(types.SimpleNamespace(AioBaseClient=_AioBaseClient))
    session = botocore.session.Session()
    session.set_credentials("t", "t")
    session.register(
        "creating-client-class.sqs", lambda base_classes, **_: base_classes.insert(0, _AioBaseClient)
    )
    made = session.create_client("sqs", region_name="eu-west-1", endpoint_url=moto.endpoint_url)

    def cancel(**_: Any) -> None:
        raise asyncio.CancelledError

    async def send(n: int) -> None:
        with observe.span(f"task {n}"):
            await made.send_message(QueueUrl=queue, MessageBody=str(n))

    async def main() -> None:
        await asyncio.gather(*map(send, range(3)))
        made.meta.events.register("before-call.sqs.SendMessage", cancel)
        with pytest.raises(asyncio.CancelledError):
            await made.send_message(QueueUrl=queue, MessageBody="never")

    _in_handler(lambda: asyncio.run(main()))
    sent = {span["spanId"]: span for span in lines.spans if span["kind"] == 4}
    tasks = {span["spanId"] for span in lines.spans if span["name"].startswith("task")}
    arrived = [sent.pop(extract(headers).span_id) for headers in _received(client, queue)]
    assert {span["parentSpanId"] for span in arrived} == tasks
    assert [span["attributes"]["error.type"] for span in sent.values()] == ["CancelledError"]
    made.close()


def test_invoke_hands_over_the_client_context(lines: Lines) -> None:
    """A synchronous Invoke sends the context as the runtime reads it; seen before the wire."""
    patch_botocore.install(botocore.client)
    session: Any = boto3.Session("t", "t", region_name="eu-west-1")
    lambda_client = session.client("lambda", endpoint_url="http://127.0.0.1:1")
    sent: list[str] = []

    def intercept(request: Any, **_: Any) -> Any:
        sent.append(request.headers["X-Amz-Client-Context"])
        return botocore.awsrequest.AWSResponse("", 200, {"x-amzn-requestid": "r-2"}, _Raw(b"{}"))

    lambda_client.meta.events.register("before-send.lambda.Invoke", intercept)
    context = _in_handler(
        lambda: lambda_client.invoke(FunctionName="arn:aws:lambda:eu-west-1:1:function:b:live")
    )
    header = sent[0].decode() if isinstance(sent[0], bytes) else sent[0]
    custom = json.loads(base64.b64decode(header))["custom"]
    assert extract(custom).trace_id == context.trace_id
    _, call = lines.spans
    assert (call["name"], call["attributes"]["faas.invoked_name"]) == ("invoke b:live", "b")
    assert call["attributes"]["aws.request_id"] == "r-2"
    lambda_client.close()


class _Raw:
    """A body as urllib3 gives it."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *args: object, **kwargs: object) -> Iterator[bytes]:
        yield self._body

    def read(self, *args: object, **kwargs: object) -> bytes:
        body, self._body = self._body, b""
        return body
