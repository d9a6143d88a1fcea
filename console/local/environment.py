"""One execution environment: a log stream and a runtime process that serves one call at a time.

https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from console.local.cloudwatch import LogWriter
from console.local.invocation import FunctionConfig, Invocation, InvokeResult
from console.local.log_stream import LogStream
from console.local.outcome import Outcome, outcome_of
from console.local.platform_lines import Report, billed_ms, lines_for
from console.local.process import RuntimeProcess
from console.local.runtime_api import Failure, Next, Response

_INIT_LIMIT_S = 10.0


@dataclass(frozen=True, slots=True)
class _Init:
    """How long an initialisation took, and how it failed if it did."""

    ms: float
    failure: Outcome | None


class Environment:
    """An environment, started by its first invocation. Not thread-safe: one caller at a time."""

    def __init__(self, config: FunctionConfig, writer: LogWriter | None) -> None:
        name = time.strftime("%Y/%m/%d/[$LATEST]", time.gmtime()) + secrets.token_hex(16)
        level = config.log_level if config.json_logs else None
        self._config = config
        self._stream = LogStream(config.log_group, name, writer, level)
        self._lines = lines_for(config)
        self._process: RuntimeProcess | None = None

    @property
    def config(self) -> FunctionConfig:
        """The configuration it was started with."""
        return self._config

    @property
    def usable(self) -> bool:
        """Whether another invocation can be given to this environment."""
        return self._process is not None and self._process.running

    def invoke(self, invocation: Invocation) -> InvokeResult:
        """Run one invocation; its log events are with the writer when this returns."""
        try:
            return self._serve(invocation)
        finally:
            self._stream.flush()

    def close(self) -> None:
        """End the process and write its last output."""
        self._stop()
        self._stream.flush()

    def _serve(self, invocation: Invocation) -> InvokeResult:
        init = None if self._process else self._first_init(invocation.request_id)
        started_s = time.monotonic()
        failure = self._second_init(invocation.request_id) if init and init.failure else None
        span_id = secrets.token_hex(8)
        header = invocation.trace_header
        self._log(self._lines.start(invocation.request_id, header, span_id, _now_ms()))
        outcome = failure or self._run(invocation)
        duration_ms = (time.monotonic() - started_s) * 1000
        self._settle(outcome, invocation.request_id)
        result = self._result(outcome, invocation.request_id, duration_ms, init)
        self._log(self._lines.finished(self._report(result, outcome, header, span_id), _now_ms()))
        return result

    def _first_init(self, request_id: str) -> _Init:
        self._log(self._lines.init_start(self._stream.name, _now_ms()))
        return self._init("init", request_id, _INIT_LIMIT_S)

    def _second_init(self, request_id: str) -> Outcome | None:
        # Lambda tries again as part of the invocation, within the function's own timeout.
        self._stop()
        return self._init("invoke", request_id, self._config.timeout_s).failure

    def _init(self, phase: str, request_id: str, limit_s: float) -> _Init:
        started_s = time.monotonic()
        self._process = RuntimeProcess(self._config, self._stream.name, self._stream.output)
        event = self._process.wait(started_s + limit_s)
        init_ms = (time.monotonic() - started_s) * 1000
        self._process.drain()
        if isinstance(event, Next):
            return _Init(init_ms, None)
        failure = outcome_of(event, request_id, limit_s)
        self._log(self._lines.init_failed(phase, failure.status, failure.error_type, init_ms, _now_ms()))
        return _Init(init_ms, failure)

    def _run(self, invocation: Invocation) -> Outcome:
        process = self._process
        assert process is not None
        timeout_s = self._config.timeout_s
        deadline_s = time.monotonic() + timeout_s
        process.api.offer(invocation, _now_ms() + int(timeout_s * 1000))
        event = process.wait(deadline_s)
        outcome = outcome_of(event, invocation.request_id, timeout_s)
        if isinstance(event, Response | Failure):
            # The invocation is over when the runtime asks for the next one.
            after = process.wait(deadline_s)
            if not isinstance(after, Next):
                end = outcome_of(after, invocation.request_id, timeout_s)
                return Outcome(outcome.status, outcome.payload, outcome.error_type, True, end.crash)
        return outcome

    def _settle(self, outcome: Outcome, request_id: str) -> None:
        """Write the last of the function's output, then what ended it."""
        assert self._process is not None
        if outcome.fatal:
            self._process.kill()
        else:
            self._process.drain()
        if outcome.status == "timeout":
            self._log(self._lines.timed_out(request_id, self._config.timeout_s, _now_ms()))
        if outcome.crash is not None:
            self._log(self._lines.exited(request_id, outcome.crash))

    def _result(
        self, outcome: Outcome, request_id: str, duration_ms: float, init: _Init | None
    ) -> InvokeResult:
        # A failed initialisation has its own line, and its repetition counts as duration.
        init_ms = init.ms if init and not init.failure else None
        return InvokeResult(
            status=outcome.status,
            payload=outcome.payload,
            request_id=request_id,
            error_type=outcome.error_type,
            duration_ms=duration_ms,
            init_ms=init_ms,
            cold_start=init is not None,
            billed_ms=billed_ms(duration_ms, init_ms),
            max_memory_mb=self._process.max_memory_mb if self._process else 0,
        )

    def _report(self, result: InvokeResult, outcome: Outcome, header: str, span_id: str) -> Report:
        return Report(
            request_id=result.request_id,
            trace_header=header,
            span_id=span_id,
            status=result.status,
            error_type=None if result.status == "timeout" else result.error_type,
            duration_ms=result.duration_ms,
            billed_ms=result.billed_ms,
            memory_mb=self._config.memory_mb,
            max_memory_mb=result.max_memory_mb,
            init_ms=result.init_ms,
            fatal=outcome.fatal,
        )

    def _log(self, messages: list[str]) -> None:
        self._stream.platform(messages)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
