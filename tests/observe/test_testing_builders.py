"""observe.testing.events, service by service: what each builder makes of what a test asks for."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import boto3
import pytest
from moto import mock_aws

from observe.context import extract
from observe.services import source_of
from observe.testing import events
from observe.testing.events import Message
from observe.testing.events.conversations import TRIGGERS
from tests.observe.test_testing_events import CLAIM, CONTEXT, records, sourced

WHEN = datetime(2026, 11, 20, 13, 45, 7, 250_000, tzinfo=timezone(timedelta(hours=1)))


def _name(event: Any) -> str:
    return sourced(event).describe(event)[0]


# --- HTTP -----------------------------------------------------------------------------------


def test_a_request_as_each_gateway_shows_it() -> None:
    """Names in lower case or as sent; values joined, listed, or the last one; the query decoded or not."""
    asked: dict[str, Any] = {
        "headers": {"X-Tenant": ["a", "b"], "Cookie": "s=1; t=2"},
        "query": {"q": ["x y", "z"]},
        "body": CLAIM,
        "context": CONTEXT,
    }
    http = events.http_api("POST", "/claims/7", route="/claims/{id}", **asked)
    assert (http["routeKey"], http["pathParameters"]) == ("POST /claims/{id}", {"id": "7"})
    assert (http["rawQueryString"], http["queryStringParameters"]) == ("q=x+y&q=z", {"q": "x y,z"})
    assert (http["headers"]["x-tenant"], http["cookies"]) == ("a,b", ["s=1", "t=2"])
    assert json.loads(http["body"]) == CLAIM
    assert http["headers"]["content-type"] == "application/json"
    rest = events.rest_api("POST", "/claims/7", route="/claims/{id}", **asked)
    assert (rest["resource"], rest["pathParameters"]) == ("/claims/{id}", {"id": "7"})
    assert rest["headers"]["X-Tenant"] == "b"
    assert rest["multiValueHeaders"]["X-Tenant"] == ["a", "b"]
    assert rest["multiValueQueryStringParameters"] == {"q": ["x y", "z"]}
    assert (_name(http), _name(rest)) == ("POST /claims/{id}", "POST /claims/{id}")
    balanced = events.alb("POST", "/claims/7", **asked)
    assert (balanced["headers"]["x-tenant"], balanced["queryStringParameters"]) == ("b", {"q": "z"})
    balanced = events.alb("POST", "/claims/7", multi_value=True, **asked)
    assert balanced["multiValueQueryStringParameters"] == {"q": ["x+y", "z"]}
    assert "headers" not in balanced
    assert events.lattice_v1("GET", "/a", query={"q": "x y"})["raw_path"] == "/a?q=x+y"
    assert events.lattice_v2("POST", "/claims/7", **asked)["headers"]["x-tenant"] == ["a", "b"]
    mapped = events.rest_api_mapped("POST", "/claims/7", route="/claims/{id}", **asked)
    assert (mapped["body-json"], mapped["params"]["path"]) == (CLAIM, {"id": "7"})


def test_bytes_come_in_base64_and_nothing_comes_as_each_gateway_says() -> None:
    """A body of bytes is flagged; without one it is absent, null or empty."""
    for build in (events.http_api, events.function_url, events.rest_api, events.alb, events.lattice_v2):
        event = build("POST", "/", body=b"\xff\x00")
        assert event["isBase64Encoded"] is True
        assert base64.b64decode(event["body"]) == b"\xff\x00"
    assert "body" not in events.http_api()
    assert events.rest_api()["body"] is None
    assert events.alb()["body"] == ""


def test_greedy_and_encoded_parameters_of_a_path() -> None:
    """`{path+}` takes what has slashes; parameters are decoded."""
    event = events.rest_api("GET", "/files/a/b%20c", route="/files/{path+}")
    assert event["pathParameters"] == {"path": "a/b c"}
    with pytest.raises(ValueError, match="path '/files/a/b' is none of the route"):
        events.http_api("GET", "/files/a/b", route="/files/{name}")


def test_who_calls_a_function_url() -> None:
    """Nobody is known without IAM."""
    assert events.function_url()["requestContext"]["accountId"] == "anonymous"
    signed = events.function_url(authorizer={"iam": {"userArn": "arn"}})["requestContext"]
    assert (signed["accountId"], signed["authorizer"]["iam"]["userArn"]) == ("123456789012", "arn")


@pytest.mark.parametrize("kind", ["viewer-request", "origin-request", "origin-response", "viewer-response"])
def test_a_request_at_the_edge(kind: str) -> None:
    """Responses have the request, too; what goes to the origin names it."""
    edge = events.lambda_edge("GET", "/a", event_type=kind, status=404)["Records"][0]["cf"]
    assert edge["config"]["eventType"] == kind
    assert ("origin" in edge["request"]) == kind.startswith("origin")
    assert edge.get("response", {}).get("statusDescription") == ("Not Found" if "response" in kind else None)
    assert edge["request"]["headers"]["host"][0]["key"] == "Host"


def test_a_connection_through_its_life_and_fields_of_a_schema() -> None:
    """Opened, used and closed under one ID, which another one may have; parents have fields."""
    life = [
        events.websocket_connect(connection_id="c-1"),
        events.websocket_message("x", route="status", connection_id="c-1"),
        events.websocket_disconnect(connection_id="c-1"),
    ]
    assert [_name(event) for event in life] == [
        "CONNECT $connect",
        "MESSAGE status",
        "DISCONNECT $disconnect",
    ]
    assert {event["requestContext"]["connectionId"] for event in life} == {"c-1"}
    assert _name(events.websocket_authorizer()) == "authorize $connect"
    assert _name(events.appsync("submitClaim", parent="Mutation")) == "Mutation.submitClaim"
    batch = events.appsync_batch("documents", {"id": "1"}, {"id": "2"}, parent="Claim")
    assert ([one["source"]["id"] for one in batch], _name(batch)) == (["1", "2"], "Claim.documents")
    assert _name(events.appsync_channel({"a": 1}, channel="/claims/7")) == "PUBLISH claims"
    assert events.appsync_channel(operation="SUBSCRIBE")["events"] is None


# --- Queues ---------------------------------------------------------------------------------


def test_a_message_has_the_digests_that_sqs_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    """moto's SQS, and botocore, which checks them, agree with ours: body, text, numbers and bytes."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        client = boto3.Session(region_name="eu-west-1").client("sqs")
        url = client.create_queue(QueueName="q")["QueueUrl"]
        told = client.send_message(
            QueueUrl=url,
            MessageBody="ë",
            MessageAttributes={
                "kind": {"DataType": "String", "StringValue": "neu ë"},
                "n": {"DataType": "Number", "StringValue": "1.5"},
                "b": {"DataType": "Binary", "BinaryValue": b"\xff"},
            },
        )
    (record,) = events.sqs("ë", attributes={"n": 1.5, "kind": "neu ë", "b": b"\xff"})["Records"]
    assert record["md5OfBody"] == told["MD5OfMessageBody"]
    assert record["md5OfMessageAttributes"] == told["MD5OfMessageAttributes"]
    assert record["messageAttributes"]["b"]["binaryValue"] == "/w=="


