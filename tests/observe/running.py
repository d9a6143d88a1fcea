"""A decorated handler, run once in this process."""

from __future__ import annotations

from typing import Any

import observe
from observe.testing import LambdaContext


def sqs_event(*headers: dict[str, str]) -> dict[str, Any]:
    """A batch of one message for each set of message attributes."""
    records = [
        {
            "messageId": f"m-{n}",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:1:claims",
            "messageAttributes": {k: {"stringValue": v, "dataType": "String"} for k, v in each.items()},
        }
        for n, each in enumerate(headers)
    ]
    return {"Records": records}


def run(event: Any, function: Any = None, **context: Any) -> Any:
    """Run a decorated handler once."""
    return observe.instrument(function or (lambda event, context: "done"))(event, LambdaContext(**context))
