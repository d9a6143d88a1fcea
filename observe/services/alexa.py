"""Alexa: custom skills, whose session attributes may carry headers, and smart home directives.

https://developer.amazon.com/docs/custom-skills/request-and-response-json-reference.html
https://developer.amazon.com/docs/device-apis/message-guide.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def _skill_records(event: Mapping[str, Any]) -> list[Record]:
    """event: {"request": {"requestId"}, "session"?: {"attributes": {name: value}}}"""
    headers = lower(mapping(event.get("session")).get("attributes"))
    return [Record(headers, text(mapping(event.get("request")).get("requestId")))]


def _describe_skill(event: Mapping[str, Any]) -> Description:
    """Return `IntentRequest <intent>`; slots, users and devices stay out."""
    request = mapping(event.get("request"))
    name = f"{text(request.get('type'))} {text(mapping(request.get('intent')).get('name'))}"
    return name.strip() or "Alexa", _message(text(request.get("requestId")))


def _home_records(event: Mapping[str, Any]) -> list[Record]:
    """event: {"directive": {"header": {"messageId"}}}: nothing carries headers."""
    return [Record({}, text(_header(event).get("messageId")))]


def _describe_home(event: Mapping[str, Any]) -> Description:
    """Return `Alexa.PowerController TurnOn`; correlation and bearer tokens are secrets."""
    header = _header(event)
    name = f"{text(header.get('namespace'))} {text(header.get('name'))}"
    return name.strip() or "Alexa", _message(text(header.get("messageId")))


def _header(event: Mapping[str, Any]) -> Mapping[str, Any]:
    return mapping(mapping(event.get("directive")).get("header"))


def _message(message_id: str) -> dict[str, Any]:
    return {semconv.MESSAGING_MESSAGE_ID: message_id} if message_id else {}


SKILL = Source(
    "Alexa skill",
    trigger="other",
    kind=KIND_SERVER,
    public=True,
    records=_skill_records,
    describe=_describe_skill,
)
SMART_HOME = Source(
    "Alexa smart home",
    trigger="other",
    kind=KIND_SERVER,
    public=True,
    records=_home_records,
    describe=_describe_home,
)
