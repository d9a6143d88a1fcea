"""Step Functions, both directions: a state machine that passes its context object, and an execution's start.

The context object is `$$` in JSONPath, `$states.context` in JSONata.
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from __future__ import annotations

from observe import semconv, xray
from observe.context import TRACEPARENT, TRACESTATE
from observe.services import member
from observe.services.attributes import bytes_of
from observe.services.payload import carried
from observe.services.shapes import state_of
from observe.source import Carrier, Record, Source, mapping, text
from observe.wire import KIND_CLIENT, KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.context import Context
    from observe.source import Description

#: "expressed as bytes in UTF-8 encoding"
INPUT_MAX_BYTES = 262_144


def records(event: Mapping[str, Any]) -> list[Record]:
    """Return the task as one Record with what the payload or the execution's input carries.

    event: {..., "Execution": {"Id", "Input"}, "State": {...}, "StateMachine": {...}}, or with these one
    level down under any name. The message ID is the execution's ARN, which StartExecution returned.

    No trace ID is derived from the execution's name or ARN: most often AWS made the name up, Express
    executions share one, and no other side knows it, so that nobody would derive the same. All tasks of an
    execution tell its ARN, by which they join whoever started it.
    """
    execution = mapping(state_of(event).get("Execution"))
    headers = carried(execution.get("Input"))
    nearer = carried(event)
    if TRACEPARENT in nearer:
        headers.pop(TRACESTATE, None)  # it belongs to the other parent
    return [Record({**headers, **nearer}, text(execution.get("Id")))]


def describe(event: Mapping[str, Any]) -> Description:
    """Return `<state machine> <state>` and where in which execution; the task's token is a secret."""
    told = state_of(event)
    state, machine = mapping(told.get("State")), mapping(told.get("StateMachine"))
    attributes: dict[str, Any] = {
        semconv.AWS_STEP_FUNCTIONS_STATE_MACHINE_ARN: text(machine.get("Id")),
        semconv.AWS_STEP_FUNCTIONS_STATE_NAME: text(state.get("Name")),
        semconv.MESSAGING_MESSAGE_ID: text(mapping(told.get("Execution")).get("Id")),
    }
    retries = state.get("RetryCount")
    if type(retries) is int and retries:
        attributes[semconv.AWS_STEP_FUNCTIONS_STATE_RETRY_COUNT] = retries
    name = f"{text(machine.get('Name'))} {text(state.get('Name'))}"
    return name.strip() or "Step Functions", {key: value for key, value in attributes.items() if value}


STEP_FUNCTIONS = Source(
    "Step Functions",
    trigger="other",
    kind=KIND_SERVER,
    public=False,
    records=records,
    describe=describe,
)


# --- Starting -------------------------------------------------------------------------------


def carry(params: Mapping[str, Any], context: Context) -> dict[str, Any]:
    """StartExecution and StartSyncExecution: {"stateMachineArn", "input"?, "traceHeader"?} and the context.

    The trace header is of use to X-Ray alone, and inside Lambda the HTTP request's own wins over it. The
    input gets a member where OBSERVE_PAYLOAD_CARRIERS names `stepfunctions`.
    """
    return _carried(params, context, named=True)[0]


def _carried(params: Mapping[str, Any], context: Context, *, named: bool) -> tuple[dict[str, Any], str]:
    """named: whether an execution with a name and an input may be started twice and is the same one."""
    out = {**params}
    trace = xray.header(context)
    if trace:
        out.setdefault("traceHeader", trace)
    if not member.opted_in("stepfunctions"):
        return out, "opt_in"
    if named and "name" in params:
        return out, "idempotent"
    before = params.get("input", "{}")
    size = bytes_of(before)
    after, reason = member.added(before, context, member.room_of(size, INPUT_MAX_BYTES), member.KEPT)
    return {**out, "input": after} if after is not before else out, reason


def _describe_start(params: Mapping[str, Any]) -> Description:
    """Return `start <state machine>`; a version or an alias is in the ARN alone."""
    arn = text(params.get("stateMachineArn"))
    name = arn.rpartition(":stateMachine:")[2].partition(":")[0]
    return f"start {name}".strip(), {semconv.AWS_STEP_FUNCTIONS_STATE_MACHINE_ARN: arn}


def _receipt(response: Mapping[str, Any]) -> dict[str, str]:
    arn = text(response.get("executionArn"))
    return {semconv.MESSAGING_MESSAGE_ID: arn} if arn else {}


START = Carrier(
    kind=KIND_CLIENT,
    carry=carry,
    describe=_describe_start,
    receipt=_receipt,
    lost=lambda params, context: _carried(params, context, named=True)[1],
)
START_SYNC = Carrier(
    kind=KIND_CLIENT,
    carry=lambda params, context: _carried(params, context, named=False)[0],
    describe=_describe_start,
    receipt=_receipt,
    lost=lambda params, context: _carried(params, context, named=False)[1],
)
