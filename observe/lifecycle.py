"""The life of a process: who waited for its start, restores, forks, memory; and durable executions.

What a request waited for is `faas.coldstart` on its invocation's span, and a child span `init` or
`restore`. How each is decided, and what cannot be known: docs/lifecycle.md
"""

from __future__ import annotations

import os
import sys
import time

from observe import guard, ids, semconv, stdout, watchdog, wire
from observe import invocation as invocations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from observe.invocation import Invocation
    from observe.settings import Settings
    from observe.source import Record

#: An environment initialised longer before its first invocation was initialised proactively: nobody waited.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html#runtimes-lifecycle-ib
PROACTIVE_NS = 10_000_000_000
#: Lambda initialises these ahead of requests, which never wait for it.
#: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-scaling.html
_AHEAD = ("provisioned-concurrency", "lambda-managed-instances")
_SNAP_START = "snap-start"
_TYPE_VARIABLE = "AWS_LAMBDA_INITIALIZATION_TYPE"
#: No initialisation may take longer: a process that seems older has told its age wrongly.
_INIT_MAX_NS = 900_000_000_000

#: Linux counts the age of processes by this clock; it never jumps.
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def _elapsed() -> int:
    return time.clock_gettime_ns(_CLOCK)


class Start:
    """An initialisation or a restore that has ended. name: `init` or `restore`, as Lambda calls its phases.

    began: by _CLOCK, 0 where it is the process's own begin. ended: by _CLOCK; ended_unix_nano: by the wall
    clock, which counts on from there.
    """

    __slots__ = ("began", "ended", "ended_unix_nano", "name")

    def __init__(self, name: str, began: int = 0) -> None:
        self.name = name
        self.began = began
        self.ended = _elapsed()
        self.ended_unix_nano = stdout.now()


_imported = _elapsed()
#: The start that no invocation has followed yet.
pending: Start | None = None
#: How many forks lie between this process and the one that loaded the layer.
forks = 0
_restoring = 0
_hooked = False


def loaded() -> None:
    """Note that a handler has been loaded: the initialisation has come so far.

    One that is decorated inside an invocation starts nothing.
    """
    global pending, _hooked
    if invocations.active is not None:
        return
    pending = Start("init")
    if not _hooked and os.environ.get(_TYPE_VARIABLE) == _SNAP_START:
        from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped,unused-ignore]

        # The runtime calls them in the order of registration: user code's own come before this one.
        register_after_restore(guard.guarded, restored)
        _hooked = True


def begin_restore() -> None:
    """Note the earliest moment after a restore that code can see."""
    global _restoring
    _restoring = _elapsed()


def restored() -> None:
    """Begin the life of an environment that was restored from a snapshot: nothing of before counts.

    IDs are read from the kernel, which Lambda gives new randomness; settings are those of the version.
    https://docs.aws.amazon.com/lambda/latest/dg/snapstart-uniqueness.html
    """
    global pending, _memory_told
    pending = Start("restore", _restoring)
    _memory_told = False
    watchdog.renew()


def _watch_restores() -> None:
    if os.environ.get(_TYPE_VARIABLE) != _SNAP_START:
        return
    from snapshot_restore_py import register_after_restore  # type: ignore[import-untyped,unused-ignore]

    register_after_restore(guard.guarded, begin_restore)


# Before user code registers its own hooks, so that these are part of what is told as `restore`.
guard.guarded(_watch_restores)


def _forked() -> None:
    """In a child the invocation is its parent's: who opened it tells of it."""
    global forks
    forks += 1
    invocations.active = None
    watchdog.forked()


os.register_at_fork(after_in_child=_forked)


def waited_for(settings: Settings) -> Start | None:
    """Return the start that the request now served has waited for, None if it has not; asked once a start."""
    global pending
    start, pending = pending, None
    if start is None or settings.initialization_type in _AHEAD:
        return None
    if start.name == "init" and _hooked:
        return None  # an invocation before the snapshot, which warms up what user code has
    # Without the runtime's hooks nobody knows when the restore was; there always is one.
    known = settings.initialization_type != _SNAP_START or start.name == "restore"
    return start if not known or _elapsed() - start.ended <= PROACTIVE_NS else None


