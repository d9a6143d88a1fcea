"""Step Functions: a state machine that passes its context object (`$$`, `$states.context`) to the function.

https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from __future__ import annotations

from observe import semconv
from observe.context import TRACEPARENT, TRACESTATE
from observe.services.payload import carried
from observe.services.shapes import state_of
from observe.source import Record, Source, mapping, text
from observe.wire import KIND_SERVER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from observe.source import Description


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
