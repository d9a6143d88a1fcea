"""A function with the built layer attached by the exec wrapper, under the real runtime client."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from observe.event_line import EVENT

WRAPPER = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"}


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


HTTP_EVENT = {
    "version": "2.0",
    "routeKey": "POST /claims",
    "rawPath": "/claims",
    "headers": {"x-correlation-id": "CLM-1"},
    "requestContext": {"http": {"method": "POST", "path": "/claims"}, "domainName": "x"},
}


APP = """
    import json, logging, os, sys
    logging.getLogger().setLevel("INFO")
    def handler(event, context):
        print("printed", event.get("rawPath"))
        logging.info("logged")
        if event.get("boom"):
            raise ValueError("no such claim")
        return {"statusCode": 201, "handler": os.environ["_HANDLER"], "path": sys.path}
"""


class Ran:
    """One function with the layer and without, and what it said."""

    def __init__(self, log: MemoryLogWriter, function: LocalFunction) -> None:
        self.log = log
        self.function = function

    def __call__(self, event: Any, **options: Any) -> Any:
        self.log.streams.clear()
        return self.function.invoke(event, **options)

    @property
    def application(self) -> list[str]:
        """The function's own lines: no platform line, none of ours, request IDs and times masked."""
        found = []
        for line in self.log.messages():
            if (
                re.match(r"INIT_START|START|END|REPORT|XRAY", line)
                or "hybrid-observe" in line
                or EVENT in line
            ):
                continue
            if not line.startswith('{"resourceSpans"'):
                found.append(re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z", "*", line))
        return found

    @property
    def spans(self) -> list[dict[str, Any]]:
        """The spans of every span line, without those of the cold start itself."""
        lines = [json.loads(line) for line in self.log.messages() if '"resourceSpans"' in line]
        return [
            {
                **span,
                "attributes": {a["key"]: next(iter(a["value"].values())) for a in span.get("attributes", [])},
            }
            for line in lines
            for span in line["resourceSpans"][0]["scopeSpans"][0]["spans"]
            if span["name"] not in ("init", "restore")
        ]

    @property
    def said(self) -> list[str]:
        """What the layer said about itself."""
        return [line for line in self.log.messages() if "hybrid-observe" in line]


Run = Callable[..., Ran]
