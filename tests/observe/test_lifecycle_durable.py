"""Durable functions: one trace an execution, and what a replay goes over is not told again.

https://docs.aws.amazon.com/lambda/latest/dg/durable-functions.html
"""

from __future__ import annotations

import contextlib
import datetime
import json
import sys
import time
import types
from typing import Any

import pytest

import observe
from observe import ids, lifecycle, settings
from observe import invocation as invocations
from observe.testing import LambdaContext, Lines
from tests.observe.running import run, sqs_event

ARN = "arn:aws:lambda:eu-west-1:123456789012:function:claims:$LATEST/durable-execution/order-1/0b5c"
DERIVED = ids.derive_trace_id(ARN)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def _event(*operations: Any, given: object = None, **more: Any) -> dict[str, Any]:
    details = {} if given is None else {"ExecutionDetails": {"InputPayload": json.dumps(given)}}
    first = {"Id": "e", "Type": "EXECUTION", "Status": "STARTED", **details}
    state = {"Operations": [first, *operations], "NextMarker": ""}
    return {"DurableExecutionArn": ARN, "CheckpointToken": "t", "InitialExecutionState": state, **more}


STEP = {"Id": "s", "Type": "STEP", "Status": "SUCCEEDED"}


def test_every_invocation_of_an_execution_is_in_one_trace(lines: Lines) -> None:
    """Where nothing came in, trace and correlation ID are derived from the execution's ARN."""
    run(_event())
    run(_event(STEP))
    assert {span["traceId"] for span in lines.spans} == {DERIVED}
    assert {span["attributes"]["correlation_id"] for span in lines.spans} == {DERIVED}
    assert {span["attributes"]["aws.lambda.durable_execution.arn"] for span in lines.spans} == {ARN}


@pytest.mark.parametrize(
    ("given", "trace"),
    [
        (sqs_event({"traceparent": f"00-{TRACE}-{'b' * 16}-01"}), TRACE),
        (sqs_event({"traceparent": f"00-{TRACE}-{'b' * 16}-01"}, {}), DERIVED),
        ({"version": "2.0", "headers": {"x-correlation-id": "C"}, "requestContext": {"http": {}}}, None),
        ({"claim": 1}, DERIVED),
        ([], DERIVED),
        ("x" * 300_000, DERIVED),
    ],
)
def test_what_the_executions_own_input_carries_goes_on(lines: Lines, given: object, trace: str) -> None:
    """The input comes with each invocation, so each finds the same context in it."""
    for event in (_event(given=given), _event(STEP, given=given)):
        run(event)
    assert {span["traceId"] for span in lines.spans} == {trace or ids.derive_trace_id("C")}


def test_a_caller_who_waits_comes_first(lines: Lines) -> None:
    """The client context of a synchronous start is the caller's own."""
    run(_event(), custom={"traceparent": f"00-{TRACE}-{'b' * 16}-01"})
    assert lines.spans[0]["traceId"] == TRACE


@pytest.mark.parametrize(
    "event",
    [
        {"DurableExecutionArn": 3, "CheckpointToken": None},
        {"DurableExecutionArn": "", "CheckpointToken": "", "InitialExecutionState": []},
        {**_event(), "InitialExecutionState": {"Operations": {"a": 1}, "NextMarker": 7}},
        {**_event(), "InitialExecutionState": {"Operations": [None, 3, [], {"Type": []}]}},
        {
            **_event(),
            "InitialExecutionState": {"Operations": [{"ExecutionDetails": {"InputPayload": "[" * 90_000}}]},
        },
    ],
)
def test_a_malformed_execution_is_a_plain_invocation(lines: Lines, event: dict[str, Any]) -> None:
    """Whatever has such names in it reaches the handler as it is, and is told."""
    assert run(event, lambda given, context: given is event) is True
    assert len(lines.spans) == 1
    assert [line for line in lines.logs if line["event"] == "observe.fault"] == []


