"""SNS invoking a function: a subscription to a queue nobody sees, and the event Lambda makes of a message.

https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

SnsClient = Any  # boto3's SNS client: its types are in none of the packages we install


def subscribe(
    client: SnsClient,
    topic_arn: str,
    queue_arn: str,
    *,
    filter_policy: Mapping[str, Any] | None = None,
    filter_scope: str = "MessageAttributes",
    raw: bool = False,
) -> str:
    """Subscribe a queue to a topic and return the subscription's ARN. Raises botocore's errors."""
    attributes = {"RawMessageDelivery": "true"} if raw else {}
    if filter_policy is not None:
        attributes |= {"FilterPolicy": json.dumps(filter_policy), "FilterPolicyScope": filter_scope}
    reply = client.subscribe(
        TopicArn=topic_arn,
        Protocol="sqs",
        Endpoint=queue_arn,
        Attributes=attributes,
        ReturnSubscriptionArn=True,
    )
    return str(reply["SubscriptionArn"])


def sns_event(envelope: Any, subscription_arn: str) -> dict[str, Any] | None:
    """Return the event Lambda makes of what SNS delivers to a queue; None for what is no notification.

    envelope: {"Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature",
    "SigningCertURL", "Subject"?, "MessageAttributes"?: {name: {"Type", "Value"}}}
    """
    if not isinstance(envelope, dict) or envelope.get("Type") != "Notification":
        return None
    attributes = envelope.get("MessageAttributes") or {}
    region = subscription_arn.split(":")[3]
    notification = {
        "SignatureVersion": envelope["SignatureVersion"],
        "Timestamp": envelope["Timestamp"],
        "Signature": envelope["Signature"],
        "SigningCertUrl": envelope["SigningCertURL"],  # the one place where the names differ
        "MessageId": envelope["MessageId"],
        "Message": envelope["Message"],
        # moto makes numbers of them; in Lambda's event every value is a text
        "MessageAttributes": {
            name: {"Type": value["Type"], "Value": str(value["Value"])} for name, value in attributes.items()
        },
        "Type": "Notification",
        "UnsubscribeUrl": (
            f"https://sns.{region}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={subscription_arn}"
        ),
        "TopicArn": envelope["TopicArn"],
        "Subject": envelope.get("Subject"),
    }
    record = {
        "EventVersion": "1.0",
        "EventSubscriptionArn": subscription_arn,
        "EventSource": "aws:sns",
        "Sns": notification,
    }
    return {"Records": [record]}
