"""A template deployed: the real runtime client, moto's server, the front door."""

from __future__ import annotations

import base64
import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from console.local.cloudwatch import MemoryLogWriter
from console.local.http_edge import EdgeServer, JsonHandler
from console.local.kinesis import ShardPoller, shards_of
from console.local.moto_server import MotoServer
from console.local.stack import NotDeployedError, Stack, deploy
from console.local.template import load
from console.local.template_parts import KinesisTrigger

pytestmark = pytest.mark.runtime
SAM = Path(__file__).parent / "data" / "sam.yaml"


class _Legacy(JsonHandler):
    def do_any(self) -> None:
        self.respond_json(200, {"legacy": self.path, "body": self.read_body(1 << 20).decode()})

    do_GET = do_POST = do_any  # noqa: N815


@pytest.fixture(scope="module")
def log() -> MemoryLogWriter:
    """Where the functions log to."""
    return MemoryLogWriter()


@pytest.fixture(scope="module")
def stack(moto: MotoServer, log: MemoryLogWriter) -> Iterator[Stack]:
    """The template that uses everything, running."""
    legacy = EdgeServer(_Legacy)
    name = f"s{uuid4().hex[:8]}"
    template = load(SAM, {"LegacyUrl": f"http://{legacy.address}"}, stack_name=name)
    with deploy(template, moto, environment={"EXTRA": "1"}, log=log, retry_delay_s=0.05) as running:
        yield running
    legacy.close()