class _Version3:
    """DurableContext, as far as a replay's end is seen in it."""

    def __init__(self) -> None:
        self.replays = True

    def is_replaying(self) -> bool:
        return self.replays

    def _set_replay_status_new(self) -> None:
        self.replays = False


class _Version1:
    """ExecutionState of version 1, likewise: asked before each operation."""

    def __init__(self) -> None:
        self.left = 2

    def is_replaying(self) -> bool:
        return self.left > 0

    def track_replay(self, operation_id: str) -> None:
        self.left -= 1


def _installed(monkeypatch: pytest.MonkeyPatch, module: str, name: str, kind: type) -> None:
    found = types.ModuleType(module)
    setattr(found, name, type(name, (kind,), dict(kind.__dict__)))
    monkeypatch.setitem(sys.modules, module, found)


def _muted() -> bool:
    assert invocations.active is not None
    return invocations.active.muted


def test_a_replay_is_muted_until_the_sdk_has_left_it(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Versions 2 and 3: a context says that it does something new."""
    module = "aws_durable_execution_sdk_python.context"
    _installed(monkeypatch, module, "DurableContext", _Version3)
    seen: list[bool] = []

    def function(event: Any, context: Any) -> None:
        seen.append(_muted())
        sys.modules[module].DurableContext()._set_replay_status_new()
        seen.append(_muted())

    for event in (_event(), _event(STEP), _event(STEP)):
        run(event, function)
    assert seen == [False, False, True, False, True, False]


def test_a_replay_of_version_1_is_muted_until_it_is_over(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Version 1: its state is asked before each operation."""
    module = "aws_durable_execution_sdk_python.state"
    _installed(monkeypatch, module, "ExecutionState", _Version1)
    seen: list[bool] = []

    def function(event: Any, context: Any) -> None:
        state = sys.modules[module].ExecutionState()
        for operation in "ab":
            state.track_replay(operation)
            seen.append(_muted())

    run(_event(STEP), function)
    assert seen == [True, False]


@pytest.mark.parametrize("way", ["raises", "is failed by the SDK", "runs into its timeout"])
def test_a_replay_that_fails_tells_its_event(lines: Lines, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    """Muted is what earlier invocations have said. The event of this one nobody has: it is told, once."""
    _installed(monkeypatch, "aws_durable_execution_sdk_python.context", "DurableContext", _Version3)
    monkeypatch.setenv("OBSERVE_LOG_LEVEL", "DEBUG")
    settings.reset()

    def function(event: Any, context: Any) -> Any:
        observe.log.info("said before")
        observe.metrics.increment("counted.before")
        if way == "raises":
            raise ValueError("no such claim")
        if way == "runs into its timeout":
            time.sleep(0.2)
        return {"Status": "FAILED", "Error": {"ErrorType": "ValueError", "ErrorMessage": "no such claim"}}

    with contextlib.suppress(ValueError):
        run(_event(STEP), function, remaining_ms=150)
    (told,) = lines.failed_events
    assert told["error.type"] == ("timeout" if "timeout" in way else "ValueError")
    event = json.loads(told["invocation_event"]["json"])
    assert event["DurableExecutionArn"] == ARN
    assert event["CheckpointToken"] == "[REDACTED]"  # with it another could checkpoint in its place
    assert (lines.logs, lines.metrics) == ([], [])
    assert lines.spans[0]["status"]["code"] == 2


def test_nothing_is_lost_where_nobody_says_when_a_replay_ends(lines: Lines) -> None:
    """An SDK that we do not know: lines are told again rather than lost, and that is said once."""
    seen: list[bool] = []
    for event in (_event(STEP), _event(STEP)):
        run(event, lambda event, context: seen.append(_muted()))
    assert seen == [False, False]
    assert [line["event"] for line in lines.logs] == ["observe.durable_replay_unknown"]


@pytest.mark.parametrize("status", ["SUCCEEDED", "PENDING"])
def test_an_execution_that_waits_has_not_failed(lines: Lines, status: str) -> None:
    """What the SDK replies is the handler's result, to the object."""
    reply = {"Status": status}
    assert run(_event(), lambda event, context: reply) is reply
    assert "status" not in lines.spans[0]


def test_an_execution_that_failed_is_an_error(lines: Lines) -> None:
    """The SDK returns the exception that ended the execution; Lambda counts no error, whoever looks does."""
    reply = {"Status": "FAILED", "Error": {"ErrorType": "ValueError", "ErrorMessage": "no such claim"}}
    assert run(_event(), lambda event, context: reply) is reply
    (span,) = lines.spans
    assert span["status"] == {"code": 2, "message": "no such claim"}
    assert span["attributes"]["error.type"] == "ValueError"


def test_a_suspension_is_no_failure(lines: Lines) -> None:
    """Where ours is the inner decorator, the SDK leaves by an exception that is control flow."""
    suspend = type("SuspendExecution", (BaseException,), {})
    suspend.__module__ = "aws_durable_execution_sdk_python.exceptions"
    timed = type("TimedSuspendExecution", (suspend,), {})("for 5 s")

    def function(event: Any, context: Any) -> None:
        raise timed

    with pytest.raises(suspend) as caught:
        run({}, function)
    assert caught.value is timed
    assert "status" not in lines.spans[0]
    assert not lifecycle.is_suspension(type("SuspendExecution", (BaseException,), {})())


class _Service:
    """The two calls of Lambda's durable API that the SDK makes, in memory."""

    def __init__(self) -> None:
        self.operations: dict[str, dict[str, Any]] = {}

    def checkpoint_durable_execution(self, *, Updates: list[Any], **_: Any) -> dict[str, Any]:  # noqa: N803
        changed = [self._apply(update) for update in Updates]
        return {"CheckpointToken": "next", "NewExecutionState": {"Operations": changed}}

    def _apply(self, update: dict[str, Any]) -> dict[str, Any]:
        kind = update["Type"]
        done = update["Action"] == "SUCCEED"
        kept = {"Id": update["Id"], "Type": kind, "Status": "SUCCEEDED" if done else "STARTED"}
        kept.update({name: update[name] for name in ("Name", "SubType", "ParentId") if name in update})
        if kind == "STEP":
            kept["StepDetails"] = {"Attempt": 1, "Result": update.get("Payload")}
        elif kind == "WAIT":
            at = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=5)
            kept["WaitDetails"] = {"ScheduledEndTimestamp": at}
        self.operations[update["Id"]] = kept
        return kept

    def event(self) -> dict[str, Any]:
        """What Lambda starts the next invocation with: every wait is over."""
        told = []
        for kept in self.operations.values():
            over = {"Status": "SUCCEEDED", "WaitDetails": {}} if kept["Type"] == "WAIT" else {}
            told.append({**kept, **over})
        return _event(*told, given={"claim": 1})


def test_with_the_real_sdk_each_line_is_told_once(lines: Lines) -> None:
    """Three invocations of one execution: what each says anew is said, what it goes over is muted."""
    sdk = pytest.importorskip("aws_durable_execution_sdk_python", reason="the durable SDK is not installed")
    config = pytest.importorskip("aws_durable_execution_sdk_python.config")
    service = _Service()
    told: list[str] = []

    def tell(word: str) -> str:
        if not _muted():
            told.append(word)
        return word

    def function(event: Any, context: Any) -> str:
        tell("begin")
        context.step(lambda _: tell("in step one"), name="one")
        tell("after step one")
        context.wait(config.Duration.from_seconds(5))
        tell("after the wait")
        context.step(lambda _: tell("in step two"), name="two")
        context.wait(config.Duration.from_seconds(5))
        tell("end")
        return "done"

    handler = observe.instrument(sdk.durable_execution(function, boto3_client=service))
    statuses = [handler(service.event(), LambdaContext())["Status"] for _ in range(3)]
    assert statuses == ["PENDING", "PENDING", "SUCCEEDED"]
    assert told == ["begin", "in step one", "after step one", "after the wait", "in step two", "end"]
    assert {span["traceId"] for span in lines.spans} == {DERIVED}
    assert [span for span in lines.spans if "status" in span] == []
