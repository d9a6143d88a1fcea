"""Queues."""

from __future__ import annotations

import copy
import re
import types
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from observe.context import Context, extract
from observe.legacy import mq
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids, ids_of

PROPERTIES = st.dictionaries(st.text("abcXYZ_", min_size=1, max_size=9), st.one_of(st.text(), st.integers()))
JUNK = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=20), st.binary(max_size=20)),
    lambda inner: st.lists(inner, max_size=3),
)


@given(CONTEXTS, PROPERTIES)
def test_message_properties_carry_all_of_a_context(context: Context, properties: dict[str, Any]) -> None:
    """A new dictionary; nothing of the caller's is changed; twice is once."""
    before = copy.deepcopy(properties)
    grown = mq.carry_jms(properties, context)
    assert properties == before
    assert properties.items() <= grown.items()
    assert extract(mq.read_jms(grown)) == context
    assert mq.carry_jms(grown, context) == grown


@given(WILD)
def test_property_names_are_java_identifiers(context: Context) -> None:
    """And none of the words or prefixes that JMS reserves."""
    for name, value in mq.carry_jms({}, context).items():
        assert re.fullmatch(r"[A-Za-z_$][\w$]*", name)
        assert not name.upper().startswith("JMS")
        assert isinstance(value, str)


def test_what_the_caller_set_is_never_overwritten() -> None:
    """Who has a traceparent gets neither our tracestate nor our baggage: they are another trace's."""
    theirs = {"traceparent": "mine"}
    assert mq.carry_jms(theirs, WHOLE) == theirs | {"x_correlation_id": WHOLE.correlation_id}
    assert mq.carry_jms({"X_Correlation_ID": "x", "Diagnostic-Id": "y"}, WHOLE) == {
        "X_Correlation_ID": "x",
        "Diagnostic-Id": "y",
    }
    assert mq.carry_kafka([("TraceParent", b"x")], WHOLE)[1:] == [
        ("x-correlation-id", WHOLE.correlation_id.encode())
    ]


def test_service_bus_is_read() -> None:
    """Diagnostic-Id is a traceparent under another name."""
    found = mq.read_jms({"Diagnostic-Id": f"00-{PLAIN.trace_id}-{PLAIN.span_id}-01", "n": 5})
    assert ids_of(found) == ids(PLAIN)


def test_other_tracers_names_are_read() -> None:
    """What OpenTelemetry's agent and Camel write for a hyphen; an exact name counts more."""
    assert mq.read_jms({"x__dash__correlation__dash__id": "a"}) == {"x-correlation-id": "a"}
    assert mq.read_jms({"x_HYPHEN_correlation_HYPHEN_id": "a"}) == {"x-correlation-id": "a"}
    own = f"00-{PLAIN.trace_id}-{PLAIN.span_id}-01"
    for names in (("Diagnostic-Id", "traceparent"), ("traceparent", "Diagnostic-Id")):
        values = {"traceparent": own, "Diagnostic-Id": "|theirs."}
        assert mq.read_jms({name: values[name] for name in names}) == {"traceparent": own}


def test_a_message_without_properties_is_taken_as_libraries_give_it() -> None:
    """None of proton and Service Bus; a dictionary of confluent-kafka; an object of pika."""
    assert mq.read_jms(None) == mq.read_stomp(None) == mq.read_kafka(None) == mq.read_amqp(None) == {}
    assert extract(mq.read_jms(mq.carry_jms(None, WHOLE))) == WHOLE
    assert extract(mq.read_stomp(mq.carry_stomp(None, WHOLE))) == WHOLE
    assert extract(mq.read_kafka(mq.carry_kafka({"abc": b"1"}, WHOLE))) == WHOLE
    assert mq.carry_kafka({"abc": b"1"}, WHOLE)[0] == ("abc", b"1")
    properties = types.SimpleNamespace(**mq.carry_amqp(None, WHOLE), reply_to=None)
    assert extract(mq.read_amqp(properties)) == WHOLE


