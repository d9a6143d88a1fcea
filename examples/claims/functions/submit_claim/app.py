"""POST /claims: check the policy with the legacy system, accept the claim, queue its assessment."""

import json
import logging
import os

import boto3
import httpx

logging.getLogger().setLevel("INFO")
sqs = boto3.client("sqs")
legacy = httpx.Client(base_url=os.environ["LEGACY_URL"], timeout=30)


def handler(event, context):
    claim = json.loads(event["body"])
    reply = legacy.get(f"/policies/{claim['policy']}")
    if reply.status_code == 404:
        return {"statusCode": 422, "body": json.dumps({"message": "no such policy"})}
    reply.raise_for_status()
    sqs.send_message(QueueUrl=os.environ["QUEUE_URL"], MessageBody=json.dumps(claim))
    print("accepted", claim["number"])
    return {"statusCode": 202, "body": json.dumps({"claim": claim["number"]})}
