"""EDIFACT and X12."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.context import Context
from observe.legacy import CarrierError, compact, edi
from tests.observe.legacy.contexts import CONTEXTS, PLAIN, WILD, ids_of

UNB = "UNB+UNOA:3+SENDER+RECEIVER+240101:1200+REF1'"
PAYMENT = (
    f"{UNB}\r\nUNH+1+PAYMUL:D:96A:UN'\r\nBGM+452+A?'B??'\r\n"
    "FII+OR+DE89370400440532013000:CAF\u00c9 ?+ CO'\r\nUNT+4+1'\r\n"
    "UNH+2+PAYMUL:D:96A:UN++1:F'BGM+452+2'UNT+3+2'UNZ+2+REF1'"
)


#: Of our references those that are a number are not written: below.
LETTERED = CONTEXTS.filter(lambda context: not compact.to_crockford(context.trace_id).isdigit())


@given(LETTERED)
def test_every_message_of_edifact_gets_a_common_access_reference(context: Context) -> None:
    """Nothing else changes: no segment is added, so UNT is right; bytes as text; twice is once."""
    grown = edi.carry_edifact(PAYMENT, context)
    reference = compact.to_crockford(context.trace_id)
    assert len(reference) <= edi.EDIFACT_REFERENCE_MAX == 35
    assert f"UNH+1+PAYMUL:D:96A:UN+{reference}'" in grown.document
    assert f"UNH+2+PAYMUL:D:96A:UN+{reference}+1:F'" in grown.document
    assert grown.document.replace("+" + reference, "", 1).replace(reference, "") == PAYMENT
    assert [ids_of(headers)[0] for headers in edi.edifact_messages(grown.document)] == [context.trace_id] * 2
    assert ids_of(edi.read_edifact(grown.document))[0] == context.trace_id
    assert edi.carry_edifact(grown.document, context) == (grown.document, "present")
    as_bytes = edi.carry_edifact(PAYMENT.encode("latin-1"), context)
    assert as_bytes.document == grown.document.encode("latin-1")


def test_una_says_which_characters_separate() -> None:
    """Other separators, another release character, a message without an interchange."""
    text = (
        "UNA;|.! ~\nUNB|UNOB;4|A|B|240101;1200|1~UNH|a!|b!~c|ORDERS;D;96A;UN~BGM|x!~UNH|no~UNT|3|a~UNZ|1|1~"
    )
    reference = compact.to_crockford(PLAIN.trace_id)
    grown = edi.carry_edifact(text, PLAIN)
    assert grown.document == text.replace("D;96A;UN~", f"D;96A;UN|{reference}~")
    assert edi.carry_edifact("UNH+1+ORDERS:D:96A:UN'UNT+2+1'", PLAIN).reason == ""
    assert edi.carry_edifact("UNA:+.  'UNH+1?+ORDERS:D'", PLAIN).reason == ""  # no release character


def test_a_reference_of_the_partner_stays() -> None:
    """And is not taken for a trace: it names a business case."""
    text = "UNH+1+ORDERS:D:96A:UN+CASE?+7'UNT+2+1'"
    assert edi.carry_edifact(text, PLAIN) == (text, "present")
    assert edi.edifact_messages(text) == [{}]
    assert edi.read_edifact("UNH+1+ORDERS:D:96A:UN+IS140159260076545510730339'") == {}
    assert edi.carry_edifact(UNB, PLAIN).reason == "not_edifact"


ISA = (
    "ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       "
    "*240101*1200*^*00501*000000001*0*P*:~"
)


def x12(terminator: str = "~", count: str = "6") -> str:
    segments = [
        ISA[:-1],
        "GS*HC*S*R*20240101*1200*1*X*005010X222A1",
        "ST*837*0001",
        "BHT*0019*00*1*20240101*1200*CH",
        "NM1*41*2*CAF\u00c9:DE89370400440532013000",
        "REF*G1*IS140159260076545510730339",
        "TRN*1*12345*9876543210",
        f"SE*{count}*0001",
        "ST*837*0002",
        "NM1*41*2*X",
        "SE*3*0002",
        "GE*2*1",
        "IEA*1*000000001",
    ]
    return terminator.join(segments) + terminator


@pytest.mark.parametrize("terminator", ["~", "~\n", "~\r\n"])
@pytest.mark.parametrize("segment", ["TRN", "REF"])
@given(context=LETTERED)
def test_a_transaction_set_gets_a_segment_and_is_counted(
    terminator: str, segment: str, context: Context
) -> None:
    """Behind the segment the caller names; SE01 is one more; a set without it stays; twice is once."""
    text = x12(terminator)
    grown = edi.carry_x12(text, context, after="BHT", segment=segment)
    reference = compact.to_crockford(context.trace_id)
    assert len(reference) <= edi.X12_REFERENCE_MAX == 30
    own = f"{segment}*{edi.X12_QUALIFIERS[segment]}*{reference}{terminator}"
    assert f"*1200*CH{terminator}{own}NM1*41" in grown.document
    assert grown.document.replace(own, "").replace("SE*7*", "SE*6*") == text
    assert [bool(headers) for headers in edi.x12_transactions(grown.document)] == [True, False]
    assert ids_of(edi.read_x12(grown.document))[0] == context.trace_id
    assert edi.carry_x12(grown.document, context, after="BHT") == (grown.document, "present")
    as_bytes = edi.carry_x12(text.encode("latin-1"), context, after="BHT", segment=segment)
    assert as_bytes.document == grown.document.encode("latin-1")


def test_the_count_keeps_its_width() -> None:
    """0006 becomes 0007."""
    assert "SE*0007*0001~" in edi.carry_x12(x12(count="0006"), PLAIN, after="ST").document


def test_an_interchange_that_takes_no_segment_is_left_alone() -> None:
    """A count that is wrong already is not ours to mend."""
    assert edi.carry_x12(x12(count="9"), PLAIN, after="BHT").reason == "no_place"
    assert edi.carry_x12(x12(), PLAIN, after="BGN").reason == "no_place"
    assert edi.carry_x12(PAYMENT, PLAIN, after="BHT").reason == "not_x12"
    assert edi.read_x12(x12()) == {}  # an IBAN and a check number are not ours


@pytest.mark.parametrize(
    "wrong",
    [
        {"segment": "NM1"},
        {"qualifier": "1*2"},
        {"after": "B~"},
        {"after": ""},
        {"qualifier": "LONG"},
        {"qualifier": "ABC"},
        {"segment": "REF", "qualifier": "Z"},
    ],
)
def test_a_wrong_argument_is_said(wrong: dict[str, str]) -> None:
    """A segment, a qualifier or a tag."""
    with pytest.raises(CarrierError):
        edi.carry_x12(x12(), PLAIN, **{"after": "BHT", **wrong})


@given(
    st.sampled_from(["", "UNA", "UNA:+.? '", "UNB+", "UNH+1+", ISA, ISA + "ST*1*1~"]),
    st.one_of(st.text(max_size=80), st.text("UNHSTE+*~'?1 ", max_size=80)),
    WILD,
)
def test_nothing_raises_on_anything(start: str, rest: str, context: Context) -> None:
    """Interchanges cut off or mixed up are grown or left alone."""
    for grown in (edi.carry_edifact(start + rest, context), edi.carry_x12(start + rest, context, after="ST")):
        assert not grown.reason or grown.document == start + rest
    edi.edifact_messages(start + rest)
    edi.x12_transactions((start + rest).encode("utf-8", "replace"))


ACCOUNT = "61109010140000071219812874"  # a Polish one has 26 digits


def test_a_number_of_26_digits_is_a_partner_s_own() -> None:
    """An account is not taken for a trace, and we write nothing that could be taken for one."""
    assert edi.read_edifact(f"UNH+1+ORDERS:D:96A:UN+{ACCOUNT}'") == {}
    text = x12().replace("REF*G1*IS140159260076545510730339", f"REF*ZZ*{ACCOUNT}")
    assert edi.read_x12(text) == {}
    assert edi.carry_x12(text, PLAIN, after="BHT").reason == ""
    number = Context(f"{1:032x}")
    assert edi.carry_edifact(PAYMENT, number) == (PAYMENT, "digits")
    assert edi.carry_x12(x12(), number, after="BHT") == (x12(), "digits")


@pytest.mark.parametrize("where", ["first", "in another message"])
def test_a_signed_interchange_of_edifact_is_left_alone(where: str) -> None:
    """A security header's scope may begin at UNH; an AUTACK signs the other messages."""
    signed = "UNH+2+AUTACK:4:1:UN'USH+1+1'USA+1'UST+1+3'UNT+4+2'"
    text = (
        f"{signed}{PAYMENT[len(UNB) + 2 :]}"
        if where == "first"
        else PAYMENT.replace("UNZ+2", f"{signed}UNZ+3")
    )
    assert edi.carry_edifact(text, PLAIN) == (text, "signed")


@pytest.mark.parametrize("segment", ["S4S*AA*1", "S4A*004010*ASG", "S3S*AA", "SVA*ASB*X"])
def test_a_signed_interchange_of_x12_is_left_alone(segment: str) -> None:
    """The digest is of all that follows ST."""
    text = x12(count="7").replace("BHT*", f"{segment}~BHT*")
    assert edi.carry_x12(text, PLAIN, after="BHT") == (text, "signed")


def test_separators_that_are_the_same_are_none() -> None:
    """Of UNA four must differ."""
    assert edi.carry_edifact("UNA++.? 'UNH+1+ORDERS:D:96A:UN'", PLAIN).reason == "not_edifact"
