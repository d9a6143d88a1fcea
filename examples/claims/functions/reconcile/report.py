"""The nightly report: records of 40 columns, a header, one detail a claim, a trailer that sums them up."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

HEADER = re.compile(r"HCLAIMS {4}(?P<written_at>[0-9]{14}) {15}")
DETAIL = re.compile(r"D(?P<claim>[A-Za-z0-9 -]{12})(?P<cents>[0-9]{9})[A-Z]{2}[0-9]{8} {8}")
TRAILER = re.compile(r"T(?P<count>[0-9]{9})(?P<cents>[0-9]{15}) {15}")


class Report(NamedTuple):
    """written_at: UTC. claims: number to amount in cents."""

    written_at: datetime
    claims: dict[str, int]


def parse(raw):
    """bytes -> Report. Raises ValueError, which says what is wrong with the report."""
    lines = _lines(raw)
    header = _match(HEADER, lines, 1, "header")
    trailer = _match(TRAILER, lines, len(lines), "trailer")
    details = [_match(DETAIL, lines, number, "detail") for number in range(2, len(lines))]
    claims = {detail["claim"].rstrip(): int(detail["cents"]) for detail in details}
    if len(claims) < len(details):
        raise ValueError("the report has a claim twice")
    _agree("claims", int(trailer["count"]), len(claims))
    _agree("cents", int(trailer["cents"]), sum(claims.values()))
    written_at = datetime.strptime(header["written_at"], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    return Report(written_at, claims)


def _lines(raw):
    try:
        *lines, rest = raw.decode("ascii").split("\r\n")
    except UnicodeDecodeError as error:
        raise ValueError(f"the report is not US-ASCII: byte {error.start + 1}") from None
    if rest or len(lines) < 2:
        raise ValueError("the report is cut off: no header and trailer, or a last line without CRLF")
    return lines


def _match(record, lines, number, kind):
    match = record.fullmatch(lines[number - 1])
    if match is None:
        raise ValueError(f"line {number} of the report is no {kind}: {lines[number - 1][:60]!r}")
    return match


def _agree(what, said, found):
    if said != found:
        raise ValueError(f"the trailer says {said} {what}, but the report has {found}")
