"""The functions of sam.yaml: one sends on what it is asked to, the other keeps what it gets in the bucket."""

from __future__ import annotations

import base64
import json
import os
import uuid
from typing import Any

import boto3

STARTED = uuid.uuid4().hex


def handler(event: Any, context: Any) -> dict[str, Any]:
    """Send the body where it says, and tell about this environment."""
    body = json.loads(event.get("body") or "{}") if "requestContext" in event else event
    for text in body.get("queue", []):
        boto3.client("sqs").send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=text)
    for key in body.get("bucket", []):
        boto3.client("s3").put_object(Bucket=os.environ["BUCKET"], Key=key, Body=b"x")
    for text, kind in body.get("topic", []):
        boto3.client("sns").publish(
            TopicArn=os.environ["TOPIC_ARN"],
            Message=text,
            MessageAttributes={"kind": {"DataType": "String", "StringValue": kind}},
        )
    for kind, more in body.get("events", []):
        entry = {"Source": "claims", "DetailType": "t", "Detail": json.dumps({"kind": kind}), **more}
        boto3.client("events").put_events(Entries=[{"EventBusName": os.environ["BUS"], **entry}])
    for key, text in body.get("facts", []):
        boto3.client("kinesis").put_record(
            StreamName=os.environ["STREAM"], PartitionKey=key, Data=text.encode()
        )
    return {"started": STARTED, "environ": dict(os.environ)}


def collect(event: Any, context: Any) -> None:
    """Print the event; fail on what says so."""
    print(json.dumps({"event": event, "id": context.aws_request_id}))
    facts = [record["kinesis"]["data"] for record in event.get("Records", []) if "kinesis" in record]
    if "fail" in json.dumps(event) or any(b"fail" in base64.b64decode(fact) for fact in facts):
        raise ValueError("told to")
