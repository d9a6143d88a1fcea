"""Each way in which Lambda initialises, under the real runtime; and what is told of an invocation's end."""

from __future__ import annotations

import json
from typing import Any

import pytest

from observe import testing
from tests.observe.attached import HTTP_EVENT, Ran, Run

pytestmark = pytest.mark.runtime

TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"
APP = "import time\ntime.sleep(0.05)\ndef handler(event, context):\n    return 1\n"


def _spans(ran: Ran) -> list[dict[str, Any]]:
    """Every span that was written: `ran.spans` may be of what invocations did."""
    lines = testing.Lines()
    lines.raw += [line.encode() for line in ran.log.messages()]
    return lines.spans


def _own(ran: Ran) -> dict[str, Any]:
    (span,) = [span for span in _spans(ran) if "faas.invocation_id" in span["attributes"]]
    return span


def _started(ran: Ran) -> list[dict[str, Any]]:
    return [span for span in _spans(ran) if span["name"] in ("init", "restore")]


def _ms(span: dict[str, Any]) -> float:
    return (int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])) / 1e6


def test_on_demand_the_first_request_waited(run: Run) -> None:
    """The initialisation from the process's begin until the handler was loaded is a child of its span."""
    observed = run(APP)
    observed(HTTP_EVENT)
    own, (init,) = _own(observed), _started(observed)
    assert own["attributes"]["faas.coldstart"] is True
    assert (init["name"], init["parentSpanId"]) == ("init", own["spanId"])
    assert init["attributes"] == {"aws.lambda.initialization_type": "on-demand"}
    assert 50 < _ms(init) < 20_000
    assert int(init["endTimeUnixNano"]) <= int(own["startTimeUnixNano"])
    observed(HTTP_EVENT)
    assert "faas.coldstart" not in _own(observed)["attributes"]
    assert _started(observed) == []


def test_provisioned_concurrency_has_no_cold_start(run: Run) -> None:
    """It is initialised before a request comes."""
    observed = run(APP, environment={TYPE: "provisioned-concurrency"})
    observed(HTTP_EVENT)
    assert "faas.coldstart" not in _own(observed)["attributes"]
    assert _started(observed) == []


def test_managed_instances_have_no_cold_start(run: Run) -> None:
    """Their worker is forked before it loads the handler, and requests never wait for it."""
    environment = {TYPE: "lambda-managed-instances", "AWS_LAMBDA_MAX_CONCURRENCY": "1"}
    source = "import os\ndef handler(event, context):\n    return os.getpid() - os.getppid()\n"
    bare, observed = run(source, layer=False, environment=environment), run(source, environment=environment)
    for _ in range(2):
        assert json.loads(observed(HTTP_EVENT).payload) != 0
        assert "faas.coldstart" not in _own(observed)["attributes"]
        assert bare(HTTP_EVENT).status == "success"
    assert observed.said == []


def test_snap_start_waits_for_the_restore(run: Run) -> None:
    """What ran before the snapshot waited for nothing; the first invocation after the restore did."""
    source = """
        import time
        from snapshot_restore_py import register_after_restore, register_before_snapshot
        def handler(event, context):
            return 1
        @register_before_snapshot
        def warm():
            global handler
            import sys
            sys.modules["observe.entry"].handler({"warm": True}, None)
        @register_after_restore
        def reconnect():
            time.sleep(0.05)
        """
    observed = run(source, environment={TYPE: "snap-start"})
    observed(HTTP_EVENT)
    warm, own = (span for span in _spans(observed) if "faas.invocation_id" in span["attributes"])
    assert "faas.coldstart" not in warm["attributes"]
    assert own["attributes"]["faas.coldstart"] is True
    (restore,) = _started(observed)
    assert (restore["name"], restore["parentSpanId"]) == ("restore", own["spanId"])
    assert restore["attributes"] == {"aws.lambda.initialization_type": "snap-start"}
    assert 50 <= _ms(restore) < 10_000
    observed(HTTP_EVENT)
    assert "faas.coldstart" not in _own(observed)["attributes"]
    assert observed.said == []


def test_a_timeout_tells_the_stack_and_the_open_spans(run: Run) -> None:
    """Where the handler was, and in which spans, in one write before Lambda kills it."""
    source = """
        import time, observe
        def wait():
            time.sleep(30)
        def handler(event, context):
            with observe.span("price"):
                wait()
        """
    observed = run(source, timeout_s=1.0)
    assert observed(HTTP_EVENT).status == "timeout"
    told = [span for span in _spans(observed) if span["name"] != "init"]
    assert [span["name"] for span in told] == ["POST /claims", "price"]
    assert {span["attributes"]["error.type"] for span in told} == {"timeout"}
    (event,) = told[0]["events"]
    said = {pair["key"]: pair["value"]["stringValue"] for pair in event["attributes"]}
    _, *frames = said["exception.stacktrace"].splitlines()
    assert [frame.rpartition(" in ")[2] for frame in frames] == ["handler", "wait"]
    assert all("/app.py" in frame for frame in frames)


@pytest.mark.parametrize(("ends", "code"), [("sys.exit(0)", "0"), ("sys.exit('no')", "1")])
def test_an_exit_is_told_with_its_status(run: Run, ends: str, code: str) -> None:
    """Lambda takes it for Runtime.ExitError, whatever the status; the span says which it was."""
    observed = run(f"import sys\ndef handler(event, context):\n    {ends}\n")
    assert observed(HTTP_EVENT).error_type == "Runtime.ExitError"
    own = _own(observed)
    assert (own["status"]["code"], own["attributes"]["error.type"]) == (2, "SystemExit")
    assert own["attributes"]["process.exit.code"] == code


def test_memory_near_the_limit_is_said_once(run: Run) -> None:
    """A warning with the numbers, in the invocation that came near it, and not again."""
    source = "def handler(event, context):\n    kept = bytearray(event['mb'] << 20)\n    return len(kept)\n"
    observed = run(source, memory_mb=256)
    said = []
    for size in (1, 235, 235):
        observed({"mb": size})
        said.append([json.loads(line) for line in observed.log.messages() if '"observe.memory"' in line])
    first, (line,), last = said
    assert (first, last) == ([], [])
    assert line["level"] == "WARN"
    assert 235 <= line["memory"]["peak_mb"] < 300
    assert (line["memory"]["limit_mb"], line["memory"]["child_peak_mb"]) == (256, 0)


def test_a_replay_under_the_runtime_is_in_one_trace(run: Run) -> None:
    """Each environment and each invocation of a durable execution finds the same trace."""
    event = {"DurableExecutionArn": "arn:x/durable-execution/a/b", "CheckpointToken": "t"}
    one, other = run(APP), run(APP)
    traces = set()
    for ran in (one, other, one):
        ran({**event, "InitialExecutionState": {"Operations": []}})
        traces.add(_own(ran)["traceId"])
    assert len(traces) == 1
