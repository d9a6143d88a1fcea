"""Syslog lines."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context
from observe.legacy import CarrierError, syslog
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WILD, ids, ids_of

HEAD = "<165>1 2003-10-11T22:14:15.003Z host.example evntslog - ID47 "
SAMPLES = (
    HEAD + "- An application event",
    HEAD + "-",
    HEAD + '[exampleSDID@32473 iut="3" eventSource="App \\"x\\] \\\\" eventID="1011"] \ufeffAn event\n',
    HEAD + '[a@1 x="1"][b@2 y=""]',
    HEAD + "[empty@1] message [opentelemetry",
)


@pytest.mark.parametrize("line", SAMPLES)
@given(context=CONTEXTS)
def test_an_rfc_5424_line_carries_the_ids(line: str, context: Context) -> None:
    """Everything around our element is byte for byte what it was; twice is once; bytes as text."""
    grown = syslog.carry(line, context)
    assert grown.reason == ""
    element = syslog.element(context)
    assert element in grown.document
    assert grown.document.replace(element, "") in (
        line,
        line.replace(" - ", "  ", 2),
        line.replace("ID47 -", "ID47 "),
    )
    assert ids_of(syslog.read(grown.document)) == ids(context)
    assert syslog.carry(grown.document, context) == (grown.document, "present")
    as_bytes = syslog.carry(line.encode(), context)
    assert as_bytes.document == grown.document.encode()
    assert syslog.read(as_bytes.document) == syslog.read(grown.document)


def test_the_element_is_the_one_of_opentelemetry() -> None:
    """SD-ID and the first three parameters are OpenTelemetry's."""
    assert syslog.element(PLAIN) == (
        '[opentelemetry trace_id="4bf92f3577b34da6a3ce929d0e0e4736" span_id="00f067aa0ba902b7" '
        'trace_flags="01" correlation_id="4bf92f3577b34da6a3ce929d0e0e4736"]'
    )


@given(st.text(max_size=30))
def test_values_are_escaped_and_unescaped(value: str) -> None:
    """A quotation mark, a backslash and a bracket."""
    escaped = syslog.escape(value)
    assert syslog.unescape(escaped) == value
    line = f'{HEAD}[opentelemetry correlation_id="{escaped}"] m'
    assert syslog.read(line).get("x-correlation-id", "") == value


@given(st.one_of(st.text(max_size=300), st.binary(max_size=300)), st.one_of(CONTEXTS, WILD))
def test_any_line_is_carried_within_limits_or_left_alone(line: str | bytes, context: Context) -> None:
    """480 octets is what every receiver takes; reading never raises."""
    for grown, limit in (
        (syslog.carry(line, context, 480), 480),
        (syslog.carry_rfc3164(line, context), 1024),
    ):
        size = len(
            grown.document if isinstance(grown.document, bytes) else grown.document.encode("utf-8", "replace")
        )
        assert grown.reason or size <= limit
        assert not grown.reason or grown.document is line
    syslog.read(line)


@pytest.mark.parametrize(
    "line", ["<34>Oct 11 22:14:15 mymachine su: 'su root' failed", "<34>x\r\n", "no=pri\n"]
)
@given(context=CONTEXTS)
def test_an_rfc_3164_line_has_a_suffix(line: str, context: Context) -> None:
    """key=value pairs before the line break; twice is once."""
    grown = syslog.carry_rfc3164(line, context)
    body = line.rstrip("\r\n")
    assert grown.reason == ""
    assert grown.document.startswith(body + " trace_id=")
    assert grown.document.endswith(line[len(body) :])
    assert ids_of(syslog.read(grown.document)) == ids(context)
    assert syslog.carry_rfc3164(grown.document, context).reason == "present"


def test_what_a_line_must_not_have_is_said() -> None:
    """Each reason."""
    assert syslog.carry("<34>Oct 11 22:14:15 host su: x", PLAIN).reason == "not_syslog"
    assert syslog.carry(SAMPLES[0] + "x" * 2000, PLAIN).reason == "no_room"
    assert syslog.carry_rfc3164(SAMPLES[0], PLAIN).reason == "rfc5424"
    assert syslog.carry_rfc3164("a\nb", PLAIN).reason == "lines"
    assert syslog.carry_rfc3164("a" * 1000, PLAIN).reason == "no_room"
    with pytest.raises(CarrierError):
        syslog.carry(SAMPLES[0], PLAIN, 0)


@pytest.mark.parametrize("filler", ["y", "\\\\", '\\"'])
def test_a_long_value_costs_no_more_memory_than_itself(filler: str) -> None:
    """Megabytes in one parameter; ours is behind it."""
    value = filler * (1_000_000 // len(filler))
    line = f'{HEAD}[a@1 x="{value}"] m'
    tracemalloc.start()
    try:
        grown = syslog.carry(line, PLAIN, limit=1 << 24).document
        assert ids_of(syslog.read(grown)) == ids(PLAIN)
        assert tracemalloc.get_traced_memory()[1] < 10 * len(line)
    finally:
        tracemalloc.stop()


def test_a_foreign_element_is_read() -> None:
    """Upper case, no span, flags that are none."""
    line = HEAD + '[opentelemetry trace_id="4BF92F3577B34DA6A3CE929D0E0E4736"] m'
    assert ids_of(syslog.read(line)) == (PLAIN.trace_id, "", PLAIN.trace_id)
    line = f'{HEAD}[opentelemetry trace_id="{PLAIN.trace_id}" span_id="{PLAIN.span_id}" trace_flags="zz"]'
    assert ids_of(syslog.read(line)) == ids(PLAIN)
