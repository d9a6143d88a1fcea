"""A batch of submitted claims: approve them, or tell which of them an adjuster has to see."""

import json
import logging

logging.getLogger().setLevel("INFO")

LIMIT = 5000


def handler(event, context):
    failed = []
    for record in event["Records"]:
        try:
            assess(json.loads(record["body"]))
        except Exception:
            logging.exception("message %s not assessed", record["messageId"])
            failed.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failed}


def assess(claim):
    number = claim["number"]
    if claim.get("kind") == "flood" and not claim.get("river"):
        raise ValueError(f"flood claim {number} names no river: cannot tell its zone")
    if claim["amount"] > LIMIT:
        logging.warning("claim %s over %d: an adjuster has to see it", number, LIMIT)
    else:
        logging.info("claim %s approved", number)
