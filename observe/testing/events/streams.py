"""Events of Kinesis Data Streams and of Firehose.

https://docs.aws.amazon.com/lambda/latest/dg/with-kinesis.html
https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
"""

from __future__ import annotations

from observe.testing.carrying import sent
from observe.testing.events.parts import (
    ACCOUNT,
    REGION,
    TIME,
    arn,
    at,
    base64_of,
    checked,
    each,
    epoch_ms,
    numbered,
    octets_of,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Body, Event, Message

_SHARD = "shardId-000000000000"
_SEQUENCE = 49590338271490256608559692538361571095921575989136588898


@checked
def kinesis(
    *data: Body | Message,
    context: Context | None = None,
    key: str = "1",
    sequence_number: str = "",
    stream: str = "stream",
    time: datetime = TIME,
) -> Event:
    """A batch of records. Each record's: context, key (the partition key), sequence_number.

    A context goes into data that is a JSON object, as the layer's carrier `kinesis` puts it there.
    """
    time = at(time, "kinesis")
    options = {"context": context, "key": key, "sequence_number": sequence_number}
    records = []
    for n, (payload, own) in enumerate(each("kinesis", data, **options)):
        params = {"PartitionKey": own["key"], "Data": octets_of(payload, "kinesis")}
        put = sent("kinesis", "PutRecord", params, own["context"], "kinesis")
        number = own["sequence_number"] or str(_SEQUENCE + n)
        records.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": own["key"],
                    "sequenceNumber": number,
                    "data": base64_of(put["Data"]),
                    "approximateArrivalTimestamp": time.timestamp(),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{_SHARD}:{number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/function",
                "awsRegion": REGION,
                "eventSourceARN": arn("kinesis", f"stream/{stream}"),
            }
        )
    return {"Records": records}


@checked
def firehose(
    *data: Body | Message,
    context: Context | None = None,
    record_id: str = "",
    key: str = "1",
    delivery_stream: str = "delivery",
    stream: str = "",
    time: datetime = TIME,
) -> Event:
    """A batch that Firehose wants transformed. Each record's: context, record_id, key (the partition key).

    stream: the Kinesis stream that Firehose reads, if it reads one.
    """
    arrived = epoch_ms(at(time, "firehose"))
    options = {"context": context, "record_id": record_id, "key": key}
    records = []
    for n, (payload, own) in enumerate(each("firehose", data, **options)):
        params = {"Record": {"Data": octets_of(payload, "firehose")}}
        put = sent("firehose", "PutRecord", params, own["context"], "firehose")
        record: dict[str, Any] = {
            "recordId": own["record_id"] or f"{_SEQUENCE + n}000000",
            "approximateArrivalTimestamp": arrived,
            "data": base64_of(put["Record"]["Data"]),
        }
        if stream:
            record["kinesisRecordMetadata"] = {
                "shardId": _SHARD,
                "partitionKey": own["key"],
                "approximateArrivalTimestamp": arrived,
                "sequenceNumber": str(_SEQUENCE + n),
                "subsequenceNumber": 0,
            }
        records.append(record)
    return {
        "invocationId": numbered(0xF1400000, 0),
        **({"sourceKinesisStreamArn": arn("kinesis", f"stream/{stream}")} if stream else {}),
        "deliveryStreamArn": arn("firehose", f"deliverystream/{delivery_stream}"),
        "region": REGION,
        "records": records,
    }
