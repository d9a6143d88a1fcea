"""EDI: the common access reference of EDIFACT, a trace or reference segment of X12.

Carried is the trace ID as 26 upper-case letters and digits: in every character set of both standards, with no
character that would need EDIFACT's release character or clash with a separator of X12. Every segment
that is not ours stays byte for byte what it was, and whole interchanges that are signed or encrypted do.
Batches: one context for each message. Control numbers (UNB 0020, ISA13, GS06) are the partners' own, for
acknowledgements: nothing is carried in them.
"""

from __future__ import annotations

import re

from observe.legacy import compact
from observe.legacy.carrier import CarrierError, Written, as_text, is_document, like

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from observe.context import Context
    from observe.legacy.carrier import Text

#: 0068 is "an..35" in UNH of syntax versions 3 and 4:
#: https://service.gefeg.com/jwg1/Current/se/se21.htm, https://dacyb.org/edi/edifact/30000/UNH_.html
EDIFACT_REFERENCE_MAX = 35
#: Data element 127, in TRN02 and REF02, is "AN 1/30" in release 004010. What later releases allow beyond
#: that is not used.
#: http://www.eedi.net/835004010X091A1/5_835004010X091A1.htm
#: http://www.eedi.net/837004010X096A1/5_837004010X096A1.htm
X12_REFERENCE_MAX = 30
#: What we add is `TRN*1*<26>` or `REF*ZZ*<26>`: TRN01 is element 481 (1/2), REF01 element 128 (2/3).
X12_QUALIFIERS = {"TRN": "1", "REF": "ZZ"}
_QUALIFIERS = {"TRN": re.compile(r"[A-Z0-9]{1,2}"), "REF": re.compile(r"[A-Z0-9]{2,3}")}
#: A security header of ISO 9735-5: what it signs may begin at UNH, and AUTACK, which has one, signs other
#: messages. https://service.gefeg.com/jwg1/Current/se/se29.htm
_EDIFACT_SECURED = "USH"
#: X12.58: the digest is of every byte behind ST. https://stedi.com/edi/x12-004030/segment/S4A
_X12_SECURED = frozenset(("S1S", "S2S", "S3S", "S4S", "S1A", "S2A", "S3A", "S4A", "SVA"))

_ISA_LENGTH = 106
_TAG = re.compile(r"[A-Z][A-Z0-9]{1,2}")


# --- EDIFACT --------------------------------------------------------------------------------------


def carry_edifact(interchange: Text, context: Context | None) -> Written[Text]:
    """Set 0068 in the UNH of every message that has none; the number of segments (UNT) stays right.

    interchange: with or without UNA, str or bytes (any character set that has ASCII in its place). Reasons:
    `not_edifact`, `present` (every message has a common access reference), `signed`, `digits`.
    """
    text = as_text(interchange)
    if context is None:
        return Written(interchange, "no_context")
    reference = compact.reference(context, EDIFACT_REFERENCE_MAX) or ""
    if reference.isdigit():
        return Written(interchange, "digits")
    syntax = _edifact(text)
    if syntax is None:
        return Written(interchange, "not_edifact")
    pieces: list[str] = []
    done, found = 0, False
    for start, end in _segments(text, syntax):
        if text.startswith(_EDIFACT_SECURED + syntax.element, start):
            return Written(interchange, "signed")
        if text.startswith("UNH" + syntax.element, start):
            found = True
            place = _reference_at(text, start, end, syntax)
            if place is not None:
                missing, at = place
                pieces += [text[done:at], syntax.element * missing, reference]
                done = at
    if not found:
        return Written(interchange, "not_edifact")
    if not pieces:
        return Written(interchange, "present")
    return Written(like(interchange, "".join([*pieces, text[done:]])))


