"""The line that wakes somebody: how urgent, which rule, where, on which side, and what is so."""

from __future__ import annotations

from collections.abc import Mapping

from subscribers.alerts.model import Finding
from subscribers.alerts.notice import Action, Notice
from subscribers.alerts.texts import line
from subscribers.config import Endpoint

TITLE_MAX, SAID_MAX = 250, 1_000
#: Before what was so: the words of a breach would be read as if it went on.
OVER = "no longer so; it was: "


def title_of(notice: Notice, action: Action, endpoints: Mapping[str, Endpoint]) -> str:
    """Return a notice as one line. Where what is said begins with its place, that is told once."""
    finding = notice.incidents[0].finding
    head = "RESOLVED" if action == "resolve" else notice.severity.upper()
    more = " (update)" if action == "update" else ""
    count = len(notice.incidents)
    others = f", and {count - 1:,} more" if count > 1 else ""
    place, said = split(finding, endpoints)
    where = place or _place(finding)
    whose = f"{where}{others}: " if where else (f"{count:,} of them: " if count > 1 else "")
    over = OVER if action == "resolve" else ""
    return line(f"{head}{more} {notice.rule}: {whose}{over}{said or 'breached'}", TITLE_MAX)


def said_of(notice: Notice, action: Action) -> str:
    """Return what is so, or was so, as one sentence."""
    # Of blanks and control characters alone nothing is left.
    said = line(notice.incidents[0].finding.said, SAID_MAX) or f"{notice.rule} is breached"
    return line(f"{OVER.capitalize()}{said}" if action == "resolve" else said, SAID_MAX)


def about(finding: Finding) -> str:
    """Return the shortest name of what a finding is about, "" where it is about nothing in particular."""
    return finding.service or finding.endpoint or " ".join(finding.group.values())


def split(finding: Finding, endpoints: Mapping[str, Endpoint]) -> tuple[str, str]:
    """Return where it is, and what is said without that: `POST /claims, claims-legacy (legacy side)`.

    The place is "" where what is said does not begin with one.
    """
    place, colon, rest = finding.said.partition(": ")
    if not colon or _parts(finding, endpoints).isdisjoint(place.split(", ")):
        return "", finding.said
    short, long = f"{finding.service} ({finding.side})", f"{finding.service} ({finding.side} side)"
    return (place.replace(short, long) if finding.service and finding.side else place), rest


def _place(finding: Finding) -> str:
    side = f"({finding.side} side)" if finding.side else ""
    return " ".join(filter(None, (about(finding), side)))


def _parts(finding: Finding, endpoints: Mapping[str, Endpoint]) -> set[str]:
    """What a place is made of (subjects)."""
    service, side = finding.service, finding.side
    known = endpoints.get(finding.endpoint)
    sided = f"{service} ({side})" if side else service
    rest = {f"{name} {value}" for name, value in finding.group.items()}
    return {
        sided if service else f"{side} side" if side else "",
        known.route if known else finding.endpoint,
        *rest,
    } - {""}
