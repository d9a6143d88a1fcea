"""An SNS topic, and e-mail and text messages through it: plain text, with attributes for filter policies.

A FIFO topic (`.fifo`) gets the notices of one alert in order, each once. Any other may send one twice.

https://docs.aws.amazon.com/sns/latest/api/API_Publish.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

import msgspec

from subscribers.alerts.destinations.channel import Destination, Notices, bad_response, limits
from subscribers.alerts.message import Message, plain
from subscribers.alerts.texts import cut_bytes
from subscribers.sinks import aws_codes
from subscribers.sinks.channel import AwsCall, Item, Request, Response, Verdict

#: "less than 100 characters"; ASCII, for e-mail is not the only one who reads it.
SUBJECT_MAX = 99
#: 256 KiB hold message and attributes together; in JSON a line feed or a quotation mark is two bytes.
MESSAGE_MAX_BYTES = 100_000
#: One text message; "With the exception of SMS"
SMS_MAX_BYTES = 140
LIMITS = limits(256 * 1024)


class Sns(Notices, frozen=True, kw_only=True):
    """One topic."""

    topic_arn: str

    def told(self, message: Message) -> tuple[Item, ...]:
        """Return the parameters of `publish` but the topic."""
        text = {
            "default": plain(message, MESSAGE_MAX_BYTES),
            "sms": cut_bytes(message.title, SMS_MAX_BYTES),
        }
        tree: dict[str, Any] = {
            "Subject": subject(message.title),
            "Message": msgspec.json.encode(text).decode(),
            "MessageStructure": "json",
            "MessageAttributes": {
                name: {"DataType": "String", "StringValue": value}
                for name, value in _attributes(message).items()
                if value
            },
        }
        if self.topic_arn.endswith(".fifo"):
            tree["MessageGroupId"] = sha256(message.key.encode()).hexdigest()
            tree["MessageDeduplicationId"] = message.id
        return (Item(message.id, msgspec.json.encode(tree)),)

    def request(self, items: Sequence[Item]) -> Request:
        """Return the call that publishes one message."""
        parameters = {"TopicArn": self.topic_arn, **msgspec.json.decode(items[0].body)}
        region = self.topic_arn.split(":")[3]
        return AwsCall(service="sns", operation="publish", parameters=parameters, region=region)

    def verdict(self, items: Sequence[Item], response: Response) -> Verdict:
        """Say what became of it: what was published has an ID."""
        if response.fault or response.status != 200:
            return aws_codes.whole(items, response, is_repeatable=True)
        is_ours = bool(response.result.get("MessageId"))
        return Verdict() if is_ours else bad_response(items, response, "no ID of a message")


def make_sns(settings: Mapping[str, Any]) -> Destination:
    """Return the channel of a destination of type `sns`."""
    return Sns(topic_arn=settings["topic_arn"], limits=LIMITS)


def subject(title: str) -> str:
    """Return a title as a subject: printable ASCII, shorter than 100 characters, beginning with no space."""
    text = "".join(c if " " <= c <= "~" else "?" for c in title).strip() or "Alert"
    return text if len(text) <= SUBJECT_MAX else f"{text[: SUBJECT_MAX - 3]}..."


def _attributes(message: Message) -> dict[str, str]:
    """At most 10, or raw delivery to SQS would drop the message."""
    return {
        "severity": message.severity,
        "action": message.action,
        "rule": message.rule,
        "service": message.service,
        "side": message.side,
        "endpoint": message.endpoint,
    }
