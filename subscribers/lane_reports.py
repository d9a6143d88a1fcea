"""REPORT lines, from text to members of documents."""

from __future__ import annotations

import re

import msgspec

from observe import ids
from subscribers.lane_text import Unusual, quoted
from subscribers.parsers import platform

REPORTS = "REPORT RequestId: "
_DURATION = "\tDuration: "
_SIZE = len(REPORTS) + 36 + len(_DURATION)
#: What follows in their order, what their values are called, and the one that need not be there.
_PARTS = (
    ("Billed Duration: ", " ms", "billed_duration"),
    ("Memory Size: ", " MB", "memory_size"),
    ("Max Memory Used: ", " MB", "memory_used"),
)
_INIT = ("Init Duration: ", " ms", "init_duration")
#: Where it is sampled; elsewhere no trace is.
_XRAY = re.compile(
    r"XRAY TraceId: (1-[0-9a-f]{8}-[0-9a-f]{24})\tSegmentId: ([0-9a-f]{16})\tSampled: true[\t\n]*+"
).fullmatch
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,9})?", re.ASCII).fullmatch
#: A number that JSON writes alike.
DECIMAL = re.compile(r"(?:0|[1-9]\d{0,14})\.\d{1,15}", re.ASCII).fullmatch
_ENDINGS = "\r\n"


class Report(msgspec.Struct, frozen=True, gc=False):
    """What a REPORT says behind its first value. written: that as it stands in JSON; members: its values.

    xray: trace and span ID, "" where it names none.
    """

    written: str
    members: str
    is_cold: bool
    xray: tuple[str, str] = ("", "")


class Reports:
    """Those of one page. What follows the duration is often the same."""

    def __init__(self) -> None:
        self._known: dict[str, Report] = {}

    def read(self, message: str, request_id: str) -> tuple[str, Report]:
        """(its duration in milliseconds, what else it says)."""
        if message[:_SIZE] != f"{REPORTS}{request_id}{_DURATION}":
            raise Unusual
        duration, _, rest = message[_SIZE:].partition(" ms\t")
        if _NUMBER(duration) is None:
            raise Unusual
        return duration, self._known.get(rest) or self._reported(rest)

    def _reported(self, text: str) -> Report:
        """What a REPORT says behind its duration."""
        usual, is_traced, traced = text.partition("\nXRAY ")
        xray = ("", "")
        if is_traced:
            xray = _traced(f"XRAY {traced}")
        parts = usual.rstrip(_ENDINGS).split("\t")
        is_cold = len(parts) > 3 and parts[3].startswith(_INIT[0])
        forms = (*_PARTS, _INIT) if is_cold else _PARTS
        if len(parts) < len(forms) or any(parts[len(forms) :]):
            raise Unusual
        members = "".join(_value(part, form) for part, form in zip(parts, forms, strict=False))
        report = Report(quoted(text.rstrip(_ENDINGS))[1:-1], members, is_cold, xray)
        if not is_traced:  # those are seen once
            self._known[text] = report
        return report


def _value(part: str, form: tuple[str, str, str]) -> str:
    """`Duration: 9.14 ms` as a member. form: (what is before the number, its unit, what it is called)."""
    before, unit, word = form
    if not part.startswith(before) or not part.endswith(unit):
        raise Unusual
    number = part[len(before) : -len(unit)]
    if _NUMBER(number) is None:
        raise Unusual
    return f',"{platform.PREFIX}{word}":{number if DECIMAL(number) else repr(float(number))}'


def _traced(text: str) -> tuple[str, str]:
    """The trace and the span that X-Ray names, which samples them."""
    found = _XRAY(text)
    trace_id = ids.root_of(f"Root={found[1]}") if found is not None else ""
    if found is None or not trace_id or not ids.is_span_id(found[2]):
        raise Unusual
    return trace_id, found[2]
