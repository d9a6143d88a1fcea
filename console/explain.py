"""What the layer makes of an event, and what of it would go out with each call: the layer's own code, asked.

Nothing is guessed here: source, records and context are what `observe.invocation` captures, and what a call
would lose is what its carrier says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from observe import context as contexts
from observe import invocation, settings, testing
from observe.context import Context, inject
from observe.services import CARRIERS, carrier_of, source_of
from observe.services.attributes import ATTRIBUTES_MAX, CARRIED
from observe.settings import Settings
from observe.source import LOST, Record, mapping
from subscribers.config_problems import printable

#: The least that each call needs, for its carrier to say what it would do.
CALLS: dict[tuple[str, str], dict[str, Any]] = {
    ("sqs", "SendMessage"): {"QueueUrl": "queue", "MessageBody": "{}"},
    ("sqs", "SendMessageBatch"): {"QueueUrl": "queue", "Entries": [{"Id": "1", "MessageBody": "{}"}]},
    ("sns", "Publish"): {"TopicArn": "topic", "Message": "{}"},
    ("sns", "PublishBatch"): {
        "TopicArn": "topic",
        "PublishBatchRequestEntries": [{"Id": "1", "Message": "{}"}],
    },
    ("lambda", "Invoke"): {"FunctionName": "function", "Payload": b"{}"},
    ("events", "PutEvents"): {"Entries": [{"Source": "mine", "DetailType": "type", "Detail": "{}"}]},
    ("kinesis", "PutRecord"): {"StreamName": "stream", "PartitionKey": "1", "Data": b"{}"},
    ("kinesis", "PutRecords"): {"StreamName": "stream", "Records": [{"PartitionKey": "1", "Data": b"{}"}]},
    ("firehose", "PutRecord"): {"DeliveryStreamName": "stream", "Record": {"Data": b"{}"}},
    ("firehose", "PutRecordBatch"): {"DeliveryStreamName": "stream", "Records": [{"Data": b"{}"}]},
    ("stepfunctions", "StartExecution"): {"stateMachineArn": "arn", "input": "{}"},
    ("stepfunctions", "StartSyncExecution"): {"stateMachineArn": "arn", "input": "{}"},
    ("s3", "PutObject"): {"Bucket": "bucket", "Key": "key", "Body": b""},
    ("s3", "CopyObject"): {"Bucket": "bucket", "Key": "key", "CopySource": "bucket/other"},
    ("s3", "CreateMultipartUpload"): {"Bucket": "bucket", "Key": "key"},
    ("s3", "CompleteMultipartUpload"): {"Bucket": "bucket", "Key": "key", "UploadId": "1"},
    ("dynamodb", "PutItem"): {"TableName": "table", "Item": {"id": {"S": "1"}}},
    ("iot-data", "Publish"): {"topic": "topic", "payload": b"{}"},
}
#: Where the attributes of the received message would be sent on.
_ATTRIBUTES = {("sqs", "SendMessage"): "sqs", ("sns", "Publish"): "sns"}


def explain(event: Any) -> dict[str, Any]:
    """Return what the layer makes of an event, for programs; never raises, whatever JSON it is.

    The layer's settings (OBSERVE_TRUST, OBSERVE_PAYLOAD_CARRIERS, ...) are those of this process.
    {"source", "trigger", "public", "span": {"name", "attributes"}, "records": [{"message_id", "carriers":
    {name: value}, "context", "receipts"}], "context": {"trace_id", "span_id", "correlation_id", "sampled",
    "hops", "debug", "new"}, "links": [{"trace_id", "span_id", "kind"}], "notes": [word],
    "carriers": [{"call", "carried": [name], "lost", "why"}], "lost": {call: reason}, "attribute_room": n,
    "problems": [sentence]}; source is null where no source has the event's shape.
    """
    with testing.capture():  # what the layer would write is not for this command's output
        settings.reset()
        return _explained(event, settings.get())


def _explained(event: Any, found: Settings) -> dict[str, Any]:
    source = source_of(event)
    records = source.records(event) if source is not None else []
    captured = invocation.capture(records, source, None, found)
    context = captured.context
    name, attributes = source.describe(event) if source is not None else ("", {})
    calls = [_call(key, context, event) for key in CARRIERS]
    own = _own_attributes(event)
    return {
        "source": source.name if source is not None else None,
        "trigger": source.trigger if source is not None else None,
        "public": source.public if source is not None else False,
        "span": {"name": name, "attributes": attributes},
        "records": [_record(record, source is not None and source.public, found) for record in records],
        "context": {**_context(context), "new": not any(invocation.carries(record) for record in records)},
        "links": [{"trace_id": t, "span_id": s, "kind": kind} for t, s, kind in captured.links],
        "notes": list(captured.notes),
        "carriers": calls,
        "lost": {call["call"]: call["lost"] for call in calls if call["lost"]},
        "attribute_room": max(ATTRIBUTES_MAX - len(own), 0),
        "problems": found.problems,
    }


def _record(record: Record, public: bool, found: Settings) -> dict[str, Any]:
    trust = found.trust if public else "internal"
    told = contexts.capture(record.headers, trust=trust, environment="", rate=found.sample_rate)
    return {
        "message_id": record.message_id,
        "carriers": {k: v for k, v in record.headers.items() if invocation.carries(Record({k: v}))},
        "context": _context(told.context) if invocation.carries(record) else None,
        "receipts": list(record.receipts),
    }


def _context(context: Context) -> dict[str, Any]:
    names = ("trace_id", "span_id", "correlation_id", "sampled", "hops", "debug")
    return {name: getattr(context, name) for name in names}


def _call(key: tuple[str, str], context: Context, event: Any) -> dict[str, Any]:
    carrier = carrier_of(*key)
    assert carrier is not None
    params = dict(CALLS[key])
    if key in _ATTRIBUTES and (own := _own_attributes(event)):
        params["MessageAttributes"] = own
    sent = context.at("f" * 16)
    lost = carrier.lost(params, sent)
    return {
        "call": ".".join(key),
        "carried": sorted(_added(params, carrier.carry(params, sent), sent)),
        "lost": lost,
        "why": LOST.get(lost, ""),
    }


def _added(before: Any, after: Any, context: Context) -> set[str]:
    """Which of the context's values stand in the parameters now."""
    told = repr(after)
    headers = inject(context)
    return {name for name, value in headers.items() if value in told and value not in repr(before)}


