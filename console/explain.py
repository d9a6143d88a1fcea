"""What the layer makes of an event, and what of it would go out with each call: the layer's own code, asked.

Nothing is guessed here: source, records and context are what `observe.capture` captures, and what a call
would lose is what its carrier says of the least such call. What it carries is looked up in what it returns.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from rich.console import Console
from rich.text import Text

from console.errors import ConsoleError
from observe import capture, ids, notes, outbound, settings, testing
from observe import context as contexts
from observe.context import BAGGAGE, CORRELATION_PREFIX, TRACESTATE, XRAY, Context, inject
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
    ("lambda", "InvokeWithResponseStream"): {"FunctionName": "function", "Payload": b"{}"},
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
#: The same calls where they carry in another way.
VARIANTS: dict[tuple[str, str], tuple[str, dict[str, Any]]] = {
    ("lambda", "Invoke"): ("InvocationType=Event", {"InvocationType": "Event"}),
    ("s3", "CopyObject"): ("MetadataDirective=REPLACE", {"MetadataDirective": "REPLACE"}),
}
#: Where the attributes of a received message would be sent on, and of batch calls the name of their entries.
_ATTRIBUTES = {
    ("sqs", "SendMessage"): "",
    ("sqs", "SendMessageBatch"): "Entries",
    ("sns", "Publish"): "",
    ("sns", "PublishBatch"): "PublishBatchRequestEntries",
}
#: What OBSERVE_PAYLOAD_CARRIERS calls a service's carrier, where not as the service.
_OPT_IN = {"lambda": "lambda-async", "iot-data": "iot", "s3": "s3-tags"}
#: Why an HTTP request goes without something.
HTTP_LOST = {
    outbound.NOT_FORWARDED: "OBSERVE_FORWARD_HOSTS or OBSERVE_DIALECTS leaves the host out",
    "dialect": "OBSERVE_DIALECTS has other headers for the host instead",
    "baggage_hosts": "OBSERVE_BAGGAGE_HOSTS does not name the host: no baggage",
}
#: What is read of a record beside the IDs.
_BESIDE = (TRACESTATE, BAGGAGE, "debug-log-enabled", "call-chain-length")
#: A host that no rule is about.
_ANY_HOST = "host.invalid"


def explain(event: Any) -> dict[str, Any]:
    """Return what the layer makes of an event, for programs; never raises, whatever JSON it is.

    The layer's settings (OBSERVE_TRUST, OBSERVE_PAYLOAD_CARRIERS, ...) are those of this process.
    {"source", "trigger", "public", "trust", "span": {"name", "attributes"}, "records": [{"message_id",
    "public", "carriers": {name: value}, "context", "receipts", "attribute_room"}], "context": {"trace_id",
    "span_id", "correlation_id", "sampled", "hops", "debug", "new"}, "links": [{"trace_id", "span_id",
    "kind"}], "notes": [word], "carriers": [{"call", "carried": [name], "lost", "why"}],
    "lost": {call: reason}, "attribute_room": n, "problems": [sentence]}.

    source is null where no source has the event's shape. public: whether strangers can send to the source; of
    a record, whether one may have written it all the same. trust: how strangers are believed. new: the trace
    did not come in with a record. attribute_room: how many message attributes of SQS and SNS are left beside
    a record's own, null where it is no such message; of an event what its fullest message leaves. What the
    calls to SQS and SNS would lose is told for that message's attributes sent on. All text can be encoded in
    UTF-8.
    """
    with testing.capture():  # what the layer would write is not for this command's output
        settings.reset()
        told: dict[str, Any] = _encodable(_explained(event, settings.get()))
        return told


class NotJsonError(ConsoleError):
    """What is to be explained is no JSON."""

    reason = "not_json"


def explain_text(document: bytes) -> dict[str, Any]:
    """Return `explain` of a JSON text; raises NotJsonError for any other.

    What Lambda's own runtime cannot read either, for it reads as Python does, no handler would get: that is a
    problem, and nothing is known of it.
    """
    try:
        return explain(json.loads(document))
    except RecursionError:
        problem = "it is nested too deep"
    except ValueError as error:
        if "integer string conversion" not in str(error):
            raise NotJsonError(f"this is not JSON: {error}") from error
        problem = "an integer has too many digits"
    told = explain(None)
    told["problems"].append(f"{problem} for Lambda's runtime to read: no handler would get this event")
    return told


def _explained(event: Any, found: Settings) -> dict[str, Any]:
    source = source_of(event)
    records = source.records(event) if source is not None else []
    captured = capture.capture(records, source, None, found)
    context = captured.context
    name, attributes = source.describe(event) if source is not None else ("", {})
    public = source is not None and source.public
    strangers = public or any(record.public for record in records)
    told = [_record(record, public, found) for record in records]
    own = _own_attributes(event)
    for record, attributes_of_it in zip(told, own, strict=False):
        if attributes_of_it is not None:
            record["attribute_room"] = max(ATTRIBUTES_MAX - len(attributes_of_it), 0)
    fullest = max((one for one in own if one is not None), key=len, default={})
    sent = context.entered("f" * 16)  # as the handler has it: inside the invocation's span
    calls = [*_http(sent, found), *_calls(sent, fullest)]
    return {
        "source": source.name if source is not None else None,
        "trigger": source.trigger if source is not None else None,
        "public": public,
        "trust": found.trust if strangers else "internal",
        "span": {"name": name, "attributes": attributes},
        "records": told,
        "context": {**_context(context), "new": not _came_in(context, told)},
        "links": [{"trace_id": t, "span_id": s, "kind": kind} for t, s, kind in captured.links],
        "notes": list(captured.notes),
        "carriers": calls,
        "lost": {call["call"]: call["lost"] for call in calls if call["lost"]},
        "attribute_room": max(ATTRIBUTES_MAX - len(fullest), 0),
        "problems": [*found.problems],
    }


def _record(record: Record, public: bool, found: Settings) -> dict[str, Any]:
    """public: whether strangers can send to the source; the record says whether one wrote it."""
    public = public or record.public
    trust = found.trust if public else "internal"
    told = contexts.capture(record.headers, trust=trust, environment="", rate=found.sample_rate)
    return {
        "message_id": record.message_id,
        "public": public,
        "carriers": {name: value for name, value in record.headers.items() if _is_read(name)},
        "context": _context(told.context) if capture.carries(record) else None,
        "receipts": list(record.receipts),
        "attribute_room": None,
    }


def _is_read(name: str) -> bool:
    """Whether capture looks at a header: for an ID, or for what belongs to one."""
    beside = name in _BESIDE or name.startswith(CORRELATION_PREFIX)
    return beside or capture.carries(Record({name: ""}))


def _context(context: Context) -> dict[str, Any]:
    names = ("trace_id", "span_id", "correlation_id", "sampled", "hops", "debug")
    return {name: getattr(context, name) for name in names}


def _came_in(context: Context, records: list[dict[str, Any]]) -> bool:
    """Whether the trace is a record's own: of several there is a new one, and where nobody is trusted."""
    inner = (record["context"] for record in records if record["context"] is not None)
    return context.trace_id in {one["trace_id"] for one in inner}