def test_a_fifo_queue_has_groups() -> None:
    """Each message's own group, and numbers that grow."""
    event = events.sqs("a", Message("b", group="2"), group="1", queue="claims.fifo")
    first, second = (record["attributes"] for record in event["Records"])
    assert (first["MessageGroupId"], second["MessageGroupId"]) == ("1", "2")
    assert int(first["SequenceNumber"]) < int(second["SequenceNumber"])
    assert first["MessageDeduplicationId"] != second["MessageDeduplicationId"]


def test_a_fifo_queue_without_a_group_is_told_what_is_missing() -> None:
    """And a group of a queue that is none, what its name lacks."""
    with pytest.raises(ValueError, match=r"sqs: group= is missing: .* 'claims\.fifo'"):
        events.sqs("x", queue="claims.fifo")
    with pytest.raises(ValueError, match=r"ends with \.fifo"):
        events.sqs("x", queue="claims", group="1")


def test_ten_attributes_leave_the_free_header() -> None:
    """What the layer would fall back to is asked for by its name."""
    own = {f"a{n}": "v" for n in range(10)}
    header = "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=0"
    (record,) = records(events.sqs("x", attributes=own, trace_header=header))
    assert extract(record.headers).trace_id == CONTEXT.trace_id
    with pytest.raises(ValueError, match="SQS takes no message with 11 attributes"):
        events.sqs("x", attributes={**own, "more": "v"})


