"""One runtime process: started, watched for time and memory, killed with everything it started."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from console.local.invocation import FunctionConfig
from console.local.launch import command_line, process_environment
from console.local.output import OutputEvent, OutputPipe
from console.local.runtime_api import Message, RuntimeApi

_POLL_S = 0.02
_POLLS_PER_FAMILY = 10  # looking for child processes reads all of /proc


@dataclass(frozen=True, slots=True)
class Exited:
    """The process ended by itself. code: exit status, negative for a signal."""

    code: int


@dataclass(frozen=True, slots=True)
class NotStarted:
    """The process could not be started, which only a wrong exec wrapper can cause."""

    reason: str


@dataclass(frozen=True, slots=True)
class TimedOut:
    """The deadline passed."""


@dataclass(frozen=True, slots=True)
class OutOfMemory:
    """The process holds more memory than the function has."""


Event = Message | Exited | NotStarted | TimedOut | OutOfMemory


class MemoryGauge:
    """The resident memory of a process and its descendants, and its highest value."""

    def __init__(self, pid: int) -> None:
        self.max_bytes = 0
        self._process = psutil.Process(pid)
        self._family: list[psutil.Process] = []
        self._polls = 0

    def measure(self) -> int:
        """Return the bytes resident now."""
        if self._polls % _POLLS_PER_FAMILY == 0:
            self._family = self._descendants()
        self._polls += 1
        total = sum(_resident(process) for process in (self._process, *self._family))
        self.max_bytes = max(self.max_bytes, total)
        return total

    def _descendants(self) -> list[psutil.Process]:
        try:
            return self._process.children(recursive=True)
        except psutil.Error:
            return []


def _resident(process: psutil.Process) -> int:
    try:
        return process.memory_info().rss
    except psutil.Error:
        return 0  # it ended meanwhile


class RuntimeProcess:
    """A runtime process with its Runtime API and its output. Kill it to release everything."""

    def __init__(self, config: FunctionConfig, stream: str, emit: Callable[[OutputEvent], None]) -> None:
        self.api = RuntimeApi()
        self._limit_bytes = config.memory_mb << 20
        self._output = OutputPipe(emit)
        self._process: subprocess.Popen[bytes] | None = None
        self._problem = ""
        self._killed = False
        self._gauge: MemoryGauge | None = None
        try:
            self._process = self._start(config, stream)
        except OSError as error:
            self._problem = f"fork/exec {error.filename}: {(error.strerror or str(error)).lower()}"
        else:
            self._gauge = MemoryGauge(self._process.pid)

    @property
    def max_memory_mb(self) -> int:
        """The highest resident memory seen, in MB."""
        return -(-self._gauge.max_bytes >> 20) if self._gauge else 0

    @property
    def running(self) -> bool:
        """Whether the process can take another invocation."""
        return self._process is not None and self._process.poll() is None

    def wait(self, deadline_s: float) -> Event:
        """Return what happens next: a message of the runtime, or the end of it.

        deadline_s: on time.monotonic's clock. Memory is looked at every 20 ms.
        """
        while True:
            if self._process is None or self._gauge is None:
                return NotStarted(self._problem)
            message = self._message(min(_POLL_S, max(0.0, deadline_s - time.monotonic())))
            if self._gauge.measure() > self._limit_bytes and message is None:
                return OutOfMemory()
            if message is not None:
                return message
            if (code := self._process.poll()) is not None:
                # The runtime may have spoken between our last look and its end.
                return self._message(0.0) or Exited(code)
            if time.monotonic() >= deadline_s:
                return TimedOut()

    def drain(self) -> None:
        """Return when everything written so far has been emitted."""
        self._output.drain()

    def kill(self) -> None:
        """End the process group, emit its last output, release descriptors and threads; once."""
        if self._killed:
            return
        self._killed = True
        if self._process is not None:
            # All of it may have ended; macOS says EPERM for a group of zombies.
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._output.close()
        self.api.close()

    def _start(self, config: FunctionConfig, stream: str) -> subprocess.Popen[bytes]:
        fd = self._output.write_fd
        return subprocess.Popen(
            command_line(config),
            cwd=config.task_root,
            env=process_environment(config, stream, self.api.address, fd),
            stdin=subprocess.DEVNULL,
            stdout=fd,
            stderr=fd,
            pass_fds=(fd,),
            start_new_session=True,
        )

    def _message(self, timeout_s: float) -> Message | None:
        try:
            return (
                self.api.messages.get(timeout=timeout_s) if timeout_s > 0 else self.api.messages.get_nowait()
            )
        except queue.Empty:
            return None
