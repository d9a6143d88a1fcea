"""The life of a process: who waited for its start, exits, forks, memory."""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import pytest

import observe
from observe import invocation as invocations
from observe import lifecycle, outcome, settings, stdout
from observe.testing import LambdaContext, Lines
from tests.observe.running import run

TYPE = "AWS_LAMBDA_INITIALIZATION_TYPE"


def _cold(lines: Lines) -> list[bool]:
    spans = [span for span in lines.spans if "faas.invocation_id" in span["attributes"]]
    return [span["attributes"].get("faas.coldstart", False) for span in spans]


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let time pass for the process, by a number of seconds."""

    def pass_by(seconds: float) -> None:
        now = lifecycle._elapsed() + int(seconds * 1e9)
        monkeypatch.setattr(lifecycle, "_elapsed", lambda: now)

    return pass_by


def test_one_start_is_told_once_whatever_is_decorated(lines: Lines) -> None:
    """Two handlers of one module: the second one's first invocation waited for nothing."""
    first = observe.instrument(lambda event, context: 1)
    second = observe.instrument(lambda event, context: 2)
    for function in (second, first, second):
        function({}, LambdaContext())
    assert _cold(lines) == [True, False, False]


@pytest.mark.parametrize(
    ("kind", "cold"),
    [
        ("on-demand", True),
        ("provisioned-concurrency", False),
        ("lambda-managed-instances", False),
        ("some-day", True),
    ],
)
def test_who_is_initialised_ahead_has_no_cold_start(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, kind: str, cold: bool
) -> None:
    """faas.coldstart and the span `init` are where a request waited, and nowhere else."""
    monkeypatch.setenv(TYPE, kind)
    function = observe.instrument(lambda event, context: 1)
    function({}, LambdaContext())
    function({}, LambdaContext())
    assert _cold(lines) == [cold, False]
    started = [span for span in lines.spans if span["name"] == "init"]
    assert len(started) == cold
    for span in started:
        own = lines.spans[0]
        assert (span["traceId"], span["parentSpanId"]) == (own["traceId"], own["spanId"])
        assert span["attributes"] == {"aws.lambda.initialization_type": kind}
        assert int(span["startTimeUnixNano"]) < int(span["endTimeUnixNano"]) <= int(own["startTimeUnixNano"])


@pytest.mark.parametrize(("seconds", "cold"), [(9, True), (11, False)])
def test_a_proactive_initialisation_is_no_cold_start(
    lines: Lines, later: Any, seconds: float, cold: bool
) -> None:
    """An environment that lay ready for more than ten seconds made nobody wait."""
    function = observe.instrument(lambda event, context: 1)
    later(seconds)
    function({}, LambdaContext())
    assert _cold(lines) == [cold]


