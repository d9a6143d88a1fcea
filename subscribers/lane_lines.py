"""The layer's log lines of a page, from text to documents, with as little as possible done for each.

A line of docs/spec/lines.md is three texts: what is said (time, level, message), who says it (request,
service and trace), and the caller's fields. The second is the same in most lines that follow each other, the
first often said again; the fields of all lines of a page are decoded at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from observe import ids
from subscribers.lane_redaction import Redacting
from subscribers.lane_text import PageText, quoted
from subscribers.parsers import times
from subscribers.parsers.draft import LEVELS
from subscribers.sinks import bulk, ecs

_TEXT = r'"([^"\\\x00-\x1f]*+)"'
_WHO_AT = ',"requestId":"'
_WHO = re.compile(
    rf',"requestId":{_TEXT},"service":{_TEXT}(?:,"env":{_TEXT})?+(?:,"version":{_TEXT})?+'
    rf',"correlation_id":{_TEXT},"trace_id":"([0-9a-f]{{32}})","span_id":"([0-9a-f]{{16}})"(?=[,}}])'
).match
_SAID = re.compile(r'","level":"([A-Z]{4,5})","message":("(?:[^"\\\x00-\x1f]++|\\.)*+")').fullmatch
_TIME = '{"timestamp":"'
#: Where in a line its time begins, where the second ends, and where the milliseconds do.
_TIME_AT, _SECOND, _MILLIS = len(_TIME), len(_TIME) + 19, len(_TIME) + 24
_FRACTIONS = frozenset(ecs.MILLIS)
#: Fields of a log line that say more of it than a caller's own do, or say again what its head said.
_MEANING = frozenset(
    (
        *("error", "errorType", "errorMessage", "stackTrace", "record", "type", "metric", "_aws", "keys"),
        *("event", "severity_text", "env", "version", "resourceSpans", "log", "timestamp", "level"),
        *("message", "requestId", "service", "correlation_id", "trace_id", "span_id"),
    )
)
_LEVELS = frozenset(LEVELS.values())
#: What a message begins with that may be JSON itself.
_NESTED = frozenset("{[ \t\r\n")

#: What a caller's fields begin with.
_NEXT = ',"'

_decode = msgspec.json.Decoder().decode
_decode_lines = msgspec.json.Decoder().decode_lines
_encode_lines = msgspec.json.Encoder().encode_lines


class Who(msgspec.Struct, frozen=True, gc=False):
    """Who says a line. written: as it stands in the line; members: as it stands in a document."""

    written: str
    request_id: str
    trace_id: str
    span_id: str
    correlation_id: str
    members: str
    #: What the line tells of the service, as attributes.
    fields: dict[str, str] = {}


class Said(msgspec.Struct, frozen=True, gc=False):
    """What a line says. members: as it stands in a document."""

    message: str
    level: str
    members: str


class OwnTold(NamedTuple):
    """Of each line who says it, and its action and document: None and "" where it is not told here."""

    whos: list[Who | None]
    documents: list[str]


class OwnLines:
    """The layer's lines of one page. redacting: the active redaction, None for none."""

    def __init__(self, text: PageText, service: str, redacting: Redacting | None) -> None:
        self._text, self._service, self._redacting = text, service, redacting
        self._common = text.members("observe")
        #: By their text: what was said before; the beginnings of the actions of what happens in a second.
        self._saids: dict[str, Said] = {}
        self._actions: dict[str, str] = {}
        #: Whether a line told more of its service than its name.
        self._has_fields = False

    def read(self, messages: Sequence[str], places: Sequence[int]) -> OwnTold:
        """Return for each line what it becomes. places: of the lines that are JSON."""
        found = OwnTold([None] * len(messages), [""] * len(messages))
        whos = found.whos
        told_places: list[int] = []
        #: Documents as far as the callers' fields, and those as they are written.
        begun: list[str] = []
        rests: list[str] = []
        written, size, who = "\0", 0, None
        said_of, action_of = self._saids.get, self._actions.get
        event_ids, first, common = self._text.ids, self._text.first, self._common
        for at in places:
            message = messages[at]
            place = message.find(_WHO_AT, _MILLIS)
            if who is None or not message.startswith(written, place):
                who = self._who(message, place)
                if who is None:
                    continue
                written, size = who.written, len(who.written)
            text, second = message[_MILLIS:place], message[:_SECOND]
            said = said_of(text) or self._said(text)
            action = action_of(second) or self._action(second)
            if said.level and action and message[_SECOND:_MILLIS] in _FRACTIONS:
                told_places.append(at)
                whos[at] = who
                rests.append(message[place + size :])
                when = message[_TIME_AT:_MILLIS]
                begun.append(
                    f'{action}{event_ids[at]}"}}}}\n{{"@timestamp":"{when}{common}{first + at}'
                    f"{said.members}{who.members}"
                )
        if told_places:
            self._tell(messages, told_places, begun, rests, found)
        return found

    def _who(self, message: str, place: int) -> Who | None:
        match = _WHO(message, place) if place > 0 else None
        if match is None:
            return None
        request_id, service, env, version, correlation_id, trace_id, span_id = match.groups()
        if (
            service != self._service
            or not (request_id and correlation_id)
            or trace_id == ids.NO_TRACE_ID
            or span_id == ids.NO_SPAN_ID
        ):
            return None
        members = (
            f',"faas.execution":"{request_id}","trace.id":"{trace_id}","span.id":"{span_id}"'
            f',"correlation_id":"{correlation_id}"'
        )
        who = Who(match[0], request_id, trace_id, span_id, correlation_id, members)
        if env is None and version is None:
            return who
        self._has_fields = True
        told = (("deployment.environment.name", env), ("service.version", version))
        return replace(who, fields={name: value for name, value in told if value is not None})

    def _said(self, text: str) -> Said:
        """text: from the quote that ends the time to the message's last; what is none has no level."""
        match = _SAID(text)
        said = _NOTHING
        if match is not None and match[1] in _LEVELS:
            message = _message(match[2])
            if message is not None and message[:1] not in _NESTED:
                said = _said_of(message, match[1])
        self._saids[text] = said
        return said

    def _action(self, second: str) -> str:
        """second: `{"timestamp":"2026-11-21T03:30:10`; what is none has no action."""
        time = second[_TIME_AT:]
        is_time = second.startswith(_TIME) and len(second) == _SECOND and time[10] == "T" and time.isascii()
        known = is_time and times.rfc3339(f"{time}.000Z") is not None
        action = bulk.action_head("observe", time[:10], self._text.names) if known else ""
        self._actions[second] = action
        return action

    def _tell(
        self, messages: Sequence[str], places: list[int], begun: list[str], rests: list[str], found: OwnTold
    ) -> None:
        whos, documents = found
        fields = _fields(rests)
        if self._has_fields:
            known = ((whos[at] or _NOBODY).fields for at in places)
            fields = [
                None if own is None else {**own, **more} for own, more in zip(fields, known, strict=True)
            ]
        struck = self._struck(messages, places, rests, whos)
        for at, front, own, written in zip(places, begun, fields, _written(fields), strict=True):
            if own is None:
                whos[at] = None
            elif at in struck:
                documents[at] = self._cleaned(messages[at], front, own, at)
            elif own:
                documents[at] = f'{front},"attributes":{written}}}\n'
            else:
                documents[at] = f"{front}}}\n"

    def _cleaned(self, message: str, front: str, fields: dict[str, Any], at: int) -> str:
        """The document of a line that may hold a secret."""
        said = self._saids[_said_in(message)]
        if self._redacting is not None:
            text, fields = self._redacting.clean(said.message, fields, at)
            # Nothing before what is said can look like it: a document's head holds no text of a caller.
            front = front.replace(said.members, _said_of(text, said.level).members, 1)
        return f'{front},"attributes":{_written([fields])[0]}}}\n' if fields else f"{front}}}\n"

    def _struck(
        self, messages: Sequence[str], places: list[int], rests: list[str], whos: list[Who | None]
    ) -> set[int]:
        """The positions of lines that may hold a secret."""
        if self._redacting is None:
            return set()
        suspected = self._redacting.suspected
        struck = {places[number] for number in suspected([f"{{{rest[1:]}" for rest in rests])}
        texts = [text for text, said in self._saids.items() if said.level]
        if secret := {texts[number] for number in suspected([f"{{{text[2:]}}}" for text in texts])}:
            struck.update(at for at in places if _said_in(messages[at]) in secret)
        if self._has_fields:
            told = [who for who in {id(who): who for who in whos if who is not None}.values() if who.fields]
            if suspected(_written([who.fields for who in told])):
                struck.update(places)
        return struck


