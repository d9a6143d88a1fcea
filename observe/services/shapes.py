"""What each event looks like: the cheapest look that tells it from every other. Pure, and never raises.

Kept apart from what reads the events, so that a function loads only the module of the source it has.
"""

from __future__ import annotations

from observe.source import mapping

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def http_api(event: Mapping[str, Any]) -> bool:
    """An HTTP API's payload 2.0, or a function URL."""
    return event.get("version") == "2.0" and "http" in mapping(event.get("requestContext"))


def alb(event: Mapping[str, Any]) -> bool:
    """An Application Load Balancer's target."""
    return "elb" in mapping(event.get("requestContext"))


def rest_api(event: Mapping[str, Any]) -> bool:
    """A REST API's proxy integration, or an HTTP API's payload 1.0."""
    return isinstance(event.get("httpMethod"), str) and isinstance(event.get("requestContext"), dict)


def sqs(event: Mapping[str, Any]) -> bool:
    """A batch of SQS messages."""
    return _first(event).get("eventSource") == "aws:sqs"


def sns(event: Mapping[str, Any]) -> bool:
    """A delivery of SNS, which alone writes `EventSource`."""
    return _first(event).get("EventSource") == "aws:sns"


def s3(event: Mapping[str, Any]) -> bool:
    """A notification of S3."""
    return _first(event).get("eventSource") == "aws:s3"


def _first(event: Mapping[str, Any]) -> Mapping[str, Any]:
    found = event.get("Records")
    return mapping(found[0]) if isinstance(found, list) and found else {}
