"""Opsgenie, Alert API: one alert a rule, by its alias.

    trigger     POST /v2/alerts                                         created, or counted where it is open
    update      POST /v2/alerts/{alias}/notes?identifierType=alias      and PUT .../priority where it is worse
    resolve     POST /v2/alerts/{alias}/close?identifierType=alias

Each is answered 202 with a request ID and done later: that it was done nobody says.

https://docs.opsgenie.com/docs/alert-api
https://docs.opsgenie.com/docs/response
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec.structs import replace

from subscribers.alerts.destinations.channel import (
    Destination,
    Notices,
    bad_response,
    limits,
    reference,
    refused,
    tree_of,
)
from subscribers.alerts.incidents_values import rank
from subscribers.alerts.message import Message, plain
from subscribers.alerts.texts import cut, length
from subscribers.sinks.channel import DETAIL_MAX, HttpRequest, Item, Request, Response, Secret, Verdict

URLS = {"us": "https://api.opsgenie.com", "eu": "https://api.eu.opsgenie.com"}
MESSAGE_MAX, ALIAS_MAX, DESCRIPTION_MAX, ENTITY_MAX, NOTE_MAX = 130, 512, 15_000, 512, 25_000
TAGS_MAX, TAG_MAX = 20, 50
#: Of all names and values together.
DETAILS_MAX = 8_000
SOURCE = "Hybrid Observe"
PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}
#: No limit is published; every field has one, and they come to less.
LIMITS = limits(200_000)


class _Call(msgspec.Struct, frozen=True):
    """The body of an item. to: the path behind /v2/, with its query."""

    to: str
    payload: dict[str, Any]
    method: str = "POST"


_decoder = msgspec.json.Decoder(_Call)


class Opsgenie(Notices, frozen=True, kw_only=True):
    """One API integration."""

    url: str
    api_key: Secret
    responders: tuple[str, ...] = ()

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the calls of a message; of an update that is more urgent two."""
        calls = {message.id: self._call(message)}
        if message.action == "update" and _is_worse(message):
            to = _to(message, "priority")
            calls[f"{message.id}:priority"] = _Call(to, {"priority": PRIORITIES[message.severity]}, "PUT")
        return tuple(Item(id, msgspec.json.encode(call)) for id, call in calls.items())

    def request(self, items: Sequence[Item]) -> Request:
        """Return the request of one call."""
        call = _decoder.decode(items[0].body)
        return HttpRequest(
            url=f"{self.url}/v2/{call.to}",
            method=call.method,
            body=msgspec.json.encode(call.payload),
            headers={"Content-Type": "application/json", "Authorization": self.api_key},
        )

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of it: 202 with a request ID is all that is promised."""
        tree = tree_of(response.body)
        if not response.fault and 200 <= response.status < 300:
            if response.status == 202 and tree.get("requestId"):
                return Verdict()
            return bad_response(items, response, "this is not Opsgenie's answer")
        if response.status == 429:
            # Its own header; Retry-After is not sent.
            period = response.headers.get("x-ratelimit-period-in-sec", "")
            response = replace(response, headers={"retry-after": period, **response.headers})
        errors = tree.get("errors")
        told = [tree.get("message"), *(errors.items() if isinstance(errors, dict) else ())]
        return refused(items, response, "; ".join(str(one) for one in told if one)[:DETAIL_MAX])

    def _call(self, message: Message) -> _Call:
        if message.action == "trigger":
            return _Call("alerts", self._alert(message))
        note = {"source": SOURCE, "note": _note(message)}
        return _Call(_to(message, "close" if message.action == "resolve" else "notes"), note)

    def _alert(self, message: Message) -> dict[str, Any]:
        return {
            "message": cut(message.title, MESSAGE_MAX),
            "alias": message.key[:ALIAS_MAX],
            "description": cut(plain(message, 3 * DESCRIPTION_MAX), DESCRIPTION_MAX),
            "responders": [{"type": "team", "name": name} for name in self.responders],
            "tags": _tags(message),
            "details": _details(message),
            "entity": cut(message.service or message.endpoint or message.rule, ENTITY_MAX),
            "source": SOURCE,
            "priority": PRIORITIES[message.severity],
        }


def make_opsgenie(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of type `opsgenie`."""
    return Opsgenie(
        url=settings.get("url", URLS[settings.get("region", "us")]).rstrip("/"),
        api_key=Secret(reference(settings["api_key"]), "GenieKey "),
        responders=tuple(settings.get("responders", ())),
        limits=LIMITS,
    )


def _is_worse(message: Message) -> bool:
    return message.peak_before == "" or rank(message.peak) > rank(message.peak_before)


def _to(message: Message, what: str) -> str:
    return f"alerts/{quote(message.key[:ALIAS_MAX], safe='')}/{what}?identifierType=alias"


def _note(message: Message) -> str:
    return cut(plain(message, 3 * NOTE_MAX), NOTE_MAX)


def _tags(message: Message) -> list[str]:
    told = [message.rule, message.severity, message.side, message.service, message.endpoint]
    told += [f"{name}:{value}" for name, value in message.labels]
    # A comma would be read as two tags.
    tags = dict.fromkeys(cut(text.replace(",", " "), TAG_MAX) for text in told if text)
    return list(tags)[:TAGS_MAX]


def _details(message: Message) -> dict[str, str]:
    """As many facts as there is room for, whole."""
    links = [(f"link {link.name}", link.url) for link in message.links]
    links += [(f"{link.name} of {s.id}", link.url) for s in message.samples for link in s.links]
    commands = [(f"story of {s.id}", s.command) for s in message.samples]
    details: dict[str, str] = {}
    left = DETAILS_MAX
    for name, text in (*message.facts, *commands, *links, *message.details):
        size = length(name) + length(text)
        if name not in details and size <= left:
            details[name] = text
            left -= size
    return details
