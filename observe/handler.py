"""Around a handler: what is observed never suffers.

A fault of ours leaves the handler's result and exception as they are; what the handler raises
passes through untouched, without a frame of ours in the stack that the runtime reports.
"""

from __future__ import annotations

from observe import guard, lifecycle, outcome, semconv, settings, watchdog
from observe import invocation as invocations
from observe.context import use

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from observe.settings import Settings

    Handler = Callable[[Any, Any], Any]


def instrument(function: Handler) -> Handler:
    """Decorate a Lambda handler; the exec wrapper does the same without a code change.

    function(event, context) -> result. Decorating twice, or under the exec wrapper, is the same as once.
    """
    # What is not callable is handed on as well: the runtime says so as it does without us.
    if settings.get().disabled or not callable(function) or getattr(function, "__observed__", False) is True:
        return function
    from observe import hooks

    guard.guarded(hooks.install)
    observed = _observed(function)
    guard.guarded(_disguise, observed, function)
    guard.guarded(lifecycle.loaded)
    return observed


def _observed(function: Handler) -> Handler:
    found = settings.get()

    def observed(*args: Any, **kwargs: Any) -> Any:
        run = guard.guarded(_Run, args, kwargs, found)
        if run is None:
            return function(*args, **kwargs)
        if run.refusal is not None:
            guard.guarded(run.failed, run.refusal)
            raise run.refusal
        args, kwargs = run.arguments
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            guard.guarded(run.failed, error)
            guard.guarded(_own_frame_out, error)
            raise
        guard.guarded(run.returned, result)
        return result

    observed.__code__ = observed.__code__.replace(co_filename=outcome.OWN_FRAME)
    return observed


def _own_frame_out(error: BaseException) -> None:
    """Take our frame off the stack that `raise` goes on with, which does not add it once more.

    The runtime leaves out frames of that name only where they come first, and not inside another's handler.
    Not by assignment: a frozen exception would refuse it.
    """
    trace = error.__traceback__
    if trace is not None and trace.tb_frame.f_code.co_filename == outcome.OWN_FRAME:
        BaseException.with_traceback(error, trace.tb_next)


class _Run:
    """One invocation while the handler runs."""

    __slots__ = (
        *("_attached", "_durable", "_forks", "_invocation", "_outer", "_settings", "_use"),
        *("arguments", "refusal"),
    )

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any], found: Settings) -> None:
        event, context = _given(args, kwargs)
        self._settings = found
        self._outer = invocations.active
        self._forks = lifecycle.forks
        if adopt is not None:
            guard.guarded(_adopt_user_code)
        start = guard.guarded(lifecycle.waited_for, found) if lifecycle.pending is not None else None
        try:
            self._invocation = invocations.open_invocation(event, context, found, start is not None)
        except BaseException:
            invocations.leave(self._outer)
            raise
        if start is not None:
            guard.guarded(lifecycle.tell_start, start, self._invocation, found)
        self._durable = lifecycle.is_durable(event)
        if self._durable:
            guard.guarded(lifecycle.begin_durable, self._invocation, event)
        #: What the handler is called with: the event without what our carriers put into payloads.
        self.arguments = (args, kwargs)
        if self._invocation.event is not event:
            self.arguments = _replaced(args, kwargs, event, self._invocation.event)
        self._use = use(self._invocation.context)
        self._use.__enter__()
        self._attached = guard.guarded(attach, self._invocation) if attach is not None else None
        guard.guarded(watchdog.watch, self._invocation, found)
        #: Raised instead of calling the handler, where the settings ask for that.
        self.refusal: Exception | None = None
        if self._invocation.context.hops > found.hops_limit:
            self.refusal = guard.guarded(self._refusal)

    def _refusal(self) -> Exception | None:
        from observe import chain

        return chain.refusal(self._invocation, self._settings)

    def failed(self, error: BaseException) -> None:
        if isinstance(error, SystemExit):
            self._invocation.span.attributes[semconv.PROCESS_EXIT_CODE] = lifecycle.exit_code(error)
        elif not isinstance(error, Exception) and lifecycle.is_suspension(error):
            self._close(None, None)
            return
        self._close(None, error)

    def returned(self, result: object) -> None:
        if self._durable:
            guard.guarded(lifecycle.end_durable, self._invocation, result)
        self._close(result, None)

    def _close(self, result: object, error: BaseException | None) -> None:
        try:
            if self._forks == lifecycle.forks:
                invocations.close_invocation(self._invocation, self._settings, result, error)
                guard.guarded(lifecycle.check_memory, self._settings)
        finally:
            # What is outside of a forked child's invocation is its parent's, too.
            invocations.leave(self._outer if self._forks == lifecycle.forks else None)
            if self._attached is not None:
                guard.guarded(self._attached)
            self._use.end()


def _given(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any]:
    """(event, context) of a call: the last two positions, for a method has its object before them."""
    if len(args) == 2 and not kwargs:
        return args  # as the runtime calls it
    # By name, or by what only the runtime's context has, where somebody else calls it.
    at = next((n for n, value in enumerate(args) if hasattr(value, "aws_request_id")), len(args) - 1)
    event = kwargs.get("event", args[at - 1] if at > 0 else next(iter(args), None))
    context = kwargs.get("context", args[at] if at > 0 else None)
    return event, context


def _replaced(
    args: tuple[Any, ...], kwargs: dict[str, Any], event: object, by: object
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return (
        tuple(by if value is event else value for value in args),
        {name: by if value is event else value for name, value in kwargs.items()},
    )


#: Set by observe.otel when OpenTelemetry is loaded: attaches the invocation's span, returns the undoing.
attach: Callable[[invocations.Invocation], Callable[[], None]] | None = None


#: Set by observe.patch_otel when user code has imported OpenTelemetry: joins what it has set up.
adopt: Callable[[], None] | None = None


def _adopt_user_code() -> None:
    """Once, when the module that imported OpenTelemetry has been loaded whole."""
    global adopt
    pending, adopt = adopt, None
    if pending is not None:
        pending()


def _disguise(observed: Any, function: Any) -> None:
    """Look like the handler: what functools.wraps does, for callables that lack some attributes too."""
    observed.__observed__ = True
    observed.__wrapped__ = function
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(function, name, None)
        if isinstance(value, str):
            setattr(observed, name, value)
    for name, value in getattr(function, "__dict__", {}).items():
        observed.__dict__.setdefault(name, value)