def tell_start(start: Start, invocation: Invocation, settings: Settings) -> None:
    """Add what the request waited for as a child of the invocation's span: the first line, sampled or not.

    Outside of Lambda nobody says how the process was initialised, and there is none.
    """
    if _TYPE_VARIABLE not in os.environ:
        return
    began = start.began or _process_began() or _imported
    span = wire.Span(
        invocation.span.trace_id,
        ids.new_span_id(),
        invocation.span.span_id,
        start.name,
        wire.KIND_INTERNAL,
        start.ended_unix_nano - max(0, start.ended - began),
        {semconv.AWS_LAMBDA_INITIALIZATION_TYPE: settings.initialization_type},
    )
    span.end_unix_nano = start.ended_unix_nano
    invocation.finished.append(span)


def _process_began() -> int:
    """When this process began, by _CLOCK and to 10 ms; 0 where Linux does not say, or says what cannot be.

    Field 22 of https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
    """
    try:
        fields = _read("/proc/self/stat").rpartition(b")")[2].split()
        began = int(fields[19]) * 1_000_000_000 // os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return 0
    return began if 0 <= _imported - began <= _INIT_MAX_NS else 0


def _read(path: str) -> bytes:
    """The first 4 KiB of a file of /proc: `open` costs thirty times as much."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(descriptor, 4096)
    finally:
        os.close(descriptor)


# --- How an invocation ends -------------------------------------------------------------------


def exit_code(error: SystemExit) -> int:
    """Return the status that a process ends with: https://docs.python.org/3/library/exceptions.html#SystemExit."""
    code = error.code
    if code is None:
        return 0
    return code & 0xFF if isinstance(code, int) else 1


_memory_told = False


def check_memory(settings: Settings) -> None:
    """Say once a process, in one WARN line, that it has come near the function's memory.

    A peak never falls, so there is one crossing. A child's own peak is at first what it inherited when it
    was made, so only one larger than ours is added.
    """
    global _memory_told
    limit_kb = settings.memory_mb * settings.memory_warn * 10.24
    if _memory_told or not limit_kb:
        return
    from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage  # 0.2 ms: not at import

    own, child = getrusage(RUSAGE_SELF).ru_maxrss, getrusage(RUSAGE_CHILDREN).ru_maxrss
    if own + child < limit_kb:
        return
    child = child if child > own else 0
    # What was inherited over fork and exec is in ru_maxrss, too, and not in VmHWM.
    own = _peak_kb() or own
    if own + child < limit_kb:
        return
    _memory_told = True
    from observe.identity import fields

    peak_mb = (own + child) >> 10
    of = f"{settings.memory_mb} MB ({peak_mb * 100 // settings.memory_mb} %)"
    besides = f", {child >> 10} MB of them in a child process" if child else ""
    said = f"hybrid-observe: memory peaked at {peak_mb} MB of {of}{besides} (said once a process)"
    told = {"peak_mb": peak_mb, "child_peak_mb": child >> 10, "limit_mb": settings.memory_mb}
    line = {**fields("WARN", said), "event": "observe.memory", "memory": told}
    stdout.write(wire.log_line(line))


def _peak_kb() -> int:
    """VmHWM: the peak of this process since it was started; 0 where there is no /proc.

    https://man7.org/linux/man-pages/man5/proc_pid_status.5.html
    """
    try:
        return int(_read("/proc/self/status").partition(b"VmHWM:")[2].split(None, 1)[0])
    except (OSError, ValueError, IndexError):
        return 0


# --- Durable executions -----------------------------------------------------------------------

#: https://docs.aws.amazon.com/lambda/latest/dg/durable-invocation-input.html
_ARN = "DurableExecutionArn"
#: An input larger than this is not read for a context again and again.
_INPUT_MAX = 256 * 1024
_SDK = "aws_durable_execution_sdk_python"
#: (module, class, method) after which a context may have reached what it has not done before: the SDK's
#: version 2 and 3, and version 1. Each class has `is_replaying()`.
_BOUNDARIES = (
    (f"{_SDK}.context", "DurableContext", "_set_replay_status_new"),
    (f"{_SDK}.state", "ExecutionState", "track_replay"),
)


def is_durable(event: object) -> bool:
    """Whether `event` is how Lambda starts a durable function, or has it go on."""
    return type(event) is dict and _ARN in event and "CheckpointToken" in event


