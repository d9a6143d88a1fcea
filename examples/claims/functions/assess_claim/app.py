"""A batch of submitted claims: decide which of them an adjuster has to see."""

import json
import logging

logging.getLogger().setLevel("INFO")
LIMIT = 5000


def handler(event, context):
    for record in event["Records"]:
        claim = json.loads(record["body"])
        if claim["amount"] > LIMIT:
            logging.warning("claim %s over %d: an adjuster has to see it", claim["number"], LIMIT)
        else:
            logging.info("claim %s approved", claim["number"])
