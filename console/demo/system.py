"""The example's hybrid system, running: its template on moto, its legacy side, the layer attached."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from console.demo import legacy
from console.demo.example import example
from console.demo.legacy import Legacy
from console.local.cloudwatch import CloudWatchLogWriter
from console.local.moto_server import MotoServer
from console.local.stack import Stack, deploy
from console.local.template import load
from lambda_layer import build

#: The legacy side answers on after its caller has given up: its logs are complete when they rest this long.
_REST_S = 1.2
_LOOK_S = 0.1
_PREFIX = "observe-demo-"


@dataclass(frozen=True, slots=True)
class System:
    """What runs, and how to reach it. opt: the unpacked layer. runtime: what runs the handlers."""

    stack: Stack
    legacy: Legacy
    aws: MotoServer
    log: CloudWatchLogWriter
    opt: Path
    runtime: str

    @property
    def url(self) -> str:
        """The front door's address."""
        return self.stack.url

    def settle(self, timeout_s: float = 30.0) -> bool:
        """Wait until nothing is left to do and every line is in CloudWatch Logs; False if time ran out."""
        until_s = time.monotonic() + timeout_s
        done = self.stack.settled(timeout_s) and self._rested(until_s)
        self.ship()
        return done

    def ship(self) -> None:
        """See to it that what has been logged on both sides so far is in CloudWatch Logs."""
        self.legacy.ship(self.log)
        self.log.flush()

    def _rested(self, until_s: float) -> bool:
        size, since_s = self.legacy.written(), time.monotonic()
        while time.monotonic() < until_s:
            if time.monotonic() - since_s >= _REST_S:
                return True
            time.sleep(_LOOK_S)
            if self.legacy.written() != size:
                size, since_s = self.legacy.written(), time.monotonic()
        return False

    @property
    def reports(self) -> str:
        """The bucket of the legacy system's nightly reports."""
        return self.stack.bucket("Reports")

    def nightly(self) -> str:
        """Run the legacy system's nightly job, deliver its report as a file; return the file's name."""
        report = self.legacy.nightly()
        with report.open("rb") as body:
            self.aws.client("s3").put_object(Bucket=self.reports, Key=report.name, Body=body)
        return report.name


def sweep() -> None:
    """Remove the temporary folders of demos that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            with suppress(OSError):  # somebody else's
                build.remove(folder / "opt")
                shutil.rmtree(folder)


@contextmanager
def running(archive: Path, key_secret: str = "", port: int = 0) -> Iterator[System]:
    """Start the system with the layer of `archive`, and stop it at the end.

    Raises NotStartedError, TemplateError, NotDeployedError; whatever had started by then is stopped.
    """
    with ExitStack() as stack:
        sweep()
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")))
        opt = folder / "opt"
        stack.callback(build.remove, opt)
        build.unpack(archive, opt)
        aws = stack.enter_context(MotoServer())
        log = stack.enter_context(CloudWatchLogWriter(aws.client("logs")))
        old = stack.enter_context(legacy.running(folder / "legacy"))
        parameters = {
            "LegacyUrl": old.url,
            "ObserveLayerArn": "arn:aws:lambda:eu-west-1:123456789012:layer:hybrid-observe:1",
            "ObserveKeySecret": key_secret,
            "VisibilitySeconds": "3",
            "ReceiveCount": "2",
        }
        template = load(example() / "template.yaml", parameters, stack_name="claims")
        deployed = stack.enter_context(deploy(template, aws, opt=opt, log=log, port=port))
        runtime = next(iter(deployed.functions.values())).runtime
        yield System(deployed, old, aws, log, opt, runtime)