def durable_records(event: Mapping[str, Any], lambda_context: object) -> list[Record]:
    """Return whose request a durable execution is: the same for each of its invocations.

    event: {"DurableExecutionArn", "CheckpointToken", "InitialExecutionState": {"Operations": [...]}}.
    The client context comes first, for the caller is waiting; [] for that. Else what the execution's own
    input carries, if that is one message; else the trace derived from the execution's ARN.
    """
    from observe.context import CORRELATION_ID
    from observe.services import invoke
    from observe.source import Record, identified, text

    arn = text(event.get(_ARN))
    if not arn or identified(invoke.record(lambda_context).headers):
        return []
    return [guard.guarded(_carried, event) or Record({CORRELATION_ID: ids.derive_trace_id(arn)})]


def _carried(event: Mapping[str, Any]) -> Record | None:
    import json

    from observe.services import source_of
    from observe.source import identified, mapping, text

    first = next(iter(_operations(event)), None)
    raw = text(mapping(mapping(first).get("ExecutionDetails")).get("InputPayload"))
    if not 0 < len(raw) <= _INPUT_MAX:
        return None
    try:
        given = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    source = source_of(given)
    records = source.records(given) if source is not None else []
    if source is None or len(records) != 1 or not identified(records[0].headers):
        return None
    records[0].public = records[0].public or source.public
    return records[0]


def _operations(event: Mapping[str, Any]) -> list[Any]:
    from observe.source import mapping

    found = mapping(event.get("InitialExecutionState")).get("Operations")
    return found if isinstance(found, list) else []


def begin_durable(invocation: Invocation, event: Mapping[str, Any]) -> None:
    """Name the execution; mute what a replay says again until the SDK has left what is done behind."""
    from observe.source import mapping, text

    invocation.span.attributes[semconv.AWS_LAMBDA_DURABLE_EXECUTION_ARN] = text(event.get(_ARN))
    more = mapping(event.get("InitialExecutionState")).get("NextMarker")
    if more or any(mapping(one).get("Type") != "EXECUTION" for one in _operations(event)):
        invocation.muted = _boundary_watched()


def _boundary_watched() -> bool:
    """Whether we learn when a replay ends: where we would not, lines are told twice rather than lost."""
    found = False
    for name, kind, method in _BOUNDARIES:
        owner = getattr(sys.modules.get(name), kind, None)
        original = getattr(owner, method, None)
        if original is None or not callable(getattr(owner, "is_replaying", None)):
            continue
        if getattr(original, "__observed__", False) is not True:
            setattr(owner, method, _unmuting(original))
        found = True
    if not found:
        from observe.notes import say_once

        say_once("durable_replay_unknown")
    return found


def _unmuting(original: Callable[..., Any]) -> Callable[..., Any]:
    def boundary(self: Any, *args: Any, **kwargs: Any) -> Any:
        result = original(self, *args, **kwargs)
        guard.guarded(_unmute, self)
        return result

    boundary.__observed__ = True  # type: ignore[attr-defined]
    return boundary


def _unmute(durable: Any) -> None:
    invocation = invocations.active
    if invocation is not None and invocation.muted and not durable.is_replaying():
        invocation.muted = False


def end_durable(invocation: Invocation, result: object) -> None:
    """Mark the span if the execution has failed: the SDK returns its exception, which is no error to Lambda.

    result: {"Status": "SUCCEEDED" | "FAILED" | "PENDING", "Error"?: {"ErrorType", "ErrorMessage"}}
    """
    from observe.source import mapping, text

    reply = mapping(result)
    if reply.get("Status") != "FAILED":
        return
    error, span = mapping(reply.get("Error")), invocation.span
    span.status, span.status_message = wire.STATUS_ERROR, text(error.get("ErrorMessage"))[:1024]
    span.attributes[semconv.ERROR_TYPE] = text(error.get("ErrorType")) or "durable_execution_failed"


def is_suspension(error: BaseException) -> bool:
    """Whether `error` is how the SDK leaves a handler that waits: control flow, no failure."""
    return any(
        kind.__name__ == "SuspendExecution" and kind.__module__.startswith(_SDK)
        for kind in type(error).__mro__
    )
