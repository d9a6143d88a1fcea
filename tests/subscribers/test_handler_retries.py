"""The whole way of what a sink did not take: S3 and a queue, and by the queue to the sink."""

from __future__ import annotations

import json
from typing import Any

import pytest

from console.local.moto_server import MotoServer
from subscribers.aws import Aws
from subscribers.config import EMPTY, loads
from subscribers.configured import outlets_of
from subscribers.envelope import encode
from subscribers.handler import make_handler
from subscribers.settings_error import SettingsError
from tests.backends.elastic import Elastic
from tests.subscribers.lambda_stream import NOW, batch
from tests.subscribers.sink import Memory


def queued(moto: MotoServer, url: str) -> dict[str, Any]:
    """The event that Lambda makes of the queue's messages."""
    found = moto.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    return {
        "Records": [
            {
                "messageId": one["MessageId"],
                "body": one["Body"],
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:q",
            }
            for one in found
        ]
    }


def test_what_a_sink_did_not_take_comes_by_its_queue(
    moto: MotoServer, aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Down: stored, and a message points to it; up again: delivered, and nothing is left."""
    moto.client("s3").create_bucket(
        Bucket="kept", CreateBucketConfiguration={"LocationConstraint": moto.region}
    )
    url = moto.client("sqs").create_queue(QueueName="retries")["QueueUrl"]
    monkeypatch.setattr("subscribers.dead_letter.delay_s", lambda attempts: 0)
    with Elastic() as elastic:
        sinks = {"elk": {"type": "elasticsearch", "url": elastic.url}}
        config = loads(json.dumps({"version": 1, "sinks": sinks}))
        environ = {
            "OBSERVE_DEAD_LETTERS": "s3://kept/p",
            "OBSERVE_RETRY_QUEUE": url,
            "AWS_LAMBDA_FUNCTION_NAME": "f",
        }

        def handled(event: Any) -> dict[str, Any]:
            return make_handler(config, outlets_of(config, environ), lambda: NOW)(event, None)

        with elastic.refusing():
            told = handled(encode(batch("one", "two")))
        assert (told["delivered"], told["stored"]) == (0, 2)
        capsys.readouterr()
        assert handled(queued(moto, url)) == {"batchItemFailures": []}
        measured, said = map(json.loads, capsys.readouterr().out.splitlines())
        assert {one["message"].strip() for one in elastic.documents().values()} == {"one", "two"}
    assert (measured["items_retried"], measured["items_redelivered"]) == (2, 2)
    assert (said["level"], said["message"]) == ("INFO", "retry queue settled")
    assert "Contents" not in moto.client("s3").list_objects_v2(Bucket="kept", Prefix="p/")


def test_a_retry_queue_without_a_bucket_is_a_mistake() -> None:
    """It is said; the messages stay in their queue."""
    pointer = {
        "observe_retry": 1,
        "sink": "s",
        "channel": "c",
        "bucket": "b",
        "key": "k",
        "items": 1,
        "attempts": 1,
    }
    event = {"Records": [{"messageId": "m", "body": json.dumps(pointer), "eventSource": "aws:sqs"}]}
    with pytest.raises(SettingsError, match="OBSERVE_DEAD_LETTERS"):
        make_handler(EMPTY, Memory(), lambda: NOW)(event, None)


@pytest.mark.parametrize("place", ["", "kept", "/mnt/kept", "s3:/b/x", "S3://b/x", "http://x"])
def test_on_lambda_only_a_bucket_keeps_anything(place: str) -> None:
    """A folder there is gone with the function's environment."""
    config = loads('{"version": 1, "sinks": {"a": {"type": "logstash", "url": "http://127.0.0.1:1"}}}')
    with pytest.raises(SettingsError, match="OBSERVE_DEAD_LETTERS"):
        outlets_of(config, {"AWS_LAMBDA_FUNCTION_NAME": "f", "OBSERVE_DEAD_LETTERS": place})


@pytest.mark.parametrize("place", ["s3:/b/x", "S3://b/x", "http://x"])
def test_elsewhere_a_folder_does_too(place: str) -> None:
    """But not one that nobody means."""
    config = loads('{"version": 1, "sinks": {"a": {"type": "logstash", "url": "http://127.0.0.1:1"}}}')
    with pytest.raises(SettingsError, match="neither"):
        outlets_of(config, {"OBSERVE_DEAD_LETTERS": place})