def test_a_jump_of_the_wall_clock_changes_no_cold_start(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What lies between start and invocation is a duration, and so is the start itself."""
    monkeypatch.setenv(TYPE, "on-demand")
    function = observe.instrument(lambda event, context: 1)
    before = time.time_ns()
    monkeypatch.setattr(stdout, "now", lambda: before - 3600 * 10**9)
    function({}, LambdaContext())
    assert _cold(lines) == [True]
    (span,) = [span for span in lines.spans if span["name"] == "init"]
    age = int(span["endTimeUnixNano"]) - int(span["startTimeUnixNano"])
    assert 0 < age < 900 * 10**9


def test_the_process_began_before_the_layer_was_imported() -> None:
    """/proc tells when, to 10 ms; what cannot be is not believed."""
    if sys.platform == "linux":
        assert 0 < lifecycle._process_began() <= lifecycle._imported + 10_000_000


@pytest.mark.parametrize(
    "stat", [b"", b"1 (a) S", b"1 (a) b) " + b"x " * 30, b"1 (a) " + b"9" * 30 + b" " * 9]
)
def test_a_strange_proc_is_left_alone(monkeypatch: pytest.MonkeyPatch, stat: bytes) -> None:
    """Where the age cannot be read the import of the layer is the earliest reading."""
    monkeypatch.setattr(lifecycle, "_read", lambda path: stat)
    assert lifecycle._process_began() == 0
    assert lifecycle._peak_kb() == 0


def test_a_process_that_seems_too_old_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """No initialisation takes longer than fifteen minutes."""
    monkeypatch.setattr(lifecycle, "_read", lambda path: b"1 (a (b) c) S " + b"0 " * 18 + b"100 0")
    monkeypatch.setattr(lifecycle, "_imported", 2 * 10**9)
    assert lifecycle._process_began() == 10**9
    monkeypatch.setattr(lifecycle, "_imported", 902 * 10**9)
    assert lifecycle._process_began() == 0


def test_a_restore_starts_anew(lines: Lines, monkeypatch: pytest.MonkeyPatch, later: Any) -> None:
    """Before the snapshot nobody waits; after it the clock counts from the restore, on which all wait."""
    monkeypatch.setenv(TYPE, "snap-start")
    monkeypatch.setattr(lifecycle, "_hooked", True)
    function = observe.instrument(lambda event, context: 1)
    function({}, LambdaContext())  # what warms up before the snapshot
    later(86400)
    lifecycle.begin_restore()
    lifecycle.restored()
    for _ in range(2):
        function({}, LambdaContext())
    assert _cold(lines) == [False, True, False]
    (span,) = [span for span in lines.spans if span["name"] == "restore"]
    assert span["attributes"] == {"aws.lambda.initialization_type": "snap-start"}
    lifecycle.restored()
    later(11)
    function({}, LambdaContext())
    assert _cold(lines)[-1] is False


def test_a_handler_decorated_in_an_invocation_starts_nothing(lines: Lines) -> None:
    """What is decorated while an invocation runs waited for no initialisation."""
    run({}, lambda event, context: run({}))
    assert _cold(lines) == [False, True]


@pytest.mark.parametrize(("code", "said"), [(3, 3), (0, 0), (None, 0), ("text", 1), (True, 1), (-1, 255)])
def test_an_exit_tells_its_status(lines: Lines, code: Any, said: int) -> None:
    """Lambda takes every exit for a failure, sys.exit(0), too; the span has the status."""
    with pytest.raises(SystemExit) as caught:
        run({}, lambda event, context: sys.exit(code))
    assert caught.value.code is code
    (span,) = lines.spans
    assert (span["status"]["code"], span["attributes"]["error.type"]) == (2, "SystemExit")
    assert int(span["attributes"]["process.exit.code"]) == said


@pytest.mark.parametrize("raised", [GeneratorExit(), KeyboardInterrupt()])
def test_control_flow_of_python_is_a_failure(lines: Lines, raised: BaseException) -> None:
    """Whatever leaves a handler but a result has failed it, and passes on."""

    def function(event: Any, context: Any) -> None:
        raise raised

    with pytest.raises(type(raised)) as caught:
        run({}, function)
    assert caught.value is raised
    assert lines.spans[0]["attributes"]["error.type"] == type(raised).__name__


# --- Memory -----------------------------------------------------------------------------------


def _settings(**variables: str) -> settings.Settings:
    return settings.Settings(variables)


@pytest.fixture
def _untold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lifecycle, "_memory_told", False)


@pytest.mark.usefixtures("_untold")
def test_memory_near_the_limit_is_said_once(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning with numbers, of the invocation in which it was seen, and no second one."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1")
    function = observe.instrument(lambda event, context: 1)
    for number in range(3):
        function({}, LambdaContext(f"r-{number}"))
    (line,) = lines.logs
    assert (line["level"], line["event"], line["requestId"]) == ("WARN", "observe.memory", "r-0")
    told = line["memory"]
    assert told["limit_mb"] == 1
    assert told["peak_mb"] > 1
    assert f"{told['peak_mb']} MB of 1 MB ({told['peak_mb'] * 100} %)" in line["message"]


@pytest.mark.usefixtures("_untold")
@pytest.mark.parametrize(
    "variables",
    [
        {},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1000000"},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1", "OBSERVE_MEMORY_WARN": "0"},
    ],
)
def test_memory_is_not_warned_of_without_reason(lines: Lines, variables: dict[str, str]) -> None:
    """Nothing is said far from the limit, without one, or where nobody wants it."""
    lifecycle.check_memory(_settings(**variables))
    assert lines.logs == []


@pytest.mark.usefixtures("_untold")
def test_a_child_counts_if_it_was_larger_than_its_parent(
    lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A child's peak begins with its parent's, so a small one adds nothing, and a large one itself."""
    import resource

    peaks = {resource.RUSAGE_SELF: 60 << 10, resource.RUSAGE_CHILDREN: 60 << 10}

    class Usage:
        def __init__(self, who: int) -> None:
            self.ru_maxrss = peaks[who]

    monkeypatch.setattr(resource, "getrusage", Usage)
    monkeypatch.setattr(lifecycle, "_peak_kb", lambda: 50 << 10)
    found = _settings(AWS_LAMBDA_FUNCTION_MEMORY_SIZE="128")
    lifecycle.check_memory(found)
    assert lines.logs == []
    peaks[resource.RUSAGE_CHILDREN] = 70 << 10
    lifecycle.check_memory(found)
    (line,) = lines.logs
    assert line["memory"] == {"peak_mb": 120, "child_peak_mb": 70, "limit_mb": 128}
    assert "120 MB of 128 MB (93 %), 70 MB of them in a child process" in line["message"]


# --- Forks ------------------------------------------------------------------------------------


def test_a_forked_child_that_returns_tells_nothing(lines: Lines) -> None:
    """The invocation is its parent's; the child gets its result and has no invocation of its own."""
    reading, writing = os.pipe()

    def function(event: Any, context: Any) -> str:
        with observe.span("before"):
            child = os.fork()
        if child:
            os.waitpid(child, 0)
        return "parent" if child else "child"

    before = os.getpid()
    result = run({}, function)
    if os.getpid() != before:
        told = [result, str(len(lines.raw)), str(invocations.active), str(observe.current())]
        os.write(writing, "|".join(told).encode())
        os._exit(0)
    os.close(writing)
    assert os.read(reading, 1000).decode() == "child|0|None|None"
    assert result == "parent"
    assert [span["name"] for span in lines.spans] == ["unknown_service", "before"]


def test_a_forked_child_that_writes_has_the_requests_identity(lines: Lines) -> None:
    """Lines of a child are its own, with the request's identity; no spans or metrics are kept for later."""
    reading, writing = os.pipe()

    def function(event: Any, context: Any) -> None:
        child = os.fork()
        if not child:
            observe.log.info("of the child")
            observe.metrics.increment("of.the.child")
            os.write(writing, b"".join(lines.raw))
            os._exit(0)
        os.waitpid(child, 0)

    run({"headers": {"x-correlation-id": "C-1"}, "httpMethod": "GET", "requestContext": {}}, function)
    os.close(writing)
    said = os.read(reading, 10_000).decode().splitlines()
    assert len(said) == 2
    assert '"message":"of the child"' in said[0]
    assert '"correlation_id":"C-1"' in said[0]
    assert said[1].startswith("MONITORING|")


def test_the_frame_of_ours_is_no_part_of_a_stack() -> None:
    """What the runtime leaves out of stacks is what our one frame is named like."""
    observed: Any = observe.instrument(lambda event, context: sys._getframe(1).f_code.co_filename)
    assert observed({}, None) == outcome.OWN_FRAME
