"""What the caller is told when an invocation ends, one way or another. Pure functions."""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass

from console.local.invocation import Status
from console.local.platform_lines import timeout_text
from console.local.process import Event, Exited, NotStarted, OutOfMemory, TimedOut
from console.local.runtime_api import Failure, InitFailure, Response, error_type_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of an invocation. fatal: the environment cannot be used again.

    crash: the words of the log line about a process that ended, None if it did not.
    """

    status: Status
    payload: bytes
    error_type: str | None
    fatal: bool
    crash: str | None = None


def outcome_of(event: Event, request_id: str, timeout_s: float) -> Outcome:
    """Return what `event` means for the invocation it ends; a Next ends none."""
    match event:
        case Response(body):
            return Outcome("success", body, None, fatal=False)
        case Failure(body, error_type):
            return Outcome("error", body, error_type_of(body) or error_type, fatal=False)
        case InitFailure(body, error_type):
            return Outcome("error", body, error_type, fatal=True)
        case TimedOut():
            return _fatal("timeout", "Sandbox.Timedout", timeout_text(timeout_s), request_id)
        case NotStarted(reason):
            return _crash("Runtime.InvalidEntrypoint", reason, request_id)
        case OutOfMemory():
            return _crash("Runtime.OutOfMemory", "Runtime exited with error: signal: killed", request_id)
        case Exited(code):
            return _crash("Runtime.ExitError", _exit_text(code), request_id)
    raise AssertionError(f"not the end of an invocation: {event}")


def _crash(error_type: str, reason: str, request_id: str) -> Outcome:
    outcome = _fatal("error", error_type, reason, request_id)
    return Outcome("error", outcome.payload, error_type, fatal=True, crash=reason)


def _fatal(status: Status, error_type: str, reason: str, request_id: str) -> Outcome:
    document = {"errorType": error_type, "errorMessage": f"RequestId: {request_id} Error: {reason}"}
    return Outcome(status, json.dumps(document).encode(), error_type, fatal=True)


def _exit_text(code: int) -> str:
    # The wording of Go's os.ProcessState, which Lambda's supervisor is written in.
    if code == 0:
        return "Runtime exited without providing a reason"
    if code > 0:
        return f"Runtime exited with error: exit status {code}"
    return f"Runtime exited with error: signal: {(signal.strsignal(-code) or str(-code)).lower()}"
