"""What holds for every carrier: any input is read, a wrong one is not written, both directions have names."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import observe.legacy
from observe.context import Context, capture, extract
from observe.legacy import (
    CarrierError,
    Written,
    archives,
    compact,
    edi,
    environment,
    files,
    mq,
    records,
    soap,
    sql,
    sqlcomment,
    syslog,
)
from tests.observe.legacy.contexts import WHOLE

MODULES = [name for name in observe.legacy.__all__ if name[0].islower()]


def functions(prefix: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Public functions of all modules whose name begins like this."""
    for module in MODULES:
        found = getattr(observe.legacy, module)
        for name, function in inspect.getmembers(found, inspect.isfunction):
            if name.startswith(prefix) and function.__module__ == found.__name__:
                yield f"{module}.{name}", function


READERS = dict(functions("read"))
WRITERS = dict(functions("carry"))
#: Arguments beside the first that a function cannot do without.
MORE: dict[str, dict[str, Any]] = {
    "records.read_field": {"offset": 3},
    "records.carry_field": {"offset": 3, "width": 26},
    "edi.carry_x12": {"after": "ST"},
}
#: A document of the right type.
SAMPLES: dict[str, Any] = {
    "mq": {},
    "mq.carry_rfh2": "",
    "archives": b"",
    "records": b"",
    "environment": {"A": "1"},
    "environment.carry_parm": "",
}
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(), inner, max_size=3)
        | st.tuples(inner, inner)
        | st.lists(st.tuples(inner, inner), max_size=2)
    ),
)


@pytest.mark.parametrize("name", READERS)
@given(st.one_of(ANYTHING, st.sampled_from([object(), len, 10**15, bytearray(b"x"), memoryview(b"{}")])))
def test_reading_never_raises_whatever_it_is_given(name: str, value: Any) -> None:
    """Headers of text come back, which can be captured."""
    found = READERS[name](value, **MORE.get(name, {}))
    assert all(isinstance(key, str) and isinstance(text, str) for key, text in found.items())
    capture(found)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("value", [7, object(), 10**15, [1], 1.5])
def test_a_document_of_another_type_is_a_wrong_argument(name: str, value: Any) -> None:
    """A clear sentence, not an AttributeError from inside."""
    with pytest.raises(CarrierError) as caught:
        WRITERS[name](value, WHOLE, **MORE.get(name, {}))
    assert caught.value.reason == "document"


@pytest.mark.parametrize("name", WRITERS)
def test_without_a_context_nothing_is_carried(name: str) -> None:
    """`observe.current()` has none outside a request: that must not break whoever asks."""
    document = SAMPLES.get(name, SAMPLES.get(name.partition(".")[0], ""))
    grown = WRITERS[name](document, None, **MORE.get(name, {}))
    assert grown == (document, "no_context") if isinstance(grown, Written) else list(grown) == list(document)


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("wrong", "reason"), [("00-a-b-01", "context"), (Context("x"), "trace_id")])
def test_what_is_no_context_is_a_wrong_argument(name: str, wrong: Any, reason: str) -> None:
    """Whatever the document is: not only where it would have been carried."""
    document = SAMPLES.get(name, SAMPLES.get(name.partition(".")[0], ""))
    with pytest.raises(CarrierError) as caught:
        WRITERS[name](document, wrong, **MORE.get(name, {}))
    assert caught.value.reason == reason


def test_each_direction_is_called_alike() -> None:
    """`carry_x` is read by `read_x`, or by the `read` of a module that needs no more."""
    for name in WRITERS:
        module, _, function = name.partition(".")
        assert f"{module}.{function.replace('carry', 'read', 1)}" in READERS or f"{module}.read" in READERS
    for name, function in {**READERS, **WRITERS}.items():
        assert function.__doc__, name
    for name, function in WRITERS.items():
        assert list(inspect.signature(function).parameters)[1] == "context", name


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_bytes_of_other_types_are_bytes(kind: Callable[[bytes], Any]) -> None:
    """As buffers of the network are; what comes back is bytes or what was given."""
    envelope = f'<s:Envelope xmlns:s="{soap.SOAP_NAMESPACES[0]}"><s:Body/></s:Envelope>'.encode()
    line = b"<165>1 2003-10-11T22:14:15.003Z host.example evntslog - ID47 - m"
    for carry, read, document in (
        (soap.carry, soap.read, envelope),
        (syslog.carry, syslog.read, line),
        (edi.carry_edifact, edi.read_edifact, b"UNH+1+ORDERS:D:96A:UN'"),
        (records.carry_trailer, records.read_trailer, b"a\n"),
        (archives.carry_gzip, archives.read_gzip, archives.gzip_bytes(b"", WHOLE)),
    ):
        grown = carry(kind(document), WHOLE)  # type: ignore[type-var]
        written = grown.document if grown.reason else bytes(grown.document)
        assert extract(read(kind(bytes(written)))).trace_id == WHOLE.trace_id  # type: ignore[operator]


def test_the_modules_of_the_package_are_the_ones_that_are_imported() -> None:
    """A module without a line in the package's table fails here."""
    imported = {archives, compact, edi, environment, files, mq, records, soap, sql, sqlcomment, syslog}
    assert {getattr(observe.legacy, name) for name in MODULES} == imported
    for name in MODULES:
        assert f"| `{name}` |" in (observe.legacy.__doc__ or "")
