"""Kafka, ActiveMQ and RabbitMQ: headers and properties in every spelling that pollers give them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import extract
from observe.services.properties import octets, projected, scalar, sequence
from tests.observe.sources import CONTEXT, HEADERS, JSON, OTHER, event_of, records, told


def _spellings(value: str) -> list[Any]:
    """Octets in every way in which they have been seen."""
    signed = [byte - 256 if byte > 127 else byte for byte in value.encode()]
    digits = [str(byte) for byte in value.encode()]
    return [
        list(value.encode()),
        signed,
        digits,
        {str(n): byte for n, byte in reversed(list(enumerate(digits)))},
        {str(n): byte for n, byte in enumerate(signed)},
    ]


@given(st.text(min_size=1, max_size=50))
def test_octets_are_read_in_every_spelling(value: str) -> None:
    """Signed or not, as numbers or digits, in a list or in a map by index: the same text."""
    assert {octets(spelling) for spelling in _spellings(value)} == {value}


@pytest.mark.parametrize(
    "value",
    [[], {}, None, "text", 5, [255], [-1], [256], [-129], [10**30], [1.0], ["x"], [None], {"a": 1}, ["٣x"]],
)
def test_what_is_no_text_is_no_header(value: Any) -> None:
    """UTF-8 is read strictly, and nothing is guessed."""
    assert octets(value) is None


@given(JSON)
def test_no_value_is_read_with_an_exception(value: Any) -> None:
    """Anything at all may stand where octets, a list or a scalar should."""
    assert isinstance(octets(value), str | None)
    assert isinstance(scalar(value), str | None)
    assert isinstance(sequence(value), list)


def test_numbers_of_properties_are_text() -> None:
    """As a Java client would print them; one that no property holds is left out."""
    assert [scalar(value) for value in (2, True, 1.5, 2**65)] == ["2", "true", "1.5", None]


@pytest.mark.parametrize("form", range(5))
def test_kafka_headers_carry_the_whole_context(form: int) -> None:
    """In every spelling, and the last of one name counts."""
    headers = [{name: _spellings(value)[form]} for name, value in {**OTHER}.items()]
    headers += [{name: _spellings(value)[form]} for name, value in HEADERS.items()]
    for listed in (headers, {str(n): header for n, header in enumerate(headers)}):
        event = {"eventSource": "aws:kafka", "records": {"my-topic-12": [{"offset": 7, "headers": listed}]}}
        (record,) = records(event)
        assert extract(record.headers) == CONTEXT
        assert record.message_id == "my-topic-12@7"


def test_many_headers_before_ours_do_not_hide_them() -> None:
    """A producer's tracing comes last; what is looked at is bounded from the other end."""
    headers = [{f"a{n}": [97]} for n in range(5000)] + [
        {name: list(value.encode())} for name, value in HEADERS.items()
    ]
    (record,) = records({"eventSource": "aws:kafka", "records": {"t-0": [{"headers": headers}]}})
    assert extract(record.headers) == CONTEXT
    assert len(record.headers) == 1000


def test_every_kafka_record_is_one_whatever_it_is() -> None:
    """Records stay in the event's order, so that the n-th is the n-th."""
    event = {
        "eventSource": "aws:kafka",
        "records": {"t-0": [{"offset": 1}, None, {"offset": True}], "t-1": [{"offset": 2}]},
    }
    assert [record.message_id for record in records(event)] == ["t-0@1", "", "", "t-1@2"]
    assert told(event)["messaging.batch.message_count"] == 4


@pytest.mark.parametrize(
    "spell",
    [
        str,
        str.upper,
        lambda name: name.replace("-", "_"),
        lambda name: name.replace("-", "__dash__"),
        lambda name: name.title().replace("-", "_HYPHEN_"),
    ],
)
def test_properties_carry_the_whole_context(spell: Any) -> None:
    """JMS knows no hyphens; a table of RabbitMQ knows octets and texts."""
    spelled = {spell(name): value for name, value in HEADERS.items()}
    active = {"eventSource": "aws:mq", "messages": [{"properties": spelled, "correlationID": "rpc-1"}]}
    table = {name: {"bytes": list(value.encode())} for name, value in spelled.items()}
    for headers in (spelled, table):
        properties = {"headers": headers, "correlationId": "rpc-1"}
        rabbit = {"eventSource": "aws:rmq", "rmqMessagesByQueue": {"q::/": [{"basicProperties": properties}]}}
        assert [extract(record.headers) for record in records(rabbit)] == [CONTEXT]
    assert [extract(record.headers) for record in records(active)] == [CONTEXT]


def test_an_exact_name_counts_before_one_that_means_it() -> None:
    """In whichever order they come."""
    pairs = [("x-correlation-id", "a"), ("x_correlation_id", "b"), ("JMSCorrelationID", "c")]
    assert projected(pairs) == projected(reversed(pairs)) == {"x-correlation-id": "a"}
    assert projected([*pairs, ("X-Correlation-ID", "d")]) == {"x-correlation-id": "d"}


def test_a_correlation_id_of_the_protocol_is_taken_where_no_header_has_one() -> None:
    """JMSCorrelationID and AMQP's correlation-id are both sides' oldest common name for it."""
    for name, message_id in (("activemq-jms", "ID:1"), ("rabbitmq-bare", "")):
        record = records(event_of(name))[0]
        assert (extract(record.headers).correlation_id, record.message_id) == ("CLM-1", message_id)


def test_a_pipe_calls_a_queue_in_its_own_way() -> None:
    """EventBridge Pipes writes `physicalname`, Lambda's own poller `physicalName`."""
    event = event_of("activemq")
    event["messages"][0]["destination"] = {"physicalname": "CLAIMS.IN"}
    assert told(event)["messaging.destination.name"] == "CLAIMS.IN"


@pytest.mark.parametrize("name", ["correlationID", "correlationId"])
def test_the_brokers_own_correlation_id(name: str) -> None:
    """In either spelling; beside a traceparent it may be no more than what a reply is matched by."""
    trace = {"traceparent": "00-" + "a" * 32 + "-" + "b" * 16 + "-01"}
    for properties, found in (({}, {"x-correlation-id": "CLM-1"}), (trace, trace)):
        message = {"messageID": "m", name: "CLM-1", "properties": properties}
        event = {"eventSource": "aws:mq", "messages": [message]}
        assert [record.headers for record in records(event)] == [found]
