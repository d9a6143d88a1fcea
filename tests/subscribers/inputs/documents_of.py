"""Subscription documents and what is around them, as AWS sends them."""

from __future__ import annotations

import base64
import gzip
import json
from typing import Any

from subscribers.envelope import LogBatch, MalformedEnvelope


def document(*messages: str, group: str = "/aws/lambda/claims", kind: str = "DATA_MESSAGE") -> dict[str, Any]:
    """A document with these lines, a millisecond apart; with keys that are newer than most readers."""
    return {
        "messageType": kind,
        "owner": "123456789012",
        "logGroup": group,
        "logStream": "2026/11/21/[$LATEST]0a1b2c3d4e5f60718293a4b5c6d7e8f9",
        "subscriptionFilters": ["all"],
        "policyLevel": "ACCOUNT_LEVEL_POLICY",
        "logEvents": [
            {"id": f"{n:056}", "timestamp": 1795231810123 + n, "message": message}
            for n, message in enumerate(messages)
        ],
    }


def raw(*messages: str, **more: Any) -> bytes:
    """The document's JSON."""
    return json.dumps(document(*messages, **more), separators=(",", ":")).encode()


def zipped(*messages: str, **more: Any) -> bytes:
    """What CloudWatch puts into a stream."""
    return gzip.compress(raw(*messages, **more), mtime=0)


def text(data: bytes) -> str:
    """Base64."""
    return base64.b64encode(data).decode()


def told(found: Any) -> list[list[str] | str]:
    """The messages of each batch, and the reason of what is none."""
    return [
        part.reason if isinstance(part, MalformedEnvelope) else [event.message for event in part.events]
        for part in found
        if isinstance(part, LogBatch | MalformedEnvelope)
    ]
