"""The built zip under AWS's own runtime interface emulator, invoked as its documentation says: over HTTP.

https://docs.aws.amazon.com/lambda/latest/dg/images-test.html
"""

from __future__ import annotations

import base64
import json
import re
import shlex
import signal
import socket
import subprocess
import textwrap
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from console.local.function import LocalFunction
from console.local.launch import command_line, process_environment
from observe import testing
from observe.event_line import EVENT
from tests.observe import runtimes
from tests.observe.attached import HTTP_EVENT, TRACE, TRACEPARENT, WRAPPER

pytestmark = pytest.mark.runtime


#: How often it is started where somebody else takes its port.
_STARTS = 3


class Emulated:
    """One function behind the emulator, which starts its process with the first invocation."""

    def __init__(self, program: Path, function: LocalFunction, folder: Path, timeout_s: int) -> None:
        self._output = folder / "output.txt"
        start = folder / "bootstrap"  # as /var/runtime/bootstrap: the exec wrapper is its affair
        start.write_text(f"#!/bin/sh\nexec {shlex.join(command_line(function.config))}\n")
        start.chmod(0o755)
        environment = process_environment(function.config, "stream", "", 1)
        del environment["_LAMBDA_TELEMETRY_LOG_FD"]  # the emulator gives none
        environment["AWS_LAMBDA_FUNCTION_TIMEOUT"] = str(timeout_s)
        for _ in range(_STARTS):
            self._address, api = _free_addresses()
            addresses = ["--runtime-interface-emulator-address", self._address, "--runtime-api-address", api]
            command = [str(program), "--log-level", "error", *addresses, str(start)]
            self._process = self._started(command, environment)
            if _listens(self._process, self._address):
                return
            self.close()  # somebody else took one of its ports in the meantime
        pytest.fail(f"the emulator does not listen: {self.output}")

    def _started(self, command: list[str], environment: dict[str, str]) -> subprocess.Popen[bytes]:
        with self._output.open("wb") as output:
            return subprocess.Popen(
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def __call__(self, event: Any, **headers: str) -> Any:
        """Invoke it; return the reply, read."""
        url = f"http://{self._address}/2015-03-31/functions/function/invocations"
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(url, json.dumps(event).encode(), names)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return _read(reply.read())

    def close(self) -> None:
        """End the emulator, which ends the function's process."""
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    @property
    def output(self) -> list[str]:
        """The lines that were written so far, the emulator's own among them."""
        return self._output.read_text(encoding="utf-8").splitlines()

    @property
    def application(self) -> list[str]:
        """What the function wrote itself, times and request IDs masked."""
        own = r"START|END|REPORT|MONITORING|.*\"resourceSpans\"|.*\"message\":\"told\"|.*" + EVENT
        mask = r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\dT[0-9:.]+Z|task\d"
        return [re.sub(mask, "*", line) for line in self.output if line and not re.match(own, line)]

    @property
    def lines(self) -> testing.Lines:
        """What the layer wrote, read."""
        lines = testing.Lines()
        lines.raw += [f"{line}\n".encode() for line in self.output if not re.match(r"START|END|REPORT", line)]
        return lines


def _read(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode()  # the emulator's own message


def _free_addresses() -> tuple[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        return f"127.0.0.1:{one.getsockname()[1]}", f"127.0.0.1:{other.getsockname()[1]}"


def _listens(process: subprocess.Popen[bytes], address: str) -> bool:
    host, _, port = address.partition(":")
    for _ in range(200):
        try:
            socket.create_connection((host, int(port)), 1).close()
        except ConnectionRefusedError:
            time.sleep(0.05)
        else:
            return True
        if process.poll() is not None:
            return False
    return False


Emulate = Callable[..., Emulated]


@pytest.fixture(scope="session")
def program() -> Path:
    """The emulator."""
    return runtimes.emulator()


@pytest.fixture
def emulate(program: Path, opt: Path, tmp_path: Path) -> Iterator[Emulate]:
    """Make a function from source; `layer=False` for the bare one."""
    made: list[Emulated] = []

    def make(source: str, *, layer: bool = True, timeout_s: int = 20) -> Emulated:
        task = tmp_path / f"task{len(made)}"
        task.mkdir()
        (task / "app.py").write_text(textwrap.dedent(source))
        function = LocalFunction(
            "submit-claim",
            "app.handler",
            task,
            opt=opt if layer else None,
            environment=WRAPPER if layer else {},
            memory_mb=512,
        )
        made.append(Emulated(program, function, task, timeout_s))
        return made[-1]

    yield make
    for each in made:
        each.close()


APP = """
    import logging, sys
    logging.getLogger().setLevel("INFO")
    def handler(event, context):
        print("printed", event.get("rawPath"))
        logging.info("logged")
        if "observe" in sys.modules:
            import observe
            observe.log.info("told")
            observe.metrics.increment("claims")
        if event.get("boom"):
            raise ValueError("no such claim")
        return {"statusCode": 201, "custom": getattr(context.client_context, "custom", None)}
"""


def test_reply_and_lines(emulate: Emulate) -> None:
    """The reply and the function's own lines are the bare one's; ours are there, joined by their IDs."""
    bare, observed = emulate(APP, layer=False), emulate(APP)
    assert bare(HTTP_EVENT) == observed(HTTP_EVENT) == {"statusCode": 201, "custom": None}
    assert observed.application == bare.application
    assert [line.split()[0] for line in bare.application] == ["printed", "[INFO]"]
    own, init = sorted(observed.lines.spans, key=lambda span: "parentSpanId" in span)
    (log,) = observed.lines.logs
    request_id = next(line.split()[2] for line in observed.output if line.startswith("START"))
    assert (log["requestId"], log["span_id"]) == (request_id, own["spanId"])
    assert own["attributes"]["faas.invocation_id"] == request_id
    assert (own["attributes"]["correlation_id"], own["attributes"]["faas.coldstart"]) == ("CLM-1", True)
    assert (init["name"], init["parentSpanId"]) == ("init", own["spanId"])
    assert sum("|count|claims|" in line for line in observed.output) == 1

    observed(HTTP_EVENT)
    warm = observed.lines.spans[2:]
    assert [("faas.coldstart" in span["attributes"]) for span in warm] == [False]


def test_a_caller_who_waits(emulate: Emulate) -> None:
    """The client context reaches the handler as it was sent, and names the parent."""
    observed = emulate(APP)
    custom = {"traceparent": TRACEPARENT, "x-correlation-id": "CLM-9"}
    sent = base64.b64encode(json.dumps({"custom": custom}).encode()).decode()
    assert observed({}, X_Amz_Client_Context=sent)["custom"] == custom
    own = observed.lines.spans[0]
    assert (own["traceId"], own["parentSpanId"]) == (TRACE, TRACEPARENT.split("-")[2])
    assert own["attributes"]["correlation_id"] == "CLM-9"


def test_an_error(emulate: Emulate) -> None:
    """The emulator reports what it does without us; the event is told."""
    bare, observed = emulate(APP, layer=False), emulate(APP)
    reports = []
    for each in (bare, observed):
        reply = each({**HTTP_EVENT, "boom": True})
        del reply["requestId"]
        reports.append(re.sub(r"task\d", "", json.dumps(reply)))
    assert reports[0] == reports[1]
    assert "no such claim" in reports[0]
    assert observed.application == bare.application
    assert sum(EVENT in line for line in observed.output) == 1
    assert observed.lines.spans[0]["attributes"]["error.type"] == "ValueError"


def test_a_timeout(emulate: Emulate) -> None:
    """The watchdog's line comes before the kill, and a new process serves the next invocation."""
    source = """
        import time
        def handler(event, context):
            time.sleep(event.get("seconds", 0))
            return "done"
    """
    observed = emulate(source, timeout_s=1)
    assert "Task timed out after 1.00 seconds" in observed({**HTTP_EVENT, "seconds": 30})
    told = observed.lines.spans[0]
    assert told["attributes"]["error.type"] == "timeout"
    assert told["status"] == {"code": 2, "message": "ran into its timeout"}
    assert 0.5e9 < int(told["endTimeUnixNano"]) - int(told["startTimeUnixNano"]) < 1e9
    assert observed(HTTP_EVENT) == "done"
    own = [span for span in observed.lines.spans if "faas.invocation_id" in span["attributes"]]
    assert ["error.type" in span["attributes"] for span in own] == [True, False]