def test_times_and_ids_are_what_a_test_wants() -> None:
    """In the format of each service, in UTC."""
    (record,) = events.sqs("x", message_id="m-1", time=WHEN)["Records"]
    assert (record["messageId"], record["attributes"]["SentTimestamp"]) == ("m-1", "1795178707250")
    assert events.eventbridge({}, time=WHEN, event_id="e-1")["time"] == "2026-11-20T12:45:07Z"
    assert events.sns("x", time=WHEN)["Records"][0]["Sns"]["Timestamp"] == "2026-11-20T12:45:07.250Z"
    assert events.http_api(time=WHEN)["requestContext"]["time"] == "20/Nov/2026:12:45:07 +0000"
    rabbit = events.rabbitmq("x", time=WHEN)["rmqMessagesByQueue"]["queue::/"][0]["basicProperties"]
    assert rabbit["timestamp"] == "Nov 20, 2026, 12:45:07 PM"
    with pytest.raises(ValueError, match="has no time zone: which moment is meant"):
        events.sqs("x", time=WHEN.replace(tzinfo=None))


def test_schedules_of_both_kinds() -> None:
    """Of a rule, and of EventBridge Scheduler, whose detail is text."""
    rule, scheduler = events.schedule("nightly"), events.schedule("nightly", by="scheduler")
    assert (_name(rule), _name(scheduler)) == ("run nightly", "run nightly")
    assert (rule["detail"], scheduler["detail"]) == ({}, "{}")


# --- Streams, tables, brokers ---------------------------------------------------------------


def test_firehose_with_and_without_a_stream_before_it() -> None:
    """The stream's number is the message's ID where there is one."""
    plain, stream = events.firehose("x"), events.firehose("x", stream="claims")
    assert "sourceKinesisStreamArn" not in plain
    number = stream["records"][0]["kinesisRecordMetadata"]["sequenceNumber"]
    assert records(stream)[0].message_id == number