def _ask(stack: Stack, path: str, body: object = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(stack.url + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=20) as reply:
        return dict(json.load(reply))


def _collected(log: MemoryLogWriter, containing: str) -> list[dict[str, Any]]:
    lines = [line for line in log.messages() if line.startswith('{"event"') and containing in line]
    return [json.loads(line) for line in lines]


def _do(stack: Stack, **what: Any) -> dict[str, Any]:
    result = stack.function("Submit").invoke(what)
    assert result.status == "success", result.payload
    assert stack.settled(20)
    return dict(json.loads(result.payload))


def test_variables_are_resolved(stack: Stack) -> None:
    """References are what was made; the caller's variables and moto's address are there."""
    environ = _do(stack)["environ"]
    name = stack.template.stack_name
    assert environ["QUEUE_URL"] == stack.queue_url("Queue") == stack.queue_url(f"{name}-claims")
    assert environ["QUEUE_NAME"] == f"{name}-claims"
    assert environ["TOPIC_ARN"] == stack.topic_arn("Topic")
    assert (environ["BUCKET"], environ["EXTRA"]) == (stack.bucket("Documents"), "1")
    assert environ["AWS_ENDPOINT_URL"].startswith("http://127.0.0.1:")
    assert environ["BUS"].endswith(f":event-bus/{name}-claims")
    assert environ["STREAM"] == stack.stream_name(f"{name}-Facts")
    for ask in (stack.queue_url, stack.bucket, stack.topic_arn, stack.bus_name, stack.stream_name):
        with pytest.raises(NotDeployedError):
            ask("Dead-ish")


def test_a_split_and_a_proxy_reach_both_sides(stack: Stack) -> None:
    """75 of 100 would be the function's; of four, three are."""
    answers = [_ask(stack, "/claims", {}) for _ in range(4)]
    assert [("legacy" in answer) for answer in answers].count(True) == 1
    assert {"legacy": "/claims", "body": "{}"} in answers
    assert _ask(stack, "/policies/7?x=1") == {"legacy": "/policies/7?x=1", "body": ""}


def test_a_queue_calls_its_function_and_gives_up_in_the_dead_letter_queue(
    stack: Stack, moto: MotoServer, log: MemoryLogWriter
) -> None:
    """A message that fails twice is redriven; dead letters do not keep the stack from settling."""
    _do(stack, queue=["queue-fine", "queue-fail"])
    assert len(_collected(log, "queue-fail")) == 2
    dead = moto.client("sqs").receive_message(QueueUrl=stack.queue_url("Dead")).get("Messages", [])
    assert "queue-fail" in [message["Body"] for message in dead]


def test_a_topic_calls_its_function(stack: Stack, log: MemoryLogWriter) -> None:
    """Lambda's event for SNS, for what the filter policy lets through."""
    _do(stack, topic=[["topic-fine", "storm"], ["topic-other", "hail"]])
    (found,) = _collected(log, "topic-fine")
    (record,) = found["event"]["Records"]
    real = {"SignatureVersion", "Timestamp", "Signature", "SigningCertUrl", "MessageId", "Message",
            "MessageAttributes", "Type", "UnsubscribeUrl", "TopicArn", "Subject"}  # fmt: skip
    assert set(record) == {"EventVersion", "EventSubscriptionArn", "EventSource", "Sns"}
    assert set(record["Sns"]) == real
    assert record["Sns"]["MessageAttributes"] == {"kind": {"Type": "String", "Value": "storm"}}
    assert record["Sns"]["TopicArn"] == stack.topic_arn("Topic")
    assert record["EventSubscriptionArn"].startswith(stack.topic_arn("Topic") + ":")
    assert not _collected(log, "topic-other")


def test_a_failing_event_is_tried_again_and_dropped(stack: Stack, log: MemoryLogWriter) -> None:
    """MaximumRetryAttempts is 1: two attempts with one request ID, then it is counted."""
    before = stack.pollers.dropped
    _do(stack, topic=[["topic-fail", "storm"]])
    attempts = _collected(log, "topic-fail")
    assert len(attempts) == 2
    assert len({attempt["id"] for attempt in attempts}) == 1
    assert stack.pollers.dropped == before + 1


def test_a_bucket_calls_its_function(stack: Stack, log: MemoryLogWriter) -> None:
    """Lambda's event for S3, for keys that begin and end as asked; the key is encoded as S3 does it."""
    _do(stack, bucket=["in/my claim é.txt", "in/no.pdf", "out/no.txt"])
    (found,) = _collected(log, "aws:s3")
    (record,) = found["event"]["Records"]
    assert set(record) == {
        *("eventVersion", "eventSource", "awsRegion", "eventTime", "eventName"),
        *("userIdentity", "requestParameters", "responseElements", "s3"),
    }
    assert set(record["responseElements"]) == {"x-amz-request-id", "x-amz-id-2"}
    assert (record["eventName"], record["awsRegion"]) == ("ObjectCreated:Put", "eu-west-1")
    assert record["s3"]["bucket"]["name"] == stack.bucket("Documents")
    assert set(record["s3"]["object"]) == {"key", "size", "eTag", "sequencer"}
    assert record["s3"]["object"]["key"] == "in/my+claim+%C3%A9.txt"


def test_a_bus_calls_its_function(stack: Stack, log: MemoryLogWriter) -> None:
    """EventBridge's event, for what the pattern matches."""
    _do(stack, events=[["storm", {}], ["hail", {}], ["storm", {"Source": "others"}]])
    (found,) = _collected(log, '"detail-type"')
    assert (found["event"]["detail"], found["event"]["source"]) == ({"kind": "storm"}, "claims")
    assert stack.bus_name("Bus") == f"{stack.template.stack_name}-claims"


def test_a_rule_of_its_own_gives_its_input_to_its_target(stack: Stack, log: MemoryLogWriter) -> None:
    """On the default bus, and nothing of the event."""
    name = stack.template.stack_name
    _do(stack, events=[["storm", {"EventBusName": "default", "Source": name}]])
    (found,) = _collected(log, "tidy")
    assert found["event"] == {"task": "tidy"}


def test_a_failing_event_of_a_bus_is_tried_again_and_dropped(stack: Stack, log: MemoryLogWriter) -> None:
    """As any asynchronous invocation."""
    before = stack.pollers.dropped
    _do(stack, events=[["storm", {"DetailType": "fail"}]])
    assert len({attempt["id"] for attempt in _collected(log, '"fail"')}) == 1
    assert len(_collected(log, '"detail-type": "fail"')) == 2
    assert stack.pollers.dropped == before + 1


def test_a_stream_calls_its_function(stack: Stack, log: MemoryLogWriter) -> None:
    """Every record of a key in its order, once; the one that cannot be taken is dropped alone."""
    before = stack.pollers.dropped
    texts = ["one", "two", "fail", "three"]
    _do(stack, facts=[["key", text] for text in texts])
    told = [
        base64.b64decode(record["kinesis"]["data"]).decode()
        for line in _collected(log, "aws:kinesis")
        for record in line["event"]["Records"]
    ]
    assert list(dict.fromkeys(told)) == texts
    assert told.count("fail") >= 2
    assert told[-1] == "three"
    assert stack.pollers.dropped == before + 1
    assert len(stack.pollers.shards) == 2
    assert stack.stream_name("Facts") == f"{stack.template.stack_name}-Facts"


def test_a_stack_with_an_unread_record_has_not_settled(stack: Stack, moto: MotoServer) -> None:
    """A record in the stream is work, though nobody has it in hand."""
    kinesis, name = moto.client("kinesis"), stack.stream_name("Facts")
    arn = kinesis.describe_stream_summary(StreamName=name)["StreamDescriptionSummary"]["StreamARN"]
    idle = [
        ShardPoller(kinesis, arn, shard, stack.function("Submit"), KinesisTrigger("Facts", "LATEST"))
        for shard in shards_of(kinesis, name)
    ]
    stack.pollers.shards += idle
    assert stack.settled(20)
    kinesis.put_record(StreamName=name, PartitionKey="k", Data=b"late")
    assert not stack.settled(1)
    assert sum(poller.poll() for poller in idle) == 1
    assert stack.settled(20)
    del stack.pollers.shards[-len(idle) :]


def test_redeploy_replaces_variables_and_recycle_starts_cold(stack: Stack) -> None:
    """The next invocation has the new variables in a new environment; the caller's own stay."""
    function = stack.function("Submit")
    first = _do(stack)
    assert _do(stack)["started"] == first["started"]
    stack.recycle("Submit")
    second = _do(stack)
    assert second["started"] != first["started"]
    old = {name: value for name, value in function.config.environment.items() if name != "SHARED"}
    stack.redeploy("Submit", {"NEW": "1"})
    third = _do(stack)
    assert third["started"] != second["started"]
    assert (third["environ"]["NEW"], third["environ"]["EXTRA"]) == ("1", "1")
    assert "SHARED" not in third["environ"]
    stack.redeploy("Submit", {**old, "SHARED": "own"})


def test_a_redeployment_loses_no_invocation(moto: MotoServer, tmp_path: Path) -> None:
    """What runs ends with the old variables, and its environment is not used again."""
    (tmp_path / "app.py").write_text(
        "import os, time\ndef handler(event, context):\n    time.sleep(event); return os.environ['V']\n"
    )
    path = tmp_path / "t.json"
    properties = {"Handler": "app.handler", "Timeout": 20, "Environment": {"Variables": {"V": "old"}}}
    path.write_text(
        json.dumps({"Resources": {"F": {"Type": "AWS::Serverless::Function", "Properties": properties}}})
    )
    with deploy(load(path, stack_name=f"s{uuid4().hex[:8]}"), moto) as stack:
        function = stack.function("F")
        function.invoke(0)
        replies: list[bytes] = []
        thread = threading.Thread(target=lambda: replies.append(function.invoke(1.0).payload))
        thread.start()
        deadline = time.monotonic() + 10
        while not function.in_hand and time.monotonic() < deadline:
            time.sleep(0.005)
        assert not stack.settled(0)
        stack.redeploy("F", {"V": "new"})
        after = function.invoke(0)
        thread.join()
        assert (replies, after.payload, after.cold_start) == ([b'"old"'], b'"new"', True)
        assert stack.settled(5)
        assert function.invoke(0).payload == b'"new"'


def test_a_deployment_that_fails_half_way_leaves_nothing_running(moto: MotoServer, tmp_path: Path) -> None:
    """What AWS refuses is a sentence with the resource's name, and every thread is gone."""
    (tmp_path / "app.py").write_text("def handler(event, context): pass\n")
    queue = {"Type": "AWS::SQS::Queue"}
    function = {
        "Type": "AWS::Serverless::Function",
        "Properties": {
            "Handler": "app.handler",
            "Events": {"Q": {"Type": "SQS", "Properties": {"Queue": {"Fn::GetAtt": ["Q", "Arn"]}}},
                       "B": {"Type": "S3", "Properties": {"Bucket": {"Ref": "B"}, "Events": "s3:Nonsense"}}},
        },
    }  # fmt: skip
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"Resources": {"Q": queue, "F": function, "B": {"Type": "AWS::S3::Bucket"}}}))
    before = {thread.name for thread in threading.enumerate() if "process_request" not in thread.name}
    with (
        pytest.raises(NotDeployedError, match=r"^B could not be deployed: "),
        deploy(load(path, stack_name=f"s{uuid4().hex[:8]}"), moto),
    ):
        pytest.fail("deployed")  # fmt: skip
    after = {thread.name for thread in threading.enumerate() if "process_request" not in thread.name}
    assert after <= before
    path.write_text(
        json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "A B"}}}})
    )
    with pytest.raises(NotDeployedError, match=r"^B "), deploy(load(path), moto):
        pytest.fail("deployed")


