"""POST /claims: register the claim with the legacy system, keep its documents, tell who has to do with it."""

import base64
import json
import logging
import os
import re
import time

import boto3
import httpx

logging.getLogger().setLevel("INFO")

NUMBER = re.compile("[A-Za-z0-9-]{1,32}")
OPTIONAL = ("email", "kind", "river")
#: What may leave this system: nothing that says whose claim it is.
PUBLIC = ("number", "policy", "amount", "kind", "river")
#: Refusals that are over when one asks again; put_events answers them with 200, so no SDK does.
PASSING = ("InternalException", "InternalFailure", "ThrottlingException")
ATTEMPTS = 3

# Longer than the function may run: whatever the old system does, it is Lambda that gives up first.
legacy = httpx.Client(base_url=os.environ["LEGACY_URL"], timeout=30)
s3 = boto3.client("s3")
sqs = boto3.client("sqs")
sns = boto3.client("sns")
events = boto3.client("events")


class BadRequestError(Exception):
    """The client sent something else than a claim."""


class NotPublishedError(Exception):
    """The event bus refused an event."""


def handler(event, context):
    try:
        claim, photo = parse(event)
    except BadRequestError as error:
        logging.warning("bad request: %s", error)
        return answer(400, {"message": str(error)})
    reply = legacy.post("/registrations", json={name: claim[name] for name in ("number", "policy", "amount")})
    if reply.status_code in (404, 422):
        logging.warning("claim %s refused: %s", claim["number"], reply.text)
        return answer(422, {"message": reply.json()["message"]})
    reply.raise_for_status()
    store(claim, photo)
    announce(claim)
    publish(claim)
    print("accepted", claim["number"])
    return answer(202, {"claim": claim["number"]})


def store(claim, photo):
    bucket, number = os.environ["CLAIMS_BUCKET"], claim["number"]
    if photo:
        s3.put_object(Bucket=bucket, Key=f"photos/{number}.jpg", Body=photo, ContentType="image/jpeg")
    document = json.dumps(claim).encode()
    s3.put_object(Bucket=bucket, Key=f"claims/{number}.json", Body=document, ContentType="application/json")


def announce(claim):
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(claim))
    message = {"type": "claim-submitted", "claim": claim["number"], "email": claim.get("email")}
    sns.publish(
        TopicArn=os.environ["TOPIC_ARN"],
        Message=json.dumps(message),
        MessageAttributes={"type": {"DataType": "String", "StringValue": message["type"]}},
    )


def publish(claim):
    """Put the claim on the event bus; raise NotPublishedError, for a refused entry is no exception of boto3's."""
    entry = {
        "EventBusName": os.environ["BUS_NAME"],
        "Source": "claims",
        "DetailType": "ClaimSubmitted",
        "Detail": json.dumps({name: claim[name] for name in PUBLIC if name in claim}),
    }
    for attempt in range(1, ATTEMPTS + 1):
        reply = events.put_events(Entries=[entry])
        if not reply["FailedEntryCount"]:
            return
        (refused,) = reply["Entries"]
        if refused["ErrorCode"] not in PASSING or attempt == ATTEMPTS:
            raise NotPublishedError(f"{refused['ErrorCode']}: {refused.get('ErrorMessage')}")
        time.sleep(0.05 * 2**attempt)


def parse(event):
    """Return the claim and the bytes of its photo, if any; raise BadRequestError."""
    try:
        text = event.get("body") or ""
        body = json.loads(base64.b64decode(text) if event.get("isBase64Encoded") else text)
    except (ValueError, RecursionError):
        raise BadRequestError("the body is not JSON") from None
    if not isinstance(body, dict):
        raise BadRequestError("the body is not a JSON object")
    body = {name: value for name, value in body.items() if value is not None}
    for field in ("number", "policy"):
        if not isinstance(body.get(field), str) or not NUMBER.fullmatch(body[field]):
            raise BadRequestError(f"{field} must be 1 to 32 letters, digits or hyphens")
    amount = body.get("amount")
    if type(amount) not in (int, float) or not 0 < amount < 10**12 or round(amount, 2) != amount:
        raise BadRequestError("amount must be a number above 0 and below 1000000000000, with two decimals")
    for field in OPTIONAL:
        if not isinstance(body.get(field, ""), str) or len(body.get(field, "")) > 254:
            raise BadRequestError(f"{field} must be a text of at most 254 characters")
    known = ("number", "policy", "amount", *OPTIONAL)
    return {name: body[name] for name in known if name in body}, photo_of(body)


def photo_of(body):
    try:
        return base64.b64decode(body.get("photo") or "", validate=True)
    except (ValueError, TypeError):
        raise BadRequestError("photo is not base64") from None


def answer(status, body):
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps(body),
    }