def test_a_correlation_id_of_another_case_in_the_table_is_not_contradicted() -> None:
    """The property would say something else than the caller's header."""
    grown = mq.carry_amqp({"headers": {"X-Correlation-ID": "theirs"}}, WHOLE)
    assert "correlation_id" not in grown
    assert grown["headers"]["X-Correlation-ID"] == "theirs"


def test_repeated_headers() -> None:
    """Kafka's readers take the last, STOMP's the first."""
    pairs = [("x-correlation-id", "first"), ("X-Correlation-ID", "last")]
    assert mq.read_kafka(pairs) == {"x-correlation-id": "last"}
    assert mq.read_kafka([(name, value.encode()) for name, value in pairs]) == {"x-correlation-id": "last"}
    assert mq.read_stomp(pairs) == {"x-correlation-id": "first"}
    assert mq.read_stomp(dict(pairs[:1])) == {"x-correlation-id": "first"}


@given(CONTEXTS, st.lists(st.tuples(st.text("abc", max_size=5), st.one_of(st.none(), st.binary()))))
def test_kafka_headers_carry_all_of_a_context(
    context: Context, headers: list[tuple[str, bytes | None]]
) -> None:
    """Appended, in order; twice is once."""
    before = list(headers)
    grown = mq.carry_kafka(headers, context)
    assert headers == before == grown[: len(headers)]
    assert all(isinstance(value, bytes) for _, value in grown[len(headers) :])
    assert extract(mq.read_kafka(grown)) == context
    assert mq.carry_kafka(grown, context) == grown
    assert extract(mq.read_kafka(mq.carry_kafka(None, context))) == context


@given(CONTEXTS, PROPERTIES)
def test_amqp_carries_all_of_a_context(context: Context, table: dict[str, Any]) -> None:
    """In the headers table; the correlation ID in its property, too."""
    properties = {"headers": table, "priority": 3}
    before = copy.deepcopy(properties)
    grown = mq.carry_amqp(properties, context)
    assert properties == before
    assert table.items() <= grown["headers"].items()
    assert grown["correlation_id"] == context.correlation_id
    assert len(grown["correlation_id"]) <= mq.SHORT_STRING_MAX
    assert extract(mq.read_amqp(grown)) == context
    assert mq.carry_amqp(grown, context) == grown


def test_request_and_reply_over_amqp_are_left_as_they_are() -> None:
    """Replies are matched by correlation_id."""
    assert mq.carry_amqp({"correlation_id": "r1"}, WHOLE)["correlation_id"] == "r1"
    assert "correlation_id" not in mq.carry_amqp({"reply_to": "q"}, WHOLE)
    assert mq.read_amqp({"correlation_id": "r1"}) == {"x-correlation-id": "r1"}
    assert mq.read_amqp({"headers": None}) == {}
    both = {"headers": {"traceparent": f"00-{PLAIN.trace_id}-{PLAIN.span_id}-01"}, "correlation_id": "r1"}
    assert ids_of(mq.read_amqp(both)) == ids(PLAIN)


@given(CONTEXTS)
def test_a_correl_id_has_24_bytes(context: Context) -> None:
    """Trace and span, in the descriptor or as JMS writes it."""
    written = mq.carry_correl_id({"MsgType": 8, "CorrelId": bytes(24), "ReplyToQ": " " * 48}, context)
    assert written.reason == ""
    correl_id = written.document["CorrelId"]
    assert len(correl_id) == mq.CORREL_ID_LENGTH == 24
    assume(mq.read_correl_id(correl_id))  # IDs that happen to be text are not believed
    assert ids_of(mq.read_correl_id(correl_id))[:2] == ids(context)[:2]
    assert ids_of(mq.read_correl_id(mq.jms_correlation_id(context)))[:2] == ids(context)[:2]
    assert mq.carry_correl_id(written.document, context).reason == "present"