def edifact_messages(interchange: str | bytes) -> list[dict[str, str]]:
    """Return the headers of each message of an interchange, in order; {} where 0068 is not ours."""
    text = as_text(interchange) if is_document(interchange) else ""
    syntax = _edifact(text)
    if syntax is None:
        return []
    found = []
    for start, end in _segments(text, syntax):
        if text.startswith("UNH" + syntax.element, start):
            elements = _split(text, start, end, syntax)
            found.append(_ours(text[slice(*elements[3])]) if len(elements) > 3 else {})
    return found


def read_edifact(interchange: str | bytes) -> dict[str, str]:
    """Return the headers of the first message that carries any, or {}."""
    return next((headers for headers in edifact_messages(interchange) if headers), {})


class _Syntax:
    __slots__ = ("element", "release", "start", "terminator")

    def __init__(self, element: str, release: str, terminator: str, start: int) -> None:
        self.element, self.release, self.terminator, self.start = element, release, terminator, start


def _edifact(text: str) -> _Syntax | None:
    """The service characters: of UNA, or `+`, `?` and `'`. A blank release character is none."""
    start = len(text) - len(text.lstrip())
    if text.startswith("UNA", start) and len(text) >= start + 9:
        component, element, release = text[start + 3], text[start + 4], text[start + 6]
        terminator = text[start + 8]
        if len({component, element, release, terminator}) == 4 and not _letters(element + terminator):
            return _Syntax(element, "" if release == " " else release, terminator, start + 9)
        return None
    return _Syntax("+", "?", "'", start) if text.startswith(("UNB+", "UNH+", "UNG+"), start) else None


def _segments(text: str, syntax: _Syntax) -> Iterator[tuple[int, int]]:
    """Where each segment begins and ends, without blanks before and terminator behind."""
    start = at = syntax.start
    while (end := _find(text, syntax.terminator, at, len(text), syntax)) >= 0:
        while start < end and text[start] in " \t\r\n":
            start += 1
        yield start, end
        start = at = end + 1


def _find(text: str, character: str, at: int, end: int, syntax: _Syntax) -> int:
    """The next `character` that is not released, or -1."""
    while (found := text.find(character, at, end)) >= 0:
        releases, before = 0, found - 1
        while syntax.release and before >= at and text[before] == syntax.release:
            releases, before = releases + 1, before - 1
        if releases % 2 == 0:
            return found
        at = found + 1
    return -1


def _split(text: str, start: int, end: int, syntax: _Syntax) -> list[tuple[int, int]]:
    elements = []
    while (found := _find(text, syntax.element, start, end, syntax)) >= 0:
        elements.append((start, found))
        start = found + 1
    return [*elements, (start, end)]


def _reference_at(text: str, start: int, end: int, syntax: _Syntax) -> tuple[int, int] | None:
    """(separators to add, where 0068 belongs), or None if there is one or the UNH is not whole."""
    elements = _split(text, start, end, syntax)
    if len(elements) < 3:
        return None
    if len(elements) == 3:
        return 1, end
    at, until = elements[3]
    return (0, at) if at == until else None


# --- X12 ------------------------------------------------------------------------------------------


def carry_x12(
    interchange: Text, context: Context | None, *, after: str, segment: str = "TRN", qualifier: str = ""
) -> Written[Text]:
    """Add a TRN or REF segment to every transaction set, behind its first `after` segment; SE01 counts it.

    after: the tag of the segment it may follow, as the partner's guide says (`BHT`, `BGN`, `ST`, ...).
    segment: `TRN` or `REF`; qualifier: TRN01 or REF01, `1` and `ZZ` unless agreed otherwise. Reasons:
    `not_x12`, `present`, `signed`, `digits`, `no_place` (no transaction set has an `after` segment and a
    valid SE). Raises CarrierError("segment" | "qualifier" | "after").
    """
    qualifier = qualifier or X12_QUALIFIERS.get(segment, "")
    if segment not in X12_QUALIFIERS:
        raise CarrierError("segment", f"TRN or REF, not {segment!r}")
    if not _QUALIFIERS[segment].fullmatch(qualifier):
        raise CarrierError(
            "qualifier", f"1 or 2 letters or digits in TRN01, 2 or 3 in REF01: not {qualifier!r}"
        )
    if not _TAG.fullmatch(after):
        raise CarrierError("after", f"the tag of a segment, not {after!r}")
    text = as_text(interchange)
    if context is None:
        return Written(interchange, "no_context")
    reference = compact.reference(context, X12_REFERENCE_MAX) or ""
    if reference.isdigit():
        return Written(interchange, "digits")
    parts = _x12(text)
    if parts is None:
        return Written(interchange, "not_x12")
    element, segments, terminator = parts
    if any(_tag(one, element) in _X12_SECURED for one in segments):
        return Written(interchange, "signed")
    grown, reason = _with_segment(segments, element, after, element.join((segment, qualifier, reference)))
    return Written(like(interchange, terminator.join(grown))) if not reason else Written(interchange, reason)


