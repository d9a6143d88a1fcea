"""Facts about claims, from the stream: how much money is at stake, by kind of claim."""

import base64
import json

import observe


def handler(event, context):
    batch = observe.records(event)
    for record in batch:
        with record:
            measure(json.loads(base64.b64decode(record["kinesis"]["data"])))
    return batch.reply()


def measure(fact):
    tags = {"kind": fact["kind"]}
    observe.metrics.distribution("claims.exposure", fact["amount"], tags=tags)
    for finding in fact["findings"]:
        observe.metrics.increment("claims.findings", tags={**tags, "finding": finding})
    observe.log.info("exposure measured", claim=fact["claim"], kind=fact["kind"], amount=fact["amount"])
