"""Amazon Connect: a contact flow that invokes a function; its parameters and attributes may carry headers.

https://docs.aws.amazon.com/connect/latest/adminguide/connect-lambda-functions.html
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


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return one Record; the flow's parameters win over the contact's attributes.

    event: {"Details": {"ContactData": {"ContactId", "Attributes": {name: value}}, "Parameters": {...}}}
    """
    details = mapping(event.get("Details"))
    contact = mapping(details.get("ContactData"))
    headers = {**lower(contact.get("Attributes")), **lower(details.get("Parameters"))}
    return [Record(headers, text(contact.get("ContactId")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return the contact's ID and nothing of the customer."""
    contact = text(mapping(mapping(event.get("Details")).get("ContactData")).get("ContactId"))
    return "contact flow", {semconv.AWS_CONNECT_CONTACT_ID: contact} if contact else {}


CONNECT = Source(
    "Connect",
    trigger="other",
    kind=KIND_SERVER,
    public=True,
    records=records,
    describe=describe,
)
