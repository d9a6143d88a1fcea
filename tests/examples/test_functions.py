"""The handlers that hold no line of ours: submit_claim, assess_claim, notify_customer, screen_claim."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import boto3
import httpx
import pytest
from botocore.stub import Stubber

from console.local.eventbridge import rule
from tests.examples.functions import aws, bucket, load
from tests.examples.legacy import EXAMPLE, Legacy

CLAIM = {
    "number": "CLM-700001",
    "policy": "POL-100",
    "amount": 12.5,
    "email": "ada@example.com",
    "kind": "flood",
    "river": "Rhine",
}
PHOTO = b"\xff\xd8\xff a photo"


class System:
    """submit_claim and what is around it; `legacy` is called where the legacy system would be."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.bucket = bucket("claims")
        self.queue = boto3.client("sqs").create_queue(QueueName="claims-submitted")["QueueUrl"]
        topic = boto3.client("sns").create_topic(Name="claim-events")["TopicArn"]
        inbox = boto3.client("sqs").create_queue(QueueName="inbox")["QueueUrl"]
        self.inbox = inbox
        boto3.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=_arn(inbox))
        boto3.client("events").create_event_bus(Name="claims")
        self.events = boto3.client("sqs").create_queue(QueueName="events")["QueueUrl"]
        self.requests: list[httpx.Request] = []
        self.legacy: Callable[[httpx.Request], httpx.Response] = lambda _: httpx.Response(201, json={})
        self.module = load(
            "submit_claim",
            monkeypatch,
            LEGACY_URL="http://legacy.test",
            QUEUE_URL=self.queue,
            TOPIC_ARN=topic,
            BUS_NAME="claims",
            CLAIMS_BUCKET=self.bucket,
        )
        assert self.module.legacy.timeout == httpx.Timeout(30)
        self.module.legacy = httpx.Client(
            transport=httpx.MockTransport(self._request), base_url="http://legacy.test"
        )

    def _request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.legacy(request)

    def submit(self, body: object, **event: object) -> tuple[int, Any]:
        text = body if isinstance(body, str) else json.dumps(body)
        answer = self.module.handler({"version": "2.0", "body": text, **event}, None)
        return answer["statusCode"], json.loads(answer["body"])

    def received(self, queue: str) -> list[Any]:
        reply = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in reply.get("Messages", [])]

    def stored(self) -> dict[str, bytes]:
        s3 = boto3.client("s3")
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """submit_claim over moto."""
    with aws(monkeypatch):
        made = System(monkeypatch)
        with rule(boto3.client("events"), "claims", "all", '{"source": ["claims"]}', _arn(made.events)):
            yield made


