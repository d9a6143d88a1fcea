"""Claims that were submitted, from the bus: screen each, and put what is known of it on the stream of facts."""

import json
import logging
import os

import boto3

logging.getLogger().setLevel("INFO")

LARGE = 8000
#: Kinds of claims for which somebody goes and looks.
VISITED = ("flood", "fire")

kinesis = boto3.client("kinesis")


def handler(event, context):
    claim = event["detail"]
    findings = screen(claim)
    fact = {
        "claim": claim["number"],
        "policy": claim["policy"],
        "kind": claim.get("kind", "other"),
        "amount": claim["amount"],
        "findings": findings,
    }
    # The facts about one policy stay in their order: they are in one shard.
    kinesis.put_record(
        StreamName=os.environ["STREAM_NAME"], PartitionKey=claim["policy"], Data=json.dumps(fact).encode()
    )
    logging.info("claim %s screened: %s", claim["number"], ", ".join(findings) or "nothing found")


def screen(claim):
    findings = []
    if claim["amount"] > LARGE:
        findings.append("large amount")
    if claim.get("kind") in VISITED:
        findings.append("to be visited")
    return findings