def x12_transactions(interchange: str | bytes) -> list[dict[str, str]]:
    """Return the headers of each transaction set of an interchange, in order; {} where none is ours."""
    parts = _x12(as_text(interchange)) if is_document(interchange) else None
    if parts is None:
        return []
    element, segments, _ = parts
    return [
        _in_transaction(segments[first : last + 1], element)
        for first, last in _transactions(segments, element)
    ]


def read_x12(interchange: str | bytes) -> dict[str, str]:
    """Return the headers of the first transaction set that carries any in TRN02 or REF02, or {}."""
    return next((headers for headers in x12_transactions(interchange) if headers), {})


def _x12(text: str) -> tuple[str, list[str], str] | None:
    """(element separator, segments, terminator), from the ISA segment, which has a fixed length."""
    if not text.startswith("ISA") or len(text) < _ISA_LENGTH:
        return None
    element, terminator = text[3], text[_ISA_LENGTH - 1]
    if element == terminator or _letters(element + terminator) or text[:_ISA_LENGTH].count(element) != 16:
        return None
    return element, text.split(terminator), terminator


def _transactions(segments: list[str], element: str) -> Iterator[tuple[int, int]]:
    """The index of each ST and of its SE."""
    first = -1
    for index, segment in enumerate(segments):
        tag = _tag(segment, element)
        if tag == "ST":
            first = index
        elif tag == "SE" and first >= 0:
            yield first, index
            first = -1


def _tag(segment: str, element: str) -> str:
    return segment.lstrip().partition(element)[0]


def _in_transaction(segments: list[str], element: str) -> dict[str, str]:
    for segment in segments:
        elements = segment.strip().split(element)
        if elements[0] in X12_QUALIFIERS and len(elements) > 2 and (headers := _ours(elements[2])):
            return headers
    return {}


def _with_segment(segments: list[str], element: str, after: str, own: str) -> tuple[list[str], str]:
    """(segments with ours, reason)."""
    grown: list[str] = []
    done, reason = 0, "no_place"
    for first, last in _transactions(segments, element):
        body = segments[first : last + 1]
        if _in_transaction(body, element):
            reason = "present" if reason == "no_place" else reason
            continue
        place = next((i for i, s in enumerate(body[:-1]) if _tag(s, element) == after), None)
        counted = body[-1].split(element)
        if place is None or len(counted) < 3 or counted[1] != str(len(body)).zfill(len(counted[1])):
            continue
        blank = body[place][: len(body[place]) - len(body[place].lstrip())]
        counted[1] = str(len(body) + 1).zfill(len(counted[1]))
        grown += segments[done:first] + body[: place + 1] + [blank + own] + body[place + 1 : -1]
        grown.append(element.join(counted))
        done, reason = last + 1, ""
    return grown + segments[done:], reason


def _letters(separators: str) -> bool:
    return any(character.isalnum() for character in separators)


def _ours(value: str) -> dict[str, str]:
    """The headers of our reference; a partner's own (a number, an IBAN) is not taken for one.

    Digits alone are a number: a Polish account has 26. One of our references in 10^13 is such, and not
    written.
    """
    value = value.strip(" ")
    return compact.read(value) if compact.form_of(value) == "crockford" and not value.isdigit() else {}
