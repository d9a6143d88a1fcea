"""Around a handler: what is observed never suffers.

A fault of ours leaves the handler's result and exception as they are; what the handler raises
passes through untouched, without a frame of ours in the stack that the runtime reports.
"""

from __future__ import annotations

from observe import guard, settings
from observe import invocation as invocations
from observe.context import use
from observe.watchdog import Watchdog

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
    if getattr(function, "__observed__", False):
        return function
    from observe import hooks

    guard.guarded(hooks.install)
    observed = _observed(function)
    _disguise(observed, function)
    return observed


def _observed(function: Handler) -> Handler:
    found = settings.get()
    if found.disabled:
        return function
    watchdog = Watchdog(found)
    cold = True

    def observed(event: Any, context: Any) -> Any:
        nonlocal cold
        run = guard.guarded(_Run, event, context, found, cold, watchdog)
        cold = False
        if run is None:
            return function(event, context)
        try:
            result = function(event, context)
        except BaseException as error:
            guard.guarded(run.failed, error)
            raise
        guard.guarded(run.returned, result)
        return result

    observed.__code__ = observed.__code__.replace(co_filename=invocations.OWN_FRAME)
    return observed


class _Run:
    """One invocation while the handler runs."""

    __slots__ = ("_attached", "_invocation", "_settings", "_use")

    def __init__(self, event: Any, context: Any, found: Settings, cold: bool, watchdog: Watchdog) -> None:
        self._settings = found
        try:
            self._invocation = invocations.open_invocation(event, context, found, cold)
        except BaseException:
            invocations.leave()
            raise
        self._use = use(self._invocation.context)
        self._use.__enter__()
        self._attached = _attach(self._invocation)
        guard.guarded(watchdog.watch)

    def failed(self, error: BaseException) -> None:
        self._close(None, error)

    def returned(self, result: object) -> None:
        self._close(result, None)

    def _close(self, result: object, error: BaseException | None) -> None:
        try:
            invocations.close_invocation(self._invocation, self._settings, result, error)
        finally:
            invocations.leave()
            if self._attached is not None:
                self._attached()
            self._use.__exit__()


#: Set by observe.otel when OpenTelemetry is loaded: attaches the invocation's span, returns the undoing.
attach: Callable[[invocations.Invocation], Callable[[], None]] | None = None


def _attach(invocation: invocations.Invocation) -> Callable[[], None] | None:
    return guard.guarded(attach, invocation) if attach is not None else None


def _disguise(observed: Any, function: Any) -> None:
    """Look like the handler: what functools.wraps does, for callables that lack some attributes too."""
    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(function, name, None)
        if value is not None:
            setattr(observed, name, value)
    observed.__wrapped__ = function
    observed.__observed__ = True