@pytest.fixture
def assess(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """assess_claim."""
    return load("assess_claim", monkeypatch)


@pytest.fixture
def notify(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """notify_customer."""
    return load("notify_customer", monkeypatch)


@pytest.mark.parametrize("encoded", [False, True])
def test_a_claim_is_registered_stored_queued_and_announced(
    system: System, encoded: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    """202; photo and document in S3, the claim in SQS, the message in SNS with its type as an attribute, the
    event on the bus.
    """
    body = json.dumps({**CLAIM, "photo": base64.b64encode(PHOTO).decode(), "unknown": "dropped"})
    text = base64.b64encode(body.encode()).decode() if encoded else body
    assert system.submit(text, isBase64Encoded=encoded) == (202, {"claim": "CLM-700001"})
    (request,) = system.requests
    assert (request.method, request.url.path) == ("POST", "/registrations")
    assert json.loads(request.content) == {"number": "CLM-700001", "policy": "POL-100", "amount": 12.5}
    assert system.stored() == {
        "claims/CLM-700001.json": json.dumps(CLAIM).encode(),
        "photos/CLM-700001.jpg": PHOTO,
    }
    assert system.received(system.queue) == [CLAIM]
    (notice,) = system.received(system.inbox)
    assert json.loads(notice["Message"]) == {
        "type": "claim-submitted",
        "claim": "CLM-700001",
        "email": "ada@example.com",
    }
    assert notice["MessageAttributes"]["type"]["Value"] == "claim-submitted"
    (event,) = system.received(system.events)
    assert (event["source"], event["detail-type"]) == ("claims", "ClaimSubmitted")
    assert event["detail"] == {name: value for name, value in CLAIM.items() if name != "email"}
    assert capsys.readouterr().out == "accepted CLM-700001\n"


def test_photo_and_email_may_be_missing(system: System) -> None:
    """Then there is no photo in S3, and the event has no address."""
    claim = {"number": "CLM-700002", "policy": "POL-100", "amount": 1, "photo": None, "email": None}
    assert system.submit(claim)[0] == 202
    assert list(system.stored()) == ["claims/CLM-700002.json"]
    assert json.loads(system.received(system.inbox)[0]["Message"])["email"] is None


@pytest.mark.parametrize("status", [404, 422])
def test_what_the_legacy_system_refuses_is_refused(system: System, status: int) -> None:
    """422 with its message, and nothing is kept."""
    system.legacy = lambda _: httpx.Response(status, json={"message": "policy POL-902 is lapsed"})
    assert system.submit(CLAIM) == (422, {"message": "policy POL-902 is lapsed"})
    assert (system.stored(), system.received(system.queue)) == ({}, [])


@pytest.mark.parametrize("status", [400, 409, 500, 503])
def test_other_failures_fail_the_function(system: System, status: int) -> None:
    """So that the client gets 500 and the failure is seen."""
    system.legacy = lambda _: httpx.Response(status)
    with pytest.raises(httpx.HTTPStatusError):
        system.submit(CLAIM)
    assert (system.stored(), system.received(system.queue)) == ({}, [])


@pytest.mark.parametrize(
    "body",
    [
        *("", "{", "[]", "null", "7", "[" * 100_000, "{}", '{"number": "CLM-1"}'),
        *({**CLAIM, "number": value} for value in ("", 1, None, "a/b", "../x", "C" * 33, "CLM\n1")),
        *({**CLAIM, "policy": value} for value in ("", 1, None, "POL 1")),
        *({**CLAIM, "amount": value} for value in ("1", None, True, 0, -1, 1.234, 10**12, 1e300, [])),
        *({**CLAIM, "amount": float(value)} for value in ("nan", "inf", "-inf")),
        *({**CLAIM, "email": value} for value in (1, [], "x" * 255)),
        *({**CLAIM, "photo": value} for value in ("no base64!", "abc", 1, [1], {"a": 1}, "é")),
    ],
)
def test_what_is_no_claim_is_a_bad_request(system: System, body: object) -> None:
    """400 with a message; the legacy system is not called."""
    status, answer = system.submit(body)
    assert (status, list(answer), system.requests) == (400, ["message"], [])


@pytest.mark.parametrize(
    "event",
    [{}, {"body": None}, *({"isBase64Encoded": True, "body": body} for body in ("/w==", "e30", "é", "!"))],
)
def test_a_body_that_cannot_be_read_is_a_bad_request(system: System, event: dict[str, object]) -> None:
    """No body at all, or none that decodes."""
    assert system.module.handler(event, None)["statusCode"] == 400


def test_the_new_function_works_with_the_old_application(system: System, legacy: Legacy) -> None:
    """What it sends is what POST /registrations takes."""
    system.module.legacy = httpx.Client(base_url=legacy.url)  # type: ignore[attr-defined]
    assert system.submit({**CLAIM, "number": "CLM-700003"})[0] == 202
    assert legacy.get("/claims/CLM-700003").json()["amount"] == 12.5
    assert system.submit({**CLAIM, "number": "CLM-700004", "policy": "POL-902"})[0] == 422
    assert system.submit({**CLAIM, "number": "CLM-700004", "policy": "POL-999"})[0] == 422
    with pytest.raises(httpx.HTTPStatusError):
        system.submit({**CLAIM, "number": "CLM-700004", "policy": "POL-900"})


def _refused(code: str) -> dict[str, Any]:
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": "no"}]}


ACCEPTED = {"FailedEntryCount": 0, "Entries": [{"EventId": "1"}]}


@pytest.mark.parametrize("code", ["ThrottlingException", "InternalException"])
def test_an_event_that_is_refused_for_the_moment_is_put_again(system: System, code: str) -> None:
    """The service answers 200 to it, so boto3 does not."""
    with Stubber(system.module.events) as stub:
        for reply in (_refused(code), _refused(code), ACCEPTED):
            stub.add_response("put_events", reply)
        assert system.submit(CLAIM)[0] == 202
        stub.assert_no_pending_responses()


@pytest.mark.parametrize(("code", "times"), [("ThrottlingException", 3), ("NotAuthorizedForSource", 1)])
def test_an_event_that_is_refused_for_good_fails_the_function(system: System, code: str, times: int) -> None:
    """At once, or after three attempts; a claim is never accepted without its event."""
    with Stubber(system.module.events) as stub:
        for _ in range(times):
            stub.add_response("put_events", _refused(code))
        with pytest.raises(system.module.NotPublishedError, match=f"{code}: no"):
            system.submit(CLAIM)
        stub.assert_no_pending_responses()


def test_a_claim_is_screened_into_the_stream(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One record a claim with what was found, in the shard of its policy."""
    with aws(monkeypatch), caplog.at_level("INFO"):
        kinesis = boto3.client("kinesis")
        kinesis.create_stream(StreamName="claim-facts", ShardCount=1)
        screen = load("screen_claim", monkeypatch, STREAM_NAME="claim-facts")
        claims = [
            {"number": "CLM-1", "policy": "POL-1", "amount": 8000.01, "kind": "fire", "_observe": {}},
            {"number": "CLM-2", "policy": "POL-2", "amount": 8000},
        ]
        for claim in claims:
            screen.handler({"source": "claims", "detail-type": "ClaimSubmitted", "detail": claim}, None)
        iterator = kinesis.get_shard_iterator(
            StreamName="claim-facts", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = kinesis.get_records(ShardIterator=iterator)["Records"]
    assert [record["PartitionKey"] for record in records] == ["POL-1", "POL-2"]
    assert [json.loads(record["Data"]) for record in records] == [
        {
            "claim": "CLM-1",
            "policy": "POL-1",
            "kind": "fire",
            "amount": 8000.01,
            "findings": ["large amount", "to be visited"],
        },
        {"claim": "CLM-2", "policy": "POL-2", "kind": "other", "amount": 8000, "findings": []},
    ]
    assert [record.getMessage() for record in caplog.records if "CLM" in record.getMessage()] == [
        "claim CLM-1 screened: large amount, to be visited",
        "claim CLM-2 screened: nothing found",
    ]


def test_a_batch_is_assessed_message_by_message(assess: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    """A flood without a river, and what is no claim, are returned; the others are decided."""
    bodies = [
        json.dumps({"number": "CLM-1", "amount": 5000}),
        json.dumps({"number": "CLM-2", "amount": 5000.01}),
        json.dumps({"number": "CLM-3", "amount": 1, "kind": "flood"}),
        json.dumps({"number": "CLM-4", "amount": 1, "kind": "flood", "river": "Rhine"}),
        *("no json", "[]", "{}"),
    ]
    records = [{"messageId": f"m{i}", "body": body} for i, body in enumerate(bodies, 1)]
    with caplog.at_level("INFO"):
        result = assess.handler({"Records": records}, None)
    failed = ["m3", "m5", "m6", "m7"]
    assert result == {"batchItemFailures": [{"itemIdentifier": id} for id in failed]}
    told = {(record.levelno, record.getMessage()) for record in caplog.records if record.exc_info is None}
    assert told == {
        (logging.INFO, "claim CLM-1 approved"),
        (logging.WARNING, "claim CLM-2 over 5000: an adjuster has to see it"),
        (logging.INFO, "claim CLM-4 approved"),
    }
    errors = [record for record in caplog.records if record.exc_info]
    assert [record.getMessage() for record in errors] == [f"message {id} not assessed" for id in failed]
    assert "flood claim CLM-3 names no river" in str(errors[0].exc_info[1])  # type: ignore[index]


def test_a_customer_is_told_once_a_record(notify: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    """One line a record."""
    messages = [
        {"type": "claim-submitted", "claim": f"CLM-{i}", "email": "ada@example.com"} for i in range(2)
    ]
    with caplog.at_level("INFO"):
        notify.handler({"Records": [{"Sns": {"Message": json.dumps(m)}} for m in messages]}, None)
    assert [record.getMessage() for record in caplog.records] == [
        f"claim-submitted: wrote to ada@example.com about claim CLM-{i}" for i in range(2)
    ]


@pytest.mark.parametrize("email", [{}, {"email": None}, {"email": ""}])
def test_a_claim_without_an_address_fails_the_function(notify: ModuleType, email: dict[str, object]) -> None:
    """So that Lambda tries it twice more, in vain."""
    message = json.dumps({"type": "claim-submitted", "claim": "CLM-1", **email})
    with pytest.raises(ValueError, match="claim CLM-1 has no e-mail address"):
        notify.handler({"Records": [{"Sns": {"Message": message}}]}, None)


@pytest.mark.parametrize("folder", ["submit_claim", "assess_claim", "notify_customer", "screen_claim"])
def test_no_line_of_these_is_ours(folder: str) -> None:
    """The layer is attached without a code change."""
    assert "observe" not in (EXAMPLE / "functions" / folder / "app.py").read_text()


def _arn(queue_url: str) -> str:
    attributes = boto3.client("sqs").get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return attributes["Attributes"]["QueueArn"]