_NOBODY = Who("", "", "", "", "", "")
_NOTHING = Said("", "", "")


def _said_in(message: str) -> str:
    return message[_MILLIS : message.find(_WHO_AT, _MILLIS)]


def _message(written: str) -> str | None:
    try:
        text = _decode(written)
    except ValueError:
        return None
    return text if isinstance(text, str) else None


def _said_of(message: str, level: str) -> Said:
    members = f',"message":{quoted(message)},"log.level":"{level}","observe.time_from":"line"'
    return Said(message, level, members)


def _fields(rests: list[str]) -> list[dict[str, Any] | None]:
    """The callers' fields: None where they mean more, or are none."""
    found = _decoded_at_once(rests) or [_decoded(rest) for rest in rests]
    names: set[str] = set().union(*(own for own in found if own))
    meant = {name for name in names if name in _MEANING or name.startswith(ecs.KNOWN)}
    return [None if own is None or not meant.isdisjoint(own) else own for own in found] if meant else found


def _decoded_at_once(rests: list[str]) -> list[dict[str, Any] | None]:
    """All of them, or nothing where one is not as usual."""
    written = "".join(rests)
    if written.count("\n") != len(rests):
        return []
    if [rest for rest in rests if rest[-2:] != "}\n" or (rest[:2] != _NEXT and rest != "}\n")]:
        return []
    # Behind `}` and a line end JSON lets no `{` follow but of another value: none can hide its neighbour.
    lines = f"\n{written}".replace("\n,", "\n{").replace("\n}", "\n{}")
    try:
        found: list[dict[str, Any] | None] = _decode_lines(lines)
    except (ValueError, RecursionError):
        return []
    return found if len(found) == len(rests) and lines.count("\n{") == len(rests) else []


def _decoded(rest: str) -> dict[str, Any] | None:
    if rest[:2] != _NEXT:
        return {} if rest.rstrip("\r\n") == "}" else None
    try:
        found: dict[str, Any] = _decode(f"{{{rest[1:]}")
    except (ValueError, RecursionError):
        return None
    return found


def _written(fields: Sequence[dict[str, Any] | None]) -> list[str]:
    """Objects as JSON."""
    return _encode_lines([own or {} for own in fields]).decode().split("\n")[:-1]