# --- Calls ------------------------------------------------------------------------------------------


def _calls(context: Context, own: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """own: the attributes that the message has already when it is sent on."""
    for key in CARRIERS:
        params = dict(CALLS[key])
        if key in _ATTRIBUTES and own:
            _send_on(params, _ATTRIBUTES[key], own)
        yield _call(key, ".".join(key), params, context)
        if key in VARIANTS:
            how, more = VARIANTS[key]
            yield _call(key, f"{'.'.join(key)} {how}", {**params, **more}, context)


def _call(key: tuple[str, str], name: str, params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    carrier = carrier_of(*key)
    assert carrier is not None
    lost = carrier.lost(params, context)
    why = LOST.get(lost, "")
    if lost == "opt_in":
        why = f"OBSERVE_PAYLOAD_CARRIERS does not name {_OPT_IN.get(key[0], key[0])}"
    carried = _carried(carrier.carry(params, context), context)
    return {"call": name, "carried": carried, "lost": lost, "why": why}


def _http(context: Context, found: Settings) -> Iterator[dict[str, Any]]:
    """Requests of HTTP clients: to any host, and to those that a rule of OBSERVE_DIALECTS is about."""
    ruled = {("http", _ANY_HOST, 0): None}
    for (host, port), _ in found.dialects:
        sample = _ANY_HOST if host == "*" else f"any{host}" if host.startswith(".") else host
        ruled[f"http {host}:{port}" if port else f"http {host}", sample, port] = None
    for name, host, port in ruled:
        headers = outbound.headers(host, port, frozenset(), context, found)
        lost = "" if headers else outbound.NOT_FORWARDED
        if headers and (missing := inject(context).keys() - headers):
            lost = "baggage_hosts" if missing == {BAGGAGE} else "dialect"
        yield {"call": name, "carried": sorted(headers), "lost": lost, "why": HTTP_LOST.get(lost, "")}


def _carried(params: Mapping[str, Any], context: Context) -> list[str]:
    """Which of the context's headers stand in the parameters, under their names; X-Ray's under any."""
    told = set(_pairs(params))
    names = {name for name, value in inject(context).items() if (name, value) in told}
    if any(ids.root_of(value) == context.trace_id for _, value in told):
        names.add(XRAY)
    return sorted(names)


def _pairs(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """(name, text) of all there is in parameters: in JSON, in base64 of it, in the query string of tags."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _pairs(inner, name if key in ("StringValue", "S") else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _pairs(inner, name)
    elif isinstance(value, bytes):
        yield from _pairs(value.decode("utf-8", "replace"), name)
    elif isinstance(value, str):
        yield name.lower(), value
        if name == "ClientContext":
            value = a2b_base64(value).decode()
        if name == "Tagging":
            yield from parse_qsl(value)
        elif value.startswith("{"):
            try:
                yield from _pairs(json.loads(value))
            except ValueError:
                return  # a tracestate may begin so


def _send_on(params: dict[str, Any], entries: str, attributes: dict[str, Any]) -> None:
    """Put attributes of the caller's own into the least parameters of a call."""
    if entries:
        params[entries] = [{**entry, "MessageAttributes": attributes} for entry in params[entries]]
    else:
        params["MessageAttributes"] = attributes


def _own_attributes(event: Any) -> list[dict[str, Any] | None]:
    """Of each record the message attributes that are not ours, as they would be sent on, or None."""
    records = mapping(event).get("Records")
    own: list[dict[str, Any] | None] = []
    for record in records if isinstance(records, list) else ():
        message = mapping(record)
        found = message.get("messageAttributes", mapping(message.get("Sns")).get("MessageAttributes"))
        names = [str(name) for name in mapping(found) if str(name).lower() not in CARRIED]
        sent_on = {name: {"DataType": "String", "StringValue": "x"} for name in names}
        own.append(sent_on if isinstance(found, dict) else None)
    return own


def _encodable(told: Any) -> Any:
    """The same without halves of surrogate pairs, which JSON may have and UTF-8 has not."""
    if isinstance(told, str):
        return told.encode("utf-8", "replace").decode()
    if isinstance(told, dict):
        return {_encodable(key): _encodable(value) for key, value in told.items()}
    return [_encodable(one) for one in told] if isinstance(told, list | tuple) else told


# --- On a terminal ----------------------------------------------------------------------------------

#: Records and links that are shown; --json has all.
_SHOWN = 10
_TRUST = {
    "public": ": debug, hops, baggage and 'not sampled' are not believed",
    "internal": ", and OBSERVE_TRUST=internal believes all they say",
    "strict": ": OBSERVE_TRUST=strict starts a trace of its own, linked to theirs",
}


def render(told: Mapping[str, Any], out: Console) -> None:
    """Print what `explain` returned."""
    for start, text, style in _lines(told):
        out.print(Text(f"{start:<10}{printable(text)}", style), highlight=False, soft_wrap=True)


def _lines(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(what a line begins with, its text, its style)."""
    trigger = f" (trigger {told['trigger']})" if told["trigger"] else ""
    yield (
        "source",
        (told["source"] or "none that is known: only the runtime's own headers tell") + trigger,
        "bold",
    )
    if told["public"]:
        yield "", f"strangers can send to it{_TRUST[told['trust']]}", ""
    elif any(record["public"] for record in told["records"]):
        yield "", f"strangers may have written what came in{_TRUST[told['trust']]}", ""
    if told["span"]["name"]:
        yield "span", told["span"]["name"], ""
    yield from _record_lines(told["records"])
    yield from _context_lines(told)
    for problem in told["problems"]:
        yield "setting", problem, "yellow"
    yield from _call_lines(told["carriers"])
    if any(record["attribute_room"] is not None for record in told["records"]):
        room = told["attribute_room"]
        sent_on = (
            "where the message's own are sent on"
            if len(told["records"]) == 1
            else "beside the fullest one's own"
        )
        yield "room", f"{room} of {ATTRIBUTES_MAX} message attributes, {sent_on}", "" if room else "yellow"


def _record_lines(records: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for record in records[:_SHOWN]:
        carried = ", ".join(record["carriers"]) or "nothing of ours"
        receipts = f"; receipts {', '.join(record['receipts'])}" if record["receipts"] else ""
        yield "record", f"{record['message_id'] or '-'}: {carried}{receipts}", ""
    if len(records) > _SHOWN:
        yield "", f"and {len(records) - _SHOWN} more", ""


def _context_lines(told: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    context = told["context"]
    sampled = "sampled" if context["sampled"] else "not sampled"
    if not context["new"]:
        yield "context", f"captured: trace {context['trace_id']}", "bold"
        hops = "1 hop" if context["hops"] == 1 else f"{context['hops']} hops"
        debug = ", debug" if context["debug"] else ""
        yield "", f"correlation ID {context['correlation_id']}, {sampled}, {hops}{debug}", ""
    elif told["links"]:
        yield (
            "context",
            f"new: each invocation has a trace of its own, {sampled}, linked to what came in",
            "bold",
        )
    else:
        yield "context", f"new: no ID came in, each invocation has a trace of its own, {sampled}", "bold"
    for link in told["links"][:_SHOWN]:
        yield "", f"linked to {link['trace_id']} ({link['kind']})", ""
    if len(told["links"]) > _SHOWN:
        yield "", f"and to {len(told['links']) - _SHOWN} more", ""
    for note in told["notes"]:
        said = notes.NOTES.get(note)  # as the layer's own line says it
        yield "", f"note: {note}: {said}" if said else f"note: {note}", "yellow"


def _call_lines(calls: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    """One line for all calls that fare alike, those that lose nothing first."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for call in calls:
        carried = ", ".join(name for name in call["carried"] if call["lost"] or name != XRAY)
        alike.setdefault((carried, call["lost"], call["why"]), []).append(call["call"])
    start = "outbound"
    for (carried, lost, why), names in sorted(alike.items(), key=lambda one: bool(one[0][1])):
        how = f"only {carried}" if carried else "nothing"
        told = (
            f"{how} with {', '.join(names)}: {why} ({lost})" if lost else f"{carried} with {', '.join(names)}"
        )
        yield start, told, "yellow" if lost else ""
        start = ""
