"""SES: an e-mail received, with its headers. Whoever can send mail writes them.

https://docs.aws.amazon.com/ses/latest/dg/receiving-email-notifications-contents.html
"""

from __future__ import annotations

from observe import semconv
from observe.source import Record, Source, lower, mapping, text
from observe.wire import KIND_CONSUMER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record an e-mail; its message ID is the one that SES gave it.

    event: {"Records": [{"ses": {"mail": {"messageId", "headers": [{"name", "value"}, ...]}}}]}
    """
    return [_record(mail) for mail in _mails(event)]


def _record(mail: Mapping[str, Any]) -> Record:
    fields = mail.get("headers")
    headers: dict[str, str] = {}
    for field in fields if isinstance(fields, list) else []:
        headers.update(lower({text(mapping(field).get("name")): mapping(field).get("value")}))
    return Record(headers, text(mail.get("messageId")))


def describe(event: Mapping[str, Any]) -> Description:
    """Return the message's ID; addresses and subjects are personal and stay out."""
    mails = _mails(event)
    message_id = text(mails[0].get("messageId"))
    known = len(mails) == 1 and message_id
    return "process mail", {semconv.MESSAGING_MESSAGE_ID: message_id} if known else {}


def _mails(event: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [mapping(mapping(mapping(record).get("ses")).get("mail")) for record in event["Records"]]


SES = Source(
    "SES",
    trigger="pubsub",
    kind=KIND_CONSUMER,
    public=True,
    records=records,
    describe=describe,
)
