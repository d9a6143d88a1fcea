"""SQS: what other libraries make of message attributes, and what reading a batch costs."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest

from observe.context import extract
from tests.observe.sources import CONTEXT, HEADERS, OTHER, as_attributes, notification, queued, records


def _carried(**attributes: Any) -> dict[str, str]:
    (record,) = records(queued("x", messageAttributes=attributes))
    return record.headers


def test_ten_thousand_messages_are_ten_thousand_records() -> None:
    """Every one is read for itself."""
    bodies = [json.dumps(notification("x", {**HEADERS, "x-correlation-id": f"CLM-{n}"})) for n in range(10)]
    items = queued("")["Records"] * 10_000
    event = {"Records": [{**item, "body": bodies[n % 10]} for n, item in enumerate(items)]}
    found = records(event)
    assert len(found) == 10_000
    assert {record.headers["x-correlation-id"] for record in found} == {f"CLM-{n}" for n in range(10)}


def test_a_plain_message_loads_no_envelopes() -> None:
    """Most messages are in none, and a function of a queue does not pay for those that are."""
    code = (
        "import sys\n"
        "from observe.services import source_of\n"
        "event = {'Records': [{'eventSource': 'aws:sqs', 'body': '{}'}]}\n"
        "source = source_of(event)\n"
        "source.records(event), source.describe(event)\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert "observe.services.sqs" in loaded
    others = ("envelopes", "payload", "destination", "kafka", "properties", "eventbridge")
    assert not {f"observe.services.{name}" for name in others} & set(loaded)
    assert not {"base64", "hashlib", "dataclasses", "datetime", "urllib.parse"} & set(loaded)


@pytest.mark.parametrize(
    "name", ["x_correlation_id", "JMS_SQSCorrelationID", "X__dash__correlation__dash__id"]
)
def test_a_legacy_sender_that_speaks_jms_is_in_the_story(name: str) -> None:
    """No property can be called `x-correlation-id`, and JMS's own has another name in SQS."""
    headers = _carried(**as_attributes({"traceparent": HEADERS["traceparent"], name: "CLM-1"}))
    context = extract(headers)
    assert (context.trace_id, context.correlation_id) == (CONTEXT.trace_id, "CLM-1")


def test_an_attribute_that_is_called_as_it_should_be_wins() -> None:
    """Over what only means the same."""
    attributes = as_attributes({"x_correlation_id": "rpc-1", "X-Correlation-ID": "CLM-1"})
    assert extract(_carried(**attributes)).correlation_id == "CLM-1"


DATADOG = {
    "x-datadog-trace-id": str(int(CONTEXT.trace_id[16:], 16)),
    "x-datadog-parent-id": str(int(CONTEXT.span_id, 16)),
    "x-datadog-sampling-priority": "1",
    "x-datadog-tags": f"_dd.p.tid={CONTEXT.trace_id[:16]}",
}


@pytest.mark.parametrize("headers", [DATADOG, {"TraceParent": HEADERS["traceparent"]}])
def test_a_sender_with_datadog_is_in_the_story(headers: dict[str, str]) -> None:
    """Its tracer puts all headers into one attribute: a text, or octets where it came through SNS."""
    document = json.dumps(headers)
    octets = {"binaryValue": base64.b64encode(document.encode()).decode(), "dataType": "Binary"}
    for attribute in (as_attributes({"a": document})["a"], octets):
        context = extract(_carried(_datadog=attribute))
        assert (context.trace_id, context.span_id) == (CONTEXT.trace_id, CONTEXT.span_id)


def test_what_datadog_says_counts_where_nothing_else_is_said() -> None:
    """W3C's own attributes are nearer, and a body with an ID is farther."""
    document = json.dumps({"traceparent": OTHER["traceparent"]})
    attributes = as_attributes({**HEADERS, "_datadog": document})
    assert extract(_carried(**attributes)) == CONTEXT
    event = queued(
        json.dumps(notification("x", HEADERS)), messageAttributes=as_attributes({"_datadog": document})
    )
    assert records(event)[0].headers["traceparent"] == OTHER["traceparent"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        "",
        "{",
        "[]",
        "null",
        "\ud800",
        "[" * 100_000,
        "9" * 8000,
        "{}" + " " * 9000,
        '{"a":[{}]}',
        "%%%",
    ],
)
def test_what_is_no_packed_headers_carries_nothing(value: Any) -> None:
    """Whatever somebody puts into an attribute of that name."""
    for member in ("stringValue", "binaryValue"):
        headers = _carried(_datadog={member: value})
        assert headers.keys() <= {"_datadog"}
