"""Functions on the real runtime client."""

from __future__ import annotations

import gc
import json
import os
import threading
from pathlib import Path

import psutil
import pytest

from console.local.function import FunctionClosedError, LocalFunction, PayloadTooLargeError

from .conftest import MakeFunction, MemoryLogWriter

pytestmark = pytest.mark.runtime

ECHO = """
import os, sys
def handler(event, context):
    return {"event": event, "environ": dict(os.environ), "path": sys.path, "cwd": os.getcwd(),
            "custom": context.client_context and context.client_context.custom,
            "arn": context.invoked_function_arn, "id": context.aws_request_id,
            "left": context.get_remaining_time_in_millis()}
"""


def test_a_reply_comes_back_with_what_report_says(function: MakeFunction) -> None:
    """A function's reply, identity and numbers reach its caller."""
    fn = function(ECHO)
    cold, warm = fn.invoke({"n": 1}), fn.invoke({"n": 2})
    reply = json.loads(cold.payload)
    assert (cold.status, cold.error_type, reply["event"]) == ("success", None, {"n": 1})
    assert (reply["id"], reply["arn"]) == (cold.request_id, fn.arn)
    assert 0 < reply["left"] <= 20_000
    assert (cold.cold_start, warm.cold_start, warm.init_ms) == (True, False, None)
    assert cold.init_ms is not None
    assert cold.max_memory_mb > 0
    assert fn.runtime.startswith("awslambdaric ")


