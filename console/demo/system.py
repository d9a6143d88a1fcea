"""The example's hybrid system, running: front door, two functions with the layer, queue, legacy server.

NotStartedError     a part could not be started; the message says which
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from console.errors import ConsoleError
from console.local.cloudwatch import CloudWatchLogWriter
from console.local.front_door import FrontDoor
from console.local.function import LocalFunction
from console.local.moto_server import MotoServer
from console.local.sqs import SqsPoller
from lambda_layer import build

LEGACY_GROUP = "/legacy/claims/access"
LEGACY_STREAM = "web-01"
QUEUE = "claims-submitted"
_START_S = 10.0


class NotStartedError(ConsoleError):
    """A part of the demo's system did not start. `reason` is always `not_started`."""

    reason = "not_started"


@dataclass(frozen=True, slots=True)
class System:
    """What runs, and how to reach it. url: the front door's. access_log: the legacy server's file."""

    url: str
    access_log: Path
    aws: MotoServer
    log: CloudWatchLogWriter
    poller: SqsPoller
    functions: dict[str, LocalFunction]
    runtime: str

    def settle(self, legacy_requests: int, timeout_s: float = 15.0) -> bool:
        """Wait until the queue is empty and every line is written; False if the time ran out first.

        legacy_requests: how many lines the access log must have; a slow one is logged when it is answered.
        """
        sqs, until = self.aws.client("sqs"), time.monotonic() + timeout_s
        url = sqs.get_queue_url(QueueName=QUEUE)["QueueUrl"]
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        while time.monotonic() < until:
            left = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"]
            answered = self.access_log.read_bytes().count(b"\n") >= legacy_requests
            if answered and not any(int(left[name]) for name in names):
                self.log.flush()
                return True
            time.sleep(0.05)
        return False


def example() -> Path:
    """Return the folder of the example: in a checkout, or beside this package in a wheel."""
    here = Path(__file__).parents[1]
    for path in (here / "examples" / "claims", here.parent / "examples" / "claims"):
        if path.exists():
            return path
    raise NotStartedError("examples/claims is missing: reinstall hybrid-observe")


@contextmanager
def running(archive: Path) -> Iterator[System]:
    """Start the system with the layer of `archive`, and stop it at the end.

    Raises NotStartedError; whatever had started by then is stopped.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="observe-demo-")))
        opt = folder / "opt"
        stack.callback(build.remove, opt)
        build.unpack(archive, opt)
        aws = stack.enter_context(MotoServer())
        log = stack.enter_context(CloudWatchLogWriter(aws.client("logs")))
        access_log = folder / "access.log"
        legacy = stack.enter_context(_legacy(access_log))
        queue = aws.client("sqs").create_queue(QueueName=QUEUE)["QueueUrl"]
        environment = {
            "AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec",
            "AWS_ENDPOINT_URL": aws.endpoint_url,
            "LEGACY_URL": legacy,
            "QUEUE_URL": queue,
        }
        functions = {
            name: stack.enter_context(_function(name, opt, environment, log, timeout_s, concurrency))
            for name, timeout_s, concurrency in (("submit-claim", 2.0, 4), ("assess-claim", 10.0, 1))
        }
        poller = stack.enter_context(
            SqsPoller(aws.client("sqs"), queue, functions["assess-claim"], batch_size=1)
        )
        door = stack.enter_context(
            FrontDoor(
                {
                    "POST /claims": functions["submit-claim"],
                    "GET /policies/{number}": f"{legacy}/policies/{{number}}",
                }
            )
        )
        runtime = functions["submit-claim"].runtime
        yield System(door.url, access_log, aws, log, poller, functions, runtime)


def _function(
    name: str,
    opt: Path,
    environment: dict[str, str],
    log: CloudWatchLogWriter,
    timeout_s: float,
    concurrency: int,
) -> Any:
    return LocalFunction(
        name,
        "app.handler",
        example() / "functions" / name.replace("-", "_"),
        opt=opt,
        environment=environment,
        timeout_s=timeout_s,
        memory_mb=256,
        log=log,
        concurrency=concurrency,
    )


@contextmanager
def _legacy(access_log: Path) -> Iterator[str]:
    """The legacy application in a process of its own, without our code on its path."""
    command = [sys.executable, "-I", str(example() / "legacy" / "app.py"), "0", str(access_log)]
    # A session of its own: Ctrl-C is ours to handle. It ends with its standard input, should we be killed.
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port.isdigit():
            raise NotStartedError("the legacy application did not start")
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        try:
            process.wait(_START_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
