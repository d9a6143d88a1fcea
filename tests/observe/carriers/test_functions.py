"""Lambda and Step Functions: functions that are invoked, executions that are started."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from observe.context import Context
from observe.services import eventbridge, invoke, step_functions
from observe.testing import Lines
from tests.observe.carriers.cases import ARN, CONTEXT, Params, fresh_name, made, receipts_in


def test_a_client_context_tells_what_it_lost() -> None:
    """A synchronous call: not JSON, full, or with the caller's own correlation ID."""

    def encoded(document: str) -> Params:
        return {"ClientContext": base64.b64encode(document.encode()).decode()}

    assert invoke.lost({}, CONTEXT) == ""
    assert invoke.lost(encoded("[]"), CONTEXT) == "not_json"
    assert invoke.lost(encoded('{"a":"' + "x" * 2650 + '"}'), CONTEXT) == "too_large"
    assert invoke.lost(encoded('{"custom":{"x-correlation-id":"mine"}}'), CONTEXT) == "caller_has_own"
    assert invoke.lost({"InvocationType": "DryRun"}, CONTEXT) == ""


def test_what_a_name_makes_harmless_to_repeat_stays_so(opted: None) -> None:
    """The same name and input start one execution: a repeat with another parent would be refused."""
    named = {"stateMachineArn": ARN, "name": "CLM-1", "input": "{}"}
    assert step_functions.carry(named, CONTEXT)["input"] == "{}"
    assert step_functions.START.lost(named, CONTEXT) == "idempotent"
    assert step_functions.START_SYNC.lost(named, CONTEXT) == ""
    durable = {"InvocationType": "Event", "Payload": b"{}", "DurableExecutionName": "CLM-1"}
    assert invoke.carry(durable, CONTEXT) == durable
    assert invoke.lost(durable, CONTEXT) == "idempotent"


def test_x_ray_is_left_to_itself_where_it_records(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its trace header is the call's own; else ours is given, with the lineage that finds endless loops."""
    entry = {"Entries": [{"Detail": "{}"}]}
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=0;Lineage=1:a:0")
    header = eventbridge.carry(entry, CONTEXT)["Entries"][0]["TraceHeader"]
    assert header.startswith(
        "Root=1-4bf92f35-77b34da6a3ce929d0e0e4736;Parent=00f067aa0ba902b7;Sampled=0;Lineage"
    )
    assert step_functions.carry({"stateMachineArn": ARN}, CONTEXT)["traceHeader"] == header
    assert step_functions.carry({"traceHeader": "mine"}, CONTEXT)["traceHeader"] == "mine"
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-0-1;Parent=2;Sampled=1")
    assert "TraceHeader" not in eventbridge.carry(entry, CONTEXT)["Entries"][0]
    assert "traceHeader" not in step_functions.carry({"stateMachineArn": ARN}, CONTEXT)


@pytest.mark.parametrize("opt_in", [False, True])
def test_an_execution_is_started(
    lines: Lines, client: Callable[[str], Any], opt_in: bool, request: pytest.FixtureRequest
) -> None:
    """Its input has the context where that was asked for; else its ARN is told in a line."""
    if opt_in:
        request.getfixturevalue("opted")
    machines = client("stepfunctions")
    definition = json.dumps({"StartAt": "s", "States": {"s": {"Type": "Pass", "End": True}}})
    role = "arn:aws:iam::123456789012:role/r"
    machine = machines.create_state_machine(name=fresh_name(), definition=definition, roleArn=role)
    arn = machine["stateMachineArn"]
    started = made(lambda: machines.start_execution(stateMachineArn=arn, input='{"n": 1.10}'))["executionArn"]
    given = machines.describe_execution(executionArn=started)["input"]
    assert ("_observe" in given, '"n": 1.10}' in given) == (opt_in, True)
    assert lines.spans[1]["attributes"]["messaging.message.id"] == started
    assert [line["receipts"]["ids"] for line in receipts_in(lines)] == ([] if opt_in else [[started]])


def _custom(params: Params) -> dict[str, Any]:
    custom: dict[str, Any] = json.loads(base64.b64decode(params["ClientContext"]))["custom"]
    return custom


def test_a_client_context_of_the_callers_wins_whatever_its_case() -> None:
    """A second one under another spelling would make both unreadable; half a trace is not completed."""
    own = {"TraceParent": f"00-{'a' * 32}-{'b' * 16}-01", "X-Correlation-ID": "mine"}
    given = {"ClientContext": base64.b64encode(json.dumps({"custom": own}).encode()).decode()}
    carried = invoke.carry({"FunctionName": "f", **given}, CONTEXT)
    assert set(_custom(carried)) == {*own, "baggage"}
    assert invoke.lost(given, CONTEXT) == "caller_has_own"


def test_a_context_too_large_for_a_client_context_gives_its_ids() -> None:
    """3,583 bytes hold no 8 KiB of baggage: the two sides are one trace all the same."""
    large = Context(CONTEXT.trace_id, CONTEXT.span_id, correlation_id="CLM-1", baggage=(("k", "v" * 4000),))
    carried = invoke.carry({"FunctionName": "f"}, large)
    assert set(_custom(carried)) == {"traceparent", "x-correlation-id"}
    assert len(carried["ClientContext"]) <= invoke.CLIENT_CONTEXT_MAX
    assert invoke.lost({"FunctionName": "f"}, large) == "too_large"
    assert invoke.carry(carried, large) == carried


@pytest.mark.parametrize("left", range(0, 200, 7))
def test_a_client_context_stays_under_its_limit(left: int) -> None:
    """However much of the caller's is in it."""
    document = json.dumps({"env": {"a": "x" * (2650 - left)}}).encode()
    given = {"ClientContext": base64.b64encode(document).decode()}
    carried = invoke.carry(given, CONTEXT)["ClientContext"]
    assert len(carried) <= 3583
    assert (carried == given["ClientContext"]) == ("custom" not in json.loads(base64.b64decode(carried)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("f", "f"),
        ("f:live", "f"),
        ("123456789012:function:f", "f"),
        ("arn:aws:lambda:eu-west-1:123456789012:function:f:live", "f"),
    ],
)
def test_a_function_has_one_name(name: str, said: str) -> None:
    """Lambda takes a name, an ARN and a part of one, each with a version or an alias."""
    _, attributes = invoke.INVOKE.describe({"FunctionName": name})
    assert attributes == {"faas.invoked_name": said}