def test_only_documented_variables_reach_the_function(
    function: MakeFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing of our environment is inherited but PATH, and our own variables are gone."""
    monkeypatch.setenv("SECRET_OF_OURS", "x")
    environ = json.loads(function(ECHO, environment={"MINE": "1"}).invoke({}).payload)["environ"]
    assert environ["MINE"] == "1"
    assert environ["AWS_EXECUTION_ENV"].startswith("AWS_Lambda_python3.")
    assert "SECRET_OF_OURS" not in environ
    assert not [name for name in environ if name.startswith(("OBSERVE_LOCAL", "_LAMBDA"))]


def test_the_task_root_comes_first_and_our_packages_not_at_all(
    function: MakeFunction, tmp_path: Path
) -> None:
    """Modules are searched in the task root, then the layer, and never in this repository."""
    (tmp_path / "opt" / "python").mkdir(parents=True)
    fn = function(ECHO, opt=tmp_path / "opt")
    reply = json.loads(fn.invoke({}).payload)
    version = f"python{'.'.join(map(str, __import__('sys').version_info[:2]))}"
    assert reply["path"][0] == reply["cwd"] == str(fn.config.task_root)
    assert reply["path"][1:3] == [
        str(tmp_path / "opt/python/lib" / version / "site-packages"),
        str(tmp_path / "opt/python"),
    ]
    assert str(Path(__file__).parents[3]) not in reply["path"]


def test_an_isolated_site_replaces_ours_but_keeps_lambdas_own(function: MakeFunction, tmp_path: Path) -> None:
    """With an isolated site only its packages and the runtime's own can be imported."""
    site = tmp_path / "site"
    site.mkdir()
    (site / "mine.py").write_text("value = 7")
    source = """
        import importlib.util, botocore, mine
        def handler(event, context):
            return [mine.value, [n for n in ("structlog", "moto", "observe") if importlib.util.find_spec(n)]]
    """
    assert json.loads(function(source, isolated_site=site).invoke({}).payload) == [7, []]


def test_the_exec_wrapper_gets_the_original_command_line(function: MakeFunction, tmp_path: Path) -> None:
    """A wrapper named /opt/NAME is run from the layer with the command line as its arguments."""
    wrapper = tmp_path / "opt" / "wrap"
    wrapper.parent.mkdir()
    wrapper.write_text('#!/bin/sh\nexport WRAPPED="$#:$(basename "$2")"\nexec "$@"\n')
    wrapper.chmod(0o755)
    fn = function(ECHO, opt=tmp_path / "opt", environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrap"})
    assert json.loads(fn.invoke({}).payload)["environ"]["WRAPPED"] == "2:bootstrap.py"


def test_opt_in_pythonpath_is_the_layer(function: MakeFunction, tmp_path: Path) -> None:
    """A function may name the layer's folders there, as an image function does; other paths stay."""
    opt = tmp_path / "opt"
    paths = ":".join(("/opt/python", "/opt", "/optional", str(tmp_path), ""))
    played = [str(opt / "python"), str(opt), "/optional", str(tmp_path), ""]
    fn = function(ECHO, opt=opt, environment={"PYTHONPATH": paths, "OTHER": "/opt/python"})
    reply = json.loads(fn.invoke({}).payload)
    assert reply["environ"]["PYTHONPATH"].split(":") == played
    assert reply["environ"]["OTHER"] == "/opt/python"
    assert set(played[:4]) <= set(reply["path"])
    alone = function(ECHO, environment={"PYTHONPATH": paths})
    assert json.loads(alone.invoke({}).payload)["environ"]["PYTHONPATH"] == paths


def test_a_missing_exec_wrapper_is_an_invalid_entrypoint(function: MakeFunction, tmp_path: Path) -> None:
    """A wrapper that is not there fails the invocation, with its path in the message."""
    fn = function(ECHO, opt=tmp_path, environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/none"})
    result = fn.invoke({})
    assert result.error_type == "Runtime.InvalidEntrypoint"
    assert str(tmp_path / "none") in json.loads(result.payload)["errorMessage"]


def test_a_handlers_exception_is_the_error_document(function: MakeFunction) -> None:
    """An exception comes back as errorType, errorMessage and stackTrace; the environment stays warm."""
    fn = function("def handler(event, context): raise KeyError(event['k'])")
    result = fn.invoke({"k": "claim"})
    document = json.loads(result.payload)
    assert (result.status, result.error_type) == ("error", "KeyError")
    assert document["errorMessage"] == "'claim'"
    assert "app.py" in document["stackTrace"][0]
    assert not fn.invoke({"k": 1}).cold_start


def test_an_init_error_is_tried_twice_and_told_to_the_caller(
    function: MakeFunction, log: MemoryLogWriter
) -> None:
    """A module that cannot be imported fails in the init phase, again in the invocation, then the call."""
    result = function("import does_not_exist").invoke({})
    lines = log.messages()
    phases = [line.split("\t")[1] for line in lines if line.startswith("INIT_REPORT")]
    assert (result.status, result.error_type) == ("error", "Runtime.ImportModuleError")
    assert "does_not_exist" in json.loads(result.payload)["errorMessage"]
    assert phases == ["Phase: init", "Phase: invoke"]
    assert lines[-1].endswith("\tStatus: error\tError Type: Runtime.ImportModuleError\t\n")


def test_an_init_that_fails_once_still_serves(function: MakeFunction, tmp_path: Path) -> None:
    """What failed in the init phase may succeed when it is repeated in the invocation."""
    source = f"""
        import pathlib
        marker = pathlib.Path({str(tmp_path / "marker")!r})
        if not marker.exists():
            marker.touch()
            raise RuntimeError("first time")
        def handler(event, context): return "second time"
    """
    result = function(source).invoke({})
    assert (result.status, result.payload, result.cold_start) == ("success", b'"second time"', True)


def test_an_exit_during_init_is_an_exit_error(function: MakeFunction) -> None:
    """A module that ends the process makes Runtime.ExitError with the exit status."""
    result = function("import os; os._exit(3)").invoke({})
    assert result.error_type == "Runtime.ExitError"
    assert json.loads(result.payload)["errorMessage"].endswith("Runtime exited with error: exit status 3")


def test_a_timeout_kills_and_the_next_call_is_cold(function: MakeFunction, log: MemoryLogWriter) -> None:
    """After a timeout the output so far and the timeout are logged, and a fresh environment serves."""
    source = """
        import time
        def handler(event, context):
            print("before", flush=True)
            time.sleep(event)
            return "done"
    """
    fn = function(source, timeout_s=1.0)
    late, next_one = fn.invoke(600), fn.invoke(0)
    lines = log.messages()
    assert (late.status, late.error_type) == ("timeout", "Sandbox.Timedout")
    assert (next_one.status, next_one.cold_start) == ("success", True)
    assert [line.split(" ", 2)[-1] for line in lines[2:4]] == [
        "before\n",
        "Task timed out after 1.00 seconds\n\n",
    ]
    assert lines[4].startswith("END ")
    assert lines[5].endswith("\tStatus: timeout\t\n")
    assert len(log.streams) == 2


def test_too_much_memory_kills(function: MakeFunction, log: MemoryLogWriter) -> None:
    """A function that holds more than its memory ends as Runtime.OutOfMemory."""
    source = """
        import time
        def handler(event, context):
            kept = b"x" * (300 << 20)
            time.sleep(60)
    """
    result = function(source).invoke({})
    assert (result.status, result.error_type) == ("error", "Runtime.OutOfMemory")
    assert result.max_memory_mb > 128
    assert "RequestId: " + result.request_id + " Error: Runtime exited with error: signal: killed" in "".join(
        log.messages()
    )
    assert log.messages()[-1].endswith("Error Type: Runtime.OutOfMemory\t\n")


@pytest.mark.parametrize(
    ("end", "words"),
    [
        ("os._exit(1)", "Runtime exited with error: exit status 1"),
        ("os._exit(0)", "Runtime exited without providing a reason"),
        ("os.kill(os.getpid(), 9)", "Runtime exited with error: signal: killed"),
    ],
)
def test_a_process_that_ends_is_an_exit_error(
    function: MakeFunction, log: MemoryLogWriter, end: str, words: str
) -> None:
    """However the process ends in an invocation, caller and log are told how."""
    fn = function(
        f"import os\ndef handler(event, context):\n    print('last', end='', flush=True)\n    {end}"
    )
    result = fn.invoke({})
    assert result.error_type == "Runtime.ExitError"
    assert json.loads(result.payload)["errorMessage"] == f"RequestId: {result.request_id} Error: {words}"
    assert log.messages()[2:4] == [
        "last",
        f"RequestId: {result.request_id} Error: {words}\nRuntime.ExitError\n",
    ]
    assert fn.invoke({}).cold_start


def test_prints_and_records_stay_in_order(function: MakeFunction, log: MemoryLogWriter) -> None:
    """print, stderr and logging lines appear between START and END as they were written."""
    source = """
        import logging, sys
        logging.getLogger().setLevel("INFO")
        def handler(event, context):
            for n in range(50):
                print("print", n)
                logging.info("record %d", n)
                sys.stderr.write(f"stderr {n}\\n")
            print("no newline", end="")
    """
    fn = function(source)
    fn.invoke({})
    lines = log.messages()
    kinds = [line.split("\t")[-1] for line in lines[2:-2]]
    assert lines[1].startswith("START RequestId: ")
    assert lines[-2].startswith("END RequestId: ")
    expected = [f"{kind} {n}\n" for n in range(50) for kind in ("print", "record", "stderr")]
    assert kinds == [*expected, "no newline"]
    times = [event.timestamp_ms for event in next(iter(log.streams.values()))]
    assert times == sorted(times)


def test_a_traceback_is_one_event(function: MakeFunction, log: MemoryLogWriter) -> None:
    """A record of several lines, and one larger than the pipe, is one event each."""
    source = """
        import logging
        def handler(event, context):
            try:
                1 / 0
            except ZeroDivisionError:
                logging.exception("oops\\nagain")
            logging.error("x" * 200_000 + "\\nend")
            raise ValueError("out")
    """
    function(source).invoke({})
    events = log.messages()[2:-2]
    assert len(events) == 3
    assert "oops\nagain\nTraceback" in events[0]
    assert events[1].endswith("x\nend\n")
    assert events[2].startswith("[ERROR] ValueError: out\nTraceback")


def test_json_format_and_level(function: MakeFunction, log: MemoryLogWriter) -> None:
    """In JSON format platform lines are JSON and application lines below the level are dropped."""
    source = """
        import json, logging
        def handler(event, context):
            stamp = "2026-01-01T00:00:00Z"
            logging.warning("record")
            logging.info("dropped by the runtime")
            print("plain")
            print(json.dumps({"timestamp": stamp, "level": "error", "message": "kept"}))
            print(json.dumps({"timestamp": stamp, "level": "INFO", "message": "dropped"}))
            raise ValueError("bad")
    """
    environment = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "WARN"}
    result = function(source, environment=environment).invoke(
        {}, trace_header="Root=1-5-a;Parent=b;Sampled=1"
    )
    events = [json.loads(line) for line in log.messages()]
    kinds = [event.get("type") or event.get("message") or event["errorMessage"] for event in events]
    assert kinds == [
        "platform.initStart",
        "platform.start",
        "record",
        "kept",
        "bad",
        "platform.runtimeDone",
        "platform.report",
    ]
    assert events[1]["record"]["tracing"]["value"] == "Root=1-5-a;Parent=b;Sampled=1"
    assert events[-1]["record"]["requestId"] == result.request_id
    assert events[-1]["record"]["status"] == "error"


def test_client_context_and_trace_header_reach_the_handler(function: MakeFunction) -> None:
    """The client context is parsed by the runtime and the trace header is in the environment."""
    fn = function(ECHO)
    header = "Root=1-65a1b2c3-0123456789abcdef01234567;Parent=0123456789abcdef;Sampled=1"
    given = json.loads(fn.invoke({}, client_context='{"custom": {"k": "v"}}', trace_header=header).payload)
    made = json.loads(fn.invoke({}).payload)["environ"]["_X_AMZN_TRACE_ID"]
    assert given["custom"] == {"k": "v"}
    assert given["environ"]["_X_AMZN_TRACE_ID"] == header
    assert [part.split("=")[0] for part in made.split(";")] == ["Root", "Parent", "Sampled", "Lineage"]


def test_concurrent_calls_get_environments_of_their_own(function: MakeFunction, log: MemoryLogWriter) -> None:
    """Calls at the same time run in different processes, up to the concurrency."""
    source = """
        import os, pathlib, time
        def handler(event, context):
            folder = pathlib.Path(event)
            (folder / str(os.getpid())).touch()
            while len(list(folder.iterdir())) < 3:
                time.sleep(0.01)
            return os.getpid()
    """
    fn = function(source, concurrency=3)
    meeting = fn.config.task_root / "meeting"
    meeting.mkdir()
    pids: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: pids.append(fn.invoke(str(meeting)).payload)) for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(pids) == 5
    assert len(set(pids)) == len(log.streams) == 3


def test_a_reply_that_is_too_large_is_a_function_error(function: MakeFunction) -> None:
    """More than 6 MiB of reply is refused, and the caller is told why."""
    result = function("def handler(event, context): return 'x' * (7 << 20)").invoke({})
    assert (result.status, result.error_type) == ("error", "Function.ResponseSizeTooLarge")


def test_an_event_that_is_too_large_is_refused(function: MakeFunction) -> None:
    """More than 6 MiB of event never reaches the function."""
    with pytest.raises(PayloadTooLargeError):
        function(ECHO).invoke("x" * (7 << 20))


def test_closing_leaves_nothing_behind(tmp_path: Path) -> None:
    """After close() no process, thread, descriptor or folder of ours is left."""
    (tmp_path / "app.py").write_text(
        "import subprocess\ndef handler(e, c):\n    subprocess.Popen(['sleep', '600'])\n    return 1"
    )
    me = psutil.Process()
    gc.collect()
    before = me.num_fds(), threading.active_count(), len(me.children(recursive=True))
    with LocalFunction("f", "app.handler", tmp_path, isolated_site=tmp_path, timeout_s=20) as fn:
        assert fn.invoke({}).status == "success"
        links = fn.config.sites[0]
        assert os.path.isdir(links)
    gc.collect()
    after = me.num_fds(), threading.active_count(), len(me.children(recursive=True))
    assert all(left <= had for left, had in zip(after, before, strict=True)), (before, after)
    assert not os.path.exists(links)
    with pytest.raises(FunctionClosedError):
        fn.invoke({})


def test_an_environment_that_cannot_be_made_is_not_waited_for(
    function: MakeFunction, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its caller has the error; the next call has its place, and close() ends."""
    fn = function(ECHO)
    with monkeypatch.context() as patch:
        patch.setattr("console.local.function.Environment", _broken)
        with pytest.raises(OSError, match="no descriptors"):
            fn.invoke({})
    assert (fn.in_hand, fn.started) == (0, 0)
    replies: list[str] = []
    calling = threading.Thread(target=lambda: replies.append(fn.invoke({}).status), daemon=True)
    calling.start()
    calling.join(20)
    closing = threading.Thread(target=fn.close, daemon=True)
    closing.start()
    closing.join(20)
    assert (replies, closing.is_alive()) == (["success"], False)


def _broken(*_: object) -> None:
    raise OSError("no descriptors")