@pytest.mark.parametrize(
    ("mqmd", "reason"),
    [
        ({"CorrelId": b"x" * 24}, "present"),
        ({"CorrelId": b" " * 24}, "present"),
        ({"CorrelId": "order-7"}, "present"),
        ({"CorrelId": 7}, "present"),
        ({"CorrelId": None, "ReplyToQ": None}, ""),
        ({"MsgType": 1}, "request_reply"),
        ({"MsgType": 2}, "request_reply"),
        ({"ReplyToQ": "REPLIES"}, "request_reply"),
        ({"ReplyToQ": b"REPLIES\0\0"}, "request_reply"),
        ({"ReplyToQ": b"\0" * 48}, ""),
        ({}, ""),
    ],
)
def test_request_and_reply_over_mq_are_left_as_they_are(mqmd: dict[str, Any], reason: str) -> None:
    """The field is only taken where nobody waits for it."""
    written = mq.carry_correl_id(mqmd, PLAIN)
    assert written.reason == reason
    assert (written.document == mqmd) == bool(reason)


@pytest.mark.parametrize(
    "value",
    [
        b"AMQ QM1             \x01\x02\x03\x04",
        "\u0041MQ QM1".encode("cp037").ljust(24, b"\1"),
        b"ORDER-12345".ljust(24),
        b"ORDER-12345".ljust(24, b"\0"),
        "ORDER-12345".ljust(24).encode("cp037"),
        bytes(24),
        b"short",
        "ID:" + "g" * 48,
        "order-7",
    ],
)
def test_a_correl_id_of_somebody_else_is_not_taken_for_ours(value: bytes | str) -> None:
    """Made by a queue manager, or text."""
    assert mq.read_correl_id(value) == {}


@given(
    CONTEXTS,
    st.sampled_from(["", "<usr></usr>", "<usr><claim dt='i4'>7</claim></usr>  ", "<usr><a>&lt;</a></usr>"]),
)
def test_an_rfh2_folder_carries_all_of_a_context(context: Context, folder: str) -> None:
    """Padded to a multiple of four bytes; a real parser reads the same; twice is once."""
    grown = mq.carry_rfh2(folder, context)
    assert grown.reason == ""
    assert len(grown.document.encode()) % mq.RFH2_MULTIPLE == 0
    assert grown.document.startswith(folder.rstrip()[: -len("</usr>")])
    assert extract(mq.read_rfh2(grown.document)) == context
    assert extract(mq.read_rfh2(grown.document.encode())) == context
    members = {child.tag: child.text for child in ElementTree.fromstring(grown.document)}
    assert members["x_correlation_id"] == context.correlation_id
    assert mq.carry_rfh2(grown.document, context) == (grown.document, "present")


def test_a_folder_may_be_padded_with_nuls() -> None:
    """As some programs fill the rest."""
    grown = mq.carry_rfh2("<usr></usr>\0", WHOLE)
    assert extract(mq.read_rfh2(grown.document)) == WHOLE


def test_only_the_usr_folder_is_taken() -> None:
    """jms and mcd are the client library's."""
    assert mq.carry_rfh2("<jms><Dst>q</Dst></jms> ", PLAIN) == ("<jms><Dst>q</Dst></jms> ", "not_usr")
    assert mq.read_rfh2("<jms><traceparent>x</traceparent></jms>") == {}


@given(st.lists(st.tuples(JUNK, JUNK)), st.text(), st.one_of(st.text(), st.binary()))
def test_reading_never_raises(pairs: list[tuple[Any, Any]], folder: str, value: str | bytes) -> None:
    """Names and values of any type."""
    mq.read_kafka(pairs)
    mq.read_stomp(pairs)
    mq.read_rfh2("<usr>" + folder)
    mq.read_correl_id(value)
    hashable = {str(name): found for name, found in pairs}
    mq.read_jms(hashable)
    mq.read_amqp({"headers": hashable, "correlation_id": folder})
    extract(mq.read_amqp({"headers": pairs}))
