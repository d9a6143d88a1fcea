"""What a local function is, what one call of it is, and what came back: frozen values."""

from __future__ import annotations

import secrets
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Status = Literal["success", "error", "timeout"]
RuntimeKind = Literal["awslambdaric", "standin"]

MAX_PAYLOAD_BYTES = 6 * 1024 * 1024 + 100  # the limit named in the Runtime API's own 413 reply


@dataclass(frozen=True, slots=True)
class FunctionConfig:
    """The configuration of one function, as its owner would give it to Lambda.

    handler: "module.function". task_root plays /var/task, opt (an unpacked layer) plays /opt.
    sites: folders that play the runtime's and the function's site-packages, in this order.
    """

    name: str
    handler: str
    task_root: Path
    opt: Path | None
    environment: Mapping[str, str]
    timeout_s: float
    memory_mb: int
    account: str
    region: str
    python: str
    sites: tuple[Path, ...]
    runtime: RuntimeKind

    @property
    def arn(self) -> str:
        """The unqualified ARN of the function."""
        return f"arn:aws:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def log_group(self) -> str:
        """The default log group of the function."""
        return f"/aws/lambda/{self.name}"

    @property
    def json_logs(self) -> bool:
        """Whether Lambda's JSON log format is on."""
        return self.environment.get("AWS_LAMBDA_LOG_FORMAT", "").upper() == "JSON"

    @property
    def log_level(self) -> str:
        """The level below which application lines are dropped, in JSON format only."""
        return self.environment.get("AWS_LAMBDA_LOG_LEVEL", "INFO").upper()


@dataclass(frozen=True, slots=True)
class Invocation:
    """One call: payload as the runtime receives it. client_context is JSON text, not base64."""

    request_id: str
    payload: bytes
    trace_header: str
    arn: str
    client_context: str | None = None


@dataclass(frozen=True, slots=True)
class InvokeResult:
    """What the caller of the function gets, with what REPORT says about it.

    payload: the function's reply, or Lambda's error document {"errorType", "errorMessage", ...}.
    init_ms is None unless cold_start.
    """

    status: Status
    payload: bytes
    request_id: str
    error_type: str | None
    duration_ms: float
    init_ms: float | None
    cold_start: bool
    billed_ms: int
    max_memory_mb: int


def new_request_id() -> str:
    """Return a request ID as Lambda makes them: a random UUID in lower case."""
    return str(uuid.uuid4())


def new_trace_root(now_s: float) -> str:
    """Return an X-Ray trace ID, `1-<8 hex: epoch seconds>-<24 hex>`."""
    return f"1-{int(now_s):08x}-{secrets.token_hex(12)}"


def new_trace_header(now_s: float, root: str | None = None, sampled: str = "0") -> str:
    """Return the trace header Lambda hands to a function whose caller sent none.

    root: continues that trace. Lineage is what Lambda's recursion guard adds.
    """
    return (
        f"Root={root or new_trace_root(now_s)};Parent={secrets.token_hex(8)}"
        f";Sampled={sampled};Lineage=1:{secrets.token_hex(4)}:0"
    )


def trace_fields(header: str) -> dict[str, str]:
    """Return the `key=value` parts of a trace header; parts without `=` are left out."""
    parts = (part.strip().partition("=") for part in header.split(";"))
    return {key: value for key, equals, value in parts if equals}
