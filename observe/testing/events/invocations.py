"""Events of invocations without an envelope: direct ones, IoT rules, Step Functions; and of how they end.

A synchronous call's context is in the runtime's context object: observe.testing.LambdaContext.invoked_by.
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
https://docs.aws.amazon.com/iot/latest/developerguide/lambda-rule-action.html
https://docs.aws.amazon.com/step-functions/latest/dg/input-output-contextobject.html
"""

from __future__ import annotations

import json

from observe.testing.carrying import sent
from observe.testing.events.parts import (
    ACCOUNT,
    FUNCTION,
    REQUEST_ID,
    TIME,
    arn,
    at,
    checked,
    function_arn,
    iso_ms,
    json_of,
    numbered,
    object_of,
    one_of,
    plain,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import Any

    from observe.context import Context
    from observe.testing.events.parts import Event


@checked
def direct(payload: Any = None, *, context: Context | None = None) -> Any:
    """The payload of a direct invocation: any JSON value.

    A context makes it an asynchronous one, as the layer's carrier `lambda-async` does: of a JSON object.
    """
    params = {"FunctionName": "function", "InvocationType": "Event", "Payload": json_of(payload, "direct")}
    return json.loads(sent("lambda", "Invoke", params, context, "direct")["Payload"])


@checked
def iot_rule(
    payload: Mapping[str, Any] | str,
    *,
    context: Context | None = None,
    selected: Mapping[str, Any] | None = None,
    topic: str = "topic",
) -> Event:
    """What the rule `SELECT *` of an IoT topic hands over: the members of a JSON payload.

    A context is a member, as the layer's carrier `iot` puts it there. selected: what the rule's SQL adds.
    """
    params = {"topic": topic, "payload": object_of(payload, "iot_rule", "a payload")}
    published = sent("iot-data", "Publish", params, context, "iot_rule")["payload"]
    return {**json.loads(published), **plain(selected or {}, "iot_rule")}


@checked
def step_functions(
    input: Mapping[str, Any] | str = "{}",  # the name that Step Functions has for it
    *,
    context: Context | None = None,
    state: str = "State",
    retry_count: int = 0,
    task_token: str = "",
    state_machine: str = "machine",
    execution: str = numbered(0x5F000000, 0),
    time: datetime = TIME,
) -> Event:
    """A task whose state passes its input and the context object: {"input.$": "$", "context.$": "$$"}.

    A context is in the execution's input, as the layer's carrier `stepfunctions` puts it there. task_token:
    of a state that waits for a callback.
    """
    started = iso_ms(at(time, "step_functions"))
    machine = arn("states", f"stateMachine:{state_machine}")
    params = {"stateMachineArn": machine, "input": object_of(input, "step_functions", "input")}
    given = sent("stepfunctions", "StartExecution", params, context, "step_functions")["input"]
    told: dict[str, Any] = {
        "Execution": {
            "Id": arn("states", f"execution:{state_machine}:{execution}"),
            "Input": json.loads(given),
            "Name": execution,
            "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/{state_machine}",
            "StartTime": started,
            "RedriveCount": 0,
        },
        "State": {"EnteredTime": started, "Name": state, "RetryCount": retry_count},
        "StateMachine": {"Id": machine, "Name": state_machine},
    }
    if task_token:
        told["Task"] = {"Token": task_token}
    return {"input": json.loads(given), "context": told}


_CONDITIONS = ("Success", "RetriesExhausted", "EventAgeExceeded")


@checked
def destination(
    payload: Any,
    *,
    condition: str = "RetriesExhausted",
    response: Any = None,
    function: str = FUNCTION,
    request_id: str = REQUEST_ID,
    invoke_count: int | None = None,
    time: datetime = TIME,
) -> Event:
    """What a function gets that is the destination of another one's asynchronous invocations.

    payload: the event that `function` was invoked with, as another builder makes it: the context is in there.
    condition: Success, RetriesExhausted or EventAgeExceeded. response: what `function` returned or raised.
    In a queue it is the body: `sqs(destination(...))`; of a topic the message, of a bus the detail.
    """
    one_of(condition, _CONDITIONS, "destination", "condition")
    failed = condition != "Success"
    error = {"errorMessage": "it failed", "errorType": "Exception", "stackTrace": []}
    return {
        "version": "1.0",
        "timestamp": iso_ms(at(time, "destination")),
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"{function_arn(function)}:$LATEST",
            "condition": condition,
            "approximateInvokeCount": (3 if failed else 1) if invoke_count is None else invoke_count,
        },
        "requestPayload": plain(payload, "destination"),
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            **({"functionError": "Unhandled"} if failed else {}),
        },
        "responsePayload": plain(error if failed and response is None else response, "destination"),
    }