def _resources(tmp_path: Path, shards: int = 1, second: str | None = None) -> Path:
    (tmp_path / "app.py").write_text("def handler(event, context): pass\n")
    read = {"Stream": {"Fn::GetAtt": ["S", "Arn"]}, "StartingPosition": "TRIM_HORIZON"}
    matched = {"Pattern": {"source": ["claims"]}, "EventBusName": {"Ref": "E"}}
    events = {"S": {"Type": "Kinesis", "Properties": read},
              "E": {"Type": "EventBridgeRule", "Properties": matched}}  # fmt: skip
    function = {"Handler": "app.handler", "Events": events}
    resources = {
        "F": {"Type": "AWS::Serverless::Function", "Properties": function},
        "Q": {"Type": "AWS::SQS::Queue"},
        "B": {"Type": "AWS::S3::Bucket"},
        "E": {"Type": "AWS::Events::EventBus", "Properties": {"Name": f"{tmp_path.name}-e"}},
        "S": {"Type": "AWS::Kinesis::Stream",
              "Properties": {"Name": f"{tmp_path.name}-s", "ShardCount": shards}},
    }  # fmt: skip
    if second:
        resources["Again"] = resources[second]
    path = tmp_path / "t.json"
    path.write_text(json.dumps({"Resources": resources}))
    return path