@pytest.mark.parametrize(
    ("operation", "view", "images"),
    [
        ("INSERT", "NEW_AND_OLD_IMAGES", {"NewImage"}),
        ("MODIFY", "NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
        ("MODIFY", "NEW_IMAGE", {"NewImage"}),
        ("MODIFY", "OLD_IMAGE", {"OldImage"}),
        ("REMOVE", "NEW_AND_OLD_IMAGES", {"OldImage"}),
        ("REMOVE", "NEW_IMAGE", set()),
        ("INSERT", "KEYS_ONLY", set()),
    ],
)
def test_a_stream_shows_what_its_view_says(operation: str, view: str, images: set[str]) -> None:
    """New and old images, and always the keys."""
    event = events.dynamodb({"id": "1", "n": 2}, operation=operation, view=view)
    change = event["Records"][0]["dynamodb"]
    assert {name for name in ("NewImage", "OldImage") if name in change} == images
    assert change["Keys"] == {"id": {"S": "1"}}
    if "NewImage" not in images:
        with pytest.raises(ValueError, match="a context is in the new image, and here there is none"):
            events.dynamodb({"id": "1"}, operation=operation, view=view, context=CONTEXT)


def test_the_size_of_a_change() -> None:
    """As DynamoDB counts: names and text in UTF-8, two digits a byte and one more, three for a map."""
    event = events.dynamodb({"id": "ab", "n": -12.5}, keys=["id"])
    # Keys: 3 + 1 + 2 + 2. Image: the same, and 1 + 1 + 3.
    assert event["Records"][0]["dynamodb"]["SizeBytes"] == (3 + 1 + 4) + (3 + 1 + 4 + 1 + 4)
    assert events.dynamodb({"id": 1e-7})["Records"][0]["dynamodb"]["Keys"]["id"] == {"N": "0.0000001"}
    with pytest.raises(ValueError, match="lacks 'pk': is the key of the table in keys="):
        events.dynamodb({"id": "ab"}, keys=["pk", "sk"])


def test_a_deletion_of_a_document_tells_its_key() -> None:
    """And nothing else of it."""
    event = events.documentdb({"_id": "1", "a": 1}, operation="delete")["events"][0]["event"]
    assert event["documentKey"] == {"_id": "1"}
    assert "fullDocument" not in event
    with pytest.raises(ValueError, match="a deletion shows none"):
        events.documentdb({"_id": "1"}, operation="delete", context=CONTEXT)


def test_records_of_kafka_are_by_topic_and_partition() -> None:
    """Offsets count in each; a tombstone has no value; octets are signed, as Java's are."""
    event = events.kafka(
        "a", Message(None, key="k"), Message("c", topic="other", partition=2, headers={"name": "ë"})
    )
    assert {key: [record["offset"] for record in batch] for key, batch in event["records"].items()} == {
        "topic-0": [0, 1],
        "other-2": [0],
    }
    tombstone, other = event["records"]["topic-0"][1], event["records"]["other-2"][0]
    assert (tombstone["value"], base64.b64decode(tombstone["key"])) == (None, b"k")
    assert other["headers"] == [{"name": [-61, -85]}]
    assert [record.message_id for record in records(event)] == ["topic-0@0", "topic-0@1", "other-2@0"]
    assert "eventSourceArn" not in events.kafka("a", self_managed=True)


def test_messages_of_brokers() -> None:
    """Text and bytes messages, queues, and the correlation IDs of the protocols."""
    jms = events.activemq("a", Message(b"\xff", correlation_id="CLM-1"), properties={"n": 1})
    assert [message["messageType"] for message in jms["messages"]] == [
        "jms/text-message",
        "jms/bytes-message",
    ]
    assert records(jms)[1].headers["x-correlation-id"] == "CLM-1"
    amqp = events.rabbitmq("a", Message("b", queue="other"), headers={"n": 1, "t": "x"}, context=CONTEXT)
    assert list(amqp["rmqMessagesByQueue"]) == ["queue::/", "other::/"]
    properties = amqp["rmqMessagesByQueue"]["queue::/"][0]["basicProperties"]
    assert properties["correlationId"] == CONTEXT.correlation_id
    assert (properties["headers"]["n"], properties["headers"]["t"]) == (1, {"bytes": [120]})
    own = events.rabbitmq("a", context=CONTEXT, correlation_id="reply-7")
    assert own["rmqMessagesByQueue"]["queue::/"][0]["basicProperties"]["correlationId"] == "reply-7"


# --- Files, people, operations --------------------------------------------------------------


def test_a_notification_has_the_key_encoded_and_the_writers_receipt() -> None:
    """A blank is a plus, a slash stays; of what was removed no size is told."""
    event = events.s3("in/a b+ë.txt", Message("gone", event_name="ObjectRemoved:Delete"), request_id="R1")
    written, gone = (record["s3"]["object"] for record in event["Records"])
    assert written["key"] == "in/a+b%2B%C3%AB.txt"
    assert "size" not in gone
    assert records(event)[0].message_id == "R1"
    with pytest.raises(ValueError, match="event_name 'Created' is none like"):
        events.s3("key", event_name="Created")


def test_schema_one_of_a_batch_job_has_no_arguments() -> None:
    """And so no context."""
    assert "userArguments" not in events.s3_batch("key", schema="1.0")["job"]
    with pytest.raises(ValueError, match=r"schema 1\.0 has no arguments"):
        events.s3_batch("key", schema="1.0", context=CONTEXT)


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject", "ListObjects", "ListObjectsV2"])
def test_each_operation_of_object_lambda(operation: str) -> None:
    """Each has a member of its own, by which it is known."""
    assert _name(events.s3_object_lambda("a", operation=operation)) == f"{operation} access-point"


@pytest.mark.parametrize("trigger", TRIGGERS)
def test_each_trigger_of_a_user_pool(trigger: str) -> None:
    """All but one are given the client's metadata, where a context is."""
    assert _name(events.cognito(f"{trigger}_Any")) == f"{trigger}_Any"
    if trigger == "PreAuthentication":
        with pytest.raises(ValueError, match="PreAuthentication is given no metadata"):
            events.cognito(f"{trigger}_Any", context=CONTEXT)
    else:
        (record,) = records(events.cognito(f"{trigger}_Any", metadata={"a": "1"}, context=CONTEXT))
        assert extract(record.headers) == CONTEXT
        assert record.headers["a"] == "1"


def test_slots_and_discoveries() -> None:
    """A slot that is not filled is null; who discovers devices names none."""
    intent = events.lex("Claim", slots={"id": "7", "date": None})["sessionState"]["intent"]
    assert (intent["slots"]["id"]["value"]["interpretedValue"], intent["slots"]["date"]) == ("7", None)
    assert "endpoint" not in events.alexa_smart_home("Discover", namespace="Alexa.Discovery")["directive"]
    assert "intent" not in events.alexa_skill(request_type="LaunchRequest")["request"]


def test_actions_of_an_agent() -> None:
    """A function or an operation, never both."""
    assert _name(events.bedrock_agent(api_path="/claims", method="POST")) == "execute_tool POST /claims"
    for wrong in ({}, {"function": "f", "api_path": "/"}):
        with pytest.raises(ValueError, match="an action is a function or an operation"):
            events.bedrock_agent(**wrong)


def test_logs_are_packed_as_cloudwatch_packs_them() -> None:
    """gzip in base64, one event a message, JSON as text."""
    data = events.cloudwatch_logs("a", {"level": "INFO"}, log_group="/aws/lambda/f")["awslogs"]["data"]
    payload = json.loads(gzip.decompress(base64.b64decode(data)))
    assert payload["logGroup"] == "/aws/lambda/f"
    assert [event["message"] for event in payload["logEvents"]] == ["a", '{"level": "INFO"}']


def test_a_resource_of_a_stack_through_its_life() -> None:
    """Only an update knows what was before, and only a creation no physical ID."""
    create, update, delete = (events.custom_resource(kind) for kind in ("Create", "Update", "Delete"))
    assert "PhysicalResourceId" not in create
    assert update["PhysicalResourceId"] == delete["PhysicalResourceId"]
    assert "OldResourceProperties" in update
    with pytest.raises(ValueError, match="Delete knows no old properties"):
        events.custom_resource("Delete", old_properties={})


def test_rules_evaluate_changes_and_on_a_schedule() -> None:
    """The invoking event is JSON inside the event."""
    change = json.loads(events.config_rule({"resourceType": "AWS::S3::Bucket"})["invokingEvent"])
    assert change["configurationItem"]["resourceType"] == "AWS::S3::Bucket"
    assert json.loads(events.config_rule()["invokingEvent"])["messageType"] == "ScheduledNotification"


def test_a_task_that_waits_has_a_token() -> None:
    """And any task its place in the execution."""
    event = events.step_functions(
        CLAIM, state="Assess", state_machine="claims", task_token="t", retry_count=2
    )
    assert event["context"]["Task"] == {"Token": "t"}
    assert (event["input"], _name(event)) == (CLAIM, "claims Assess")
    assert "Task" not in events.step_functions(CLAIM)["context"]


def test_a_direct_payload_is_any_json() -> None:
    """Text stays text, tuples become lists; what JSON has not is told."""
    assert events.direct("text") == "text"
    assert events.direct((1, 2)) == [1, 2]
    assert events.direct() is None
    assert source_of(events.direct(CLAIM)) is None
    with pytest.raises(ValueError, match="direct: nan has no JSON"):
        events.direct(float("nan"))
    with pytest.raises(TypeError, match="has no JSON"):
        events.direct({"when": datetime.now(UTC)})


def test_an_invocation_that_ended() -> None:
    """Success has what was returned, failure an error; each knows how often it was tried."""
    done = events.destination(CLAIM, condition="Success", response={"ok": True})
    failed = events.destination(CLAIM)
    assert (done["responsePayload"], done["requestContext"]["approximateInvokeCount"]) == ({"ok": True}, 1)
    assert "functionError" not in done["responseContext"]
    assert failed["responsePayload"]["errorMessage"]
    assert failed["requestContext"]["approximateInvokeCount"] == 3
