"""Compact forms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context
from observe.legacy import CarrierError, compact
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WHOLE, WILD, ids, ids_of

FORMS = ((184, 184), (55, 55), (54, 48), (48, 48), (47, 32), (32, 32), (31, 26), (26, 26))


@given(CONTEXTS)
def test_every_form_gives_back_what_it_can_hold(context: Context) -> None:
    """24 bytes hold trace and span; 26 characters the trace."""
    assert len(compact.to_bytes(context)) == compact.BYTES_LENGTH
    for read, form in (
        (compact.read_bytes, compact.to_bytes(context)),
        (compact.read, compact.to_hex(context)),
        (compact.read, compact.to_hex(context).upper()),
        (compact.read_base64url, compact.to_base64url(context)),
    ):
        assert ids_of(read(form))[:2] == (context.trace_id, context.span_id)
    crockford = compact.to_crockford(context.trace_id)
    assert len(crockford) == 26
    assert not crockford.strip(compact.CROCKFORD)
    assert compact.from_crockford(crockford.lower()) == context.trace_id
    assert ids_of(compact.read(crockford))[0] == context.trace_id


def test_the_alphabet_is_the_one_of_crockford() -> None:
    """A known value, and the characters people mistake for others."""
    assert compact.to_crockford("0" * 30 + "20") == "0" * 24 + "10"
    assert compact.to_crockford("f" * 32) == "7" + "Z" * 25
    ones = compact.to_crockford("08421084210842108421084210842108")
    assert compact.from_crockford(ones.replace("1", "I")) == compact.from_crockford(ones.replace("1", "l"))
    assert compact.from_crockford("oO" + "0" * 23 + "1") == "0" * 31 + "1"
    assert compact.from_crockford("8" + "0" * 25) == ""  # over 128 bits


def test_crockford_survives_ebcdic() -> None:
    """Upper-case letters and digits are the same in every EBCDIC code page."""
    form = compact.to_crockford(WHOLE.trace_id)
    pages = [form.encode(page) for page in ("cp037", "cp500", "cp273", "cp1026", "cp1140")]
    assert len(set(pages)) == 1


@pytest.mark.parametrize(("limit", "length"), FORMS)
def test_the_longest_form_that_fits_is_taken(limit: int, length: int) -> None:
    """traceparent and correlation ID, traceparent, 48, 32 and 26 characters."""
    context = Context(WHOLE.trace_id, WHOLE.span_id, correlation_id="c" * 128)
    text = compact.text(context, limit)
    assert text is not None
    assert len(text) == length
    assert compact.text(context, 25) is None
    assert compact.reference(context, 25) is None


@given(CONTEXTS, st.integers(0, 300))
def test_no_text_passes_its_limit_and_each_is_read_back(context: Context, limit: int) -> None:
    """The law of the form for a length."""
    text = compact.text(context, limit)
    if text is None:
        assert limit < 26
        return
    assert len(text) <= limit
    trace_id, span_id, correlation_id = ids_of(compact.read(text))
    assert trace_id == context.trace_id
    if limit >= 48:
        assert span_id == context.span_id
    if limit >= 184:
        assert correlation_id == context.correlation_id
    assert compact.read(text.encode("cp037").decode("cp037").ljust(limit)) == compact.read(text)


@given(WILD, st.integers(0, 300))
def test_a_form_is_printable_ascii_whatever_the_context(context: Context, limit: int) -> None:
    """What a program puts into a Context by hand cannot break out of a carrier."""
    text = compact.text(context, limit) or ""
    assert text.isascii()
    assert len(text) <= limit
    assert not set(text) & set(" '\"\\<>&\n\r\t\0%*")


@given(st.one_of(st.text(max_size=200), st.binary(max_size=200)))
def test_reading_never_raises(value: str | bytes) -> None:
    """Foreign data is {} or has a shape of ours."""
    assert set(compact.read(value)) <= {"traceparent", "x-correlation-id"}
    compact.read_base64url(value if isinstance(value, str) else value.decode("latin-1"))


@pytest.mark.parametrize("value", ["IS140159260076545510730339", "A" * 26, "8" * 26, "0" * 32, "", "x" * 48])
def test_what_is_not_ours_is_not_taken_for_it(value: str) -> None:
    """An IBAN of 26 characters begins with a letter, as no form of ours does."""
    assert compact.form_of(value) == ""
    assert compact.read(value) == {}


def test_a_traceparent_in_capitals_is_read_without_its_correlation_id() -> None:
    """What is left of that is another one."""
    form = compact.text(WHOLE, 200)
    assert form is not None
    assert ids_of(compact.read(form.upper()))[:2] == ids(WHOLE)[:2]
    assert "x-correlation-id" not in compact.read(form.upper())


def test_a_wrong_trace_id_is_a_wrong_argument() -> None:
    """Zero is no trace ID, either."""
    with pytest.raises(CarrierError):
        compact.to_crockford("0" * 32)


def test_forms_are_named() -> None:
    """The check says which form it was."""
    assert compact.form_of(compact.to_hex(PLAIN)) == "hex"
    assert compact.form_of(PLAIN.trace_id) == "trace_id"
    assert compact.form_of(compact.to_crockford(PLAIN.trace_id)) == "crockford"
    assert ids(PLAIN)[:2] == ids_of(compact.read(compact.to_bytes(PLAIN)))[:2]