def test_a_second_deployment_takes_what_the_first_left(moto: MotoServer, tmp_path: Path) -> None:
    """Queues, buckets, buses and streams stay, with what is in them; its rules are its own."""
    name = f"s{uuid4().hex[:8]}"
    template = load(_resources(tmp_path), stack_name=name)
    kinesis, events = moto.client("kinesis"), moto.client("events")
    with deploy(template, moto) as first:
        stream, bus = first.stream_name("S"), first.bus_name("E")
    kinesis.put_record(StreamName=stream, PartitionKey="k", Data=b"between")
    with deploy(template, moto) as again:
        assert again.settled(20)
        assert again.pollers.taken == 1
        events.put_events(
            Entries=[{"EventBusName": bus, "Source": "claims", "DetailType": "t", "Detail": "{}"}]
        )
        assert again.settled(20)
        assert again.function("F").started == 2
        assert (again.pollers.dropped, again.stream_name("S"), again.bus_name("E")) == (0, stream, bus)


def test_a_deployment_takes_no_stream_of_another_shape_and_no_name_twice(
    moto: MotoServer, tmp_path: Path
) -> None:
    """What is there with other shards, and a neighbour's of the same name, are a sentence."""
    name = f"s{uuid4().hex[:8]}"
    with deploy(load(_resources(tmp_path), stack_name=name), moto):
        pass
    other = load(_resources(tmp_path, shards=2), stack_name=name)
    with pytest.raises(NotDeployedError, match=r"^S could not .* of 1 shards, not 2$"), deploy(other, moto):
        pytest.fail("deployed")
    for logical_id, kind in (("S", "stream"), ("E", "event bus")):
        twice = load(_resources(tmp_path, second=logical_id), stack_name=name)
        with pytest.raises(NotDeployedError, match=rf"there is another {kind} named"), deploy(twice, moto):
            pytest.fail("deployed")


def test_a_stack_settles_without_what_somebody_deleted(moto: MotoServer, tmp_path: Path) -> None:
    """A stream or a queue that is gone holds nothing that could be waited for."""
    with deploy(load(_resources(tmp_path), stack_name=f"s{uuid4().hex[:8]}"), moto) as stack:
        moto.client("kinesis").delete_stream(StreamName=stack.stream_name("S"))
        moto.client("sqs").delete_queue(QueueUrl=stack.queue_url("Q"))
        assert stack.settled(20)
