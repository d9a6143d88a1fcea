"""The context of a request in threads and tasks: `observe.propagate` and `observe.ThreadPoolExecutor`.

A thread inherits no context variables: without these it logs and forwards with the identity of the invocation
that runs, but not with the record's, the open span or the bound fields. asyncio's tasks and asyncio.to_thread
copy the context themselves; loop.run_in_executor does not.
"""

from __future__ import annotations

import concurrent.futures
import functools
from contextvars import Context, copy_context

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, ParamSpec, TypeVar

    P = ParamSpec("P")
    T = TypeVar("T")

#: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags
_CO_COROUTINE = 0x80


def propagate(function: Callable[P, T]) -> Callable[P, T]:
    """Return a callable that runs `function` in a copy of the context that is current here and now.

    Everything in context variables goes along: the request's identity, bound fields, the open span, and those
    of other libraries. function: any callable, async ones too. Each call runs in a copy of its own, so calls
    may overlap. What is no callable is returned as it is.

        threading.Thread(target=observe.propagate(work)).start()
        loop.run_in_executor(None, observe.propagate(work))
    """
    if not hasattr(function, "__call__"):  # noqa: B004  # to mypy `callable` is always true here
        return function
    captured = copy_context()

    def run(*args: Any, **kwargs: Any) -> Any:
        return captured.copy().run(function, *args, **kwargs)

    async def run_async(*args: Any, **kwargs: Any) -> Any:
        context = captured.copy()
        return await _Driven(context.run(function, *args, **kwargs), context)

    return functools.update_wrapper(run_async if _is_async(function) else run, function)


def _is_async(function: Any) -> bool:
    """Whether calling it makes a coroutine: a function, a method, a partial, or an object that is called."""
    while isinstance(function, functools.partial):
        function = function.func
    if not hasattr(function, "__code__") and not hasattr(function, "__func__"):
        function = type(function).__call__
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return bool(getattr(code, "co_flags", 0) & _CO_COROUTINE)


class _Driven:
    """Awaits a coroutine, each step of it in `context`; who awaits, and its event loop, notice nothing."""

    __slots__ = ("_context", "_coroutine")

    def __init__(self, coroutine: Any, context: Context) -> None:
        self._coroutine, self._context = coroutine, context

    def __await__(self) -> _Driven:
        return self  # what `yield from` needs of a generator

    def __iter__(self) -> _Driven:
        return self

    def __next__(self) -> Any:
        return self._context.run(self._coroutine.send, None)

    def send(self, value: Any) -> Any:
        return self._context.run(self._coroutine.send, value)

    def throw(self, *error: Any) -> Any:
        return self._context.run(self._coroutine.throw, *error)

    def close(self) -> None:
        self._context.run(self._coroutine.close)


class ThreadPoolExecutor(concurrent.futures.ThreadPoolExecutor):
    """concurrent.futures.ThreadPoolExecutor whose work runs in a copy of the context of who submitted it.

    `submit` and `map` are the same but for that; `map` submits.
    https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor
    """

    def submit(
        self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs
    ) -> concurrent.futures.Future[T]:
        """Run `fn(*args, **kwargs)` in a thread, in a copy of the present context."""
        run: Callable[..., T] = copy_context().run
        return super().submit(run, fn, *args, **kwargs)
