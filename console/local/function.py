"""A Lambda function on this machine: a name, its environments, and `invoke`.

Errors: PayloadTooLargeError (reason `payload_too_large`) for an event over 6 MiB; FunctionClosedError (reason
`closed`) after close(). Whatever goes wrong in the function is not raised but returned.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from console.local.cloudwatch import LogWriter
from console.local.environment import Environment
from console.local.invocation import (
    MAX_PAYLOAD_BYTES,
    FunctionConfig,
    Invocation,
    InvokeResult,
    new_request_id,
    new_trace_header,
)
from console.local.launch import choose_runtime, link_runtime, runtime_label, site_folder


class PayloadTooLargeError(ValueError):
    """The event is larger than Lambda takes."""

    reason = "payload_too_large"


class FunctionClosedError(RuntimeError):
    """The function was closed."""

    reason = "closed"


class LocalFunction:
    """One function with up to `concurrency` environments. Thread-safe; a context manager.

    opt: the unpacked layer, read-only. environment: the function's own variables; they also choose
    log format, log level and exec wrapper. isolated_site: a folder that plays site-packages instead of
    the one this program runs from; Lambda's own packages (boto3, awslambdaric, ...) stay importable.
    A call beyond the concurrency waits, where Lambda would throttle it.
    """

    def __init__(
        self,
        name: str,
        handler: str,
        task_root: Path | str,
        *,
        opt: Path | str | None = None,
        environment: Mapping[str, str] | None = None,
        timeout_s: float = 3.0,
        memory_mb: int = 128,
        account: str = "123456789012",
        region: str = "eu-west-1",
        log: LogWriter | None = None,
        concurrency: int = 1,
        isolated_site: Path | str | None = None,
    ) -> None:
        self._links = tempfile.TemporaryDirectory(prefix="var-runtime-") if isolated_site else None
        self.config = FunctionConfig(
            name=name,
            handler=handler,
            task_root=Path(task_root).resolve(),
            opt=Path(opt).resolve() if opt else None,
            environment=dict(environment or {}),
            timeout_s=timeout_s,
            memory_mb=memory_mb,
            account=account,
            region=region,
            python=sys.executable,
            sites=self._sites(isolated_site),
            runtime=choose_runtime(os.environ),
        )
        self._log = log
        self._concurrency = concurrency
        self._idle: list[Environment] = []
        self._busy = 0
        self._started = 0
        self._closed = False
        self._changed = threading.Condition()
        _announce(self.runtime)

    @property
    def name(self) -> str:
        """The function's name."""
        return self.config.name

    @property
    def arn(self) -> str:
        """The function's ARN."""
        return self.config.arn

    @property
    def log_group(self) -> str:
        """The function's log group."""
        return self.config.log_group

    @property
    def runtime(self) -> str:
        """What runs the handler: `awslambdaric <version>` or `stand-in`."""
        return runtime_label(self.config.runtime)

    @property
    def in_hand(self) -> int:
        """How many invocations run now."""
        with self._changed:
            return self._busy

    @property
    def started(self) -> int:
        """How many invocations have started so far."""
        with self._changed:
            return self._started

    def invoke(
        self,
        event: object,
        *,
        client_context: str | None = None,
        trace_header: str | None = None,
        request_id: str | None = None,
    ) -> InvokeResult:
        """Run the function once and wait for its end.

        event: what json.dumps takes, or bytes sent as they are. client_context: JSON text.
        trace_header: handed on as given; one is made when there is none, as Lambda does. request_id: a
        retry's, which is that of the first attempt.
        Raises PayloadTooLargeError, FunctionClosedError.
        """
        payload = event if isinstance(event, bytes) else json.dumps(event).encode()
        if len(payload) > MAX_PAYLOAD_BYTES:
            raise PayloadTooLargeError(f"event of {len(payload)} bytes; Lambda takes {MAX_PAYLOAD_BYTES}")
        header = trace_header or new_trace_header(time.time())
        invocation = Invocation(request_id or new_request_id(), payload, header, self.arn, client_context)
        environment = self._acquire()
        try:
            return environment.invoke(invocation)
        finally:
            self._release(environment)

    def redeploy(self, environment: Mapping[str, str]) -> None:
        """Replace the function's variables. What runs ends with the old ones, what comes next starts cold."""
        self._renew(replace(self.config, environment=dict(environment)))

    def recycle(self) -> None:
        """Have the next invocation start cold; what runs now ends undisturbed."""
        self._renew(replace(self.config))

    def close(self) -> None:
        """Wait for running invocations, then end every process."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._busy == 0)
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.close()
        if self._links is not None:
            self._links.cleanup()

    def __enter__(self) -> LocalFunction:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _renew(self, config: FunctionConfig) -> None:
        with self._changed:
            self.config = config
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.close()

    def _sites(self, isolated_site: Path | str | None) -> tuple[Path, ...]:
        if self._links is None or isolated_site is None:
            return (site_folder(),)
        folder = Path(self._links.name)
        link_runtime(folder)
        return (folder, Path(isolated_site).resolve())

    def _acquire(self) -> Environment:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._busy < self._concurrency)
            if self._closed:
                raise FunctionClosedError(f"{self.name} is closed")
            # The environment used last is the one Lambda prefers, too.
            environment = self._idle.pop() if self._idle else Environment(self.config, self._log)
            self._busy += 1  # only now: close() waits for what is counted
            self._started += 1
            return environment

    def _release(self, environment: Environment) -> None:
        with self._changed:
            # One whose configuration was replaced meanwhile has served its last invocation.
            if environment.usable and environment.config is self.config:
                self._idle.append(environment)
                self._end()
                return
        try:
            environment.close()
        finally:
            with self._changed:
                self._end()

    def _end(self) -> None:
        self._busy -= 1
        self._changed.notify_all()


_announced: set[str] = set()


def _announce(runtime: str) -> None:
    """Say once on stderr that handlers do not run on the real runtime."""
    if runtime == "stand-in" and runtime not in _announced:
        _announced.add(runtime)
        print("local Lambda: awslambdaric is not available, using the stand-in runtime", file=sys.stderr)