def _own_attributes(event: Any) -> dict[str, Any]:
    """The message attributes of a single SQS or SNS message that are not ours, as they would be sent on."""
    records = mapping(event).get("Records")
    if not isinstance(records, list) or len(records) != 1:
        return {}
    message = mapping(records[0])
    found = message.get("messageAttributes") or mapping(message.get("Sns")).get("MessageAttributes")
    names = [str(name) for name in mapping(found) if str(name).lower() not in CARRIED]
    return {name: {"DataType": "String", "StringValue": "x"} for name in names}


def render(told: Mapping[str, Any], out: Console) -> None:
    """Print what `explain` returned."""

    def say(text: str, style: str = "") -> None:
        out.print(Text(printable(text), style), highlight=False, soft_wrap=True)

    source = told["source"] or "none that is known: the runtime's own trace header tells, else nothing does"
    say(f"source    {source}" + (f" (trigger {told['trigger']})" if told["trigger"] else ""), "bold")
    if told["public"]:
        say("          strangers can send to it: debug, hops, baggage and 'not sampled' are not believed")
    if told["span"]["name"]:
        say(f"span      {told['span']['name']}")
    for record in told["records"][:_SHOWN]:
        carried = ", ".join(record["carriers"]) or "nothing of ours"
        receipts = f"; receipts {', '.join(record['receipts'])}" if record["receipts"] else ""
        say(f"record    {record['message_id'] or '-'}: {carried}{receipts}")
    if len(told["records"]) > _SHOWN:
        say(f"          and {len(told['records']) - _SHOWN} more")
    context = told["context"]
    say(f"context   {'new' if context['new'] else 'captured'}: trace {context['trace_id']}", "bold")
    sampled = "sampled" if context["sampled"] else "not sampled"
    say(f"          correlation ID {context['correlation_id']}, {sampled}, {context['hops']} hops")
    for link in told["links"][:_SHOWN]:
        say(f"          linked to {link['trace_id']} ({link['kind']})")
    for note in told["notes"]:
        say(f"          note: {note}", "yellow")
    for problem in told["problems"]:
        say(f"setting   {problem}", "yellow")
    say("outbound", "bold")
    for call in told["carriers"]:
        lost = f"  lost: {call['lost']} ({call['why']})" if call["lost"] else ""
        carried = ", ".join(call["carried"]) or "nothing"
        say(f"          {call['call']:<36} {carried}{lost}", "yellow" if lost else "")
    say(f"room      {told['attribute_room']} message attributes, were this message's own sent on")


#: Records and links that are shown; --json has all.
_SHOWN = 10
