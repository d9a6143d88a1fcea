"""observe.propagate and observe.ThreadPoolExecutor: the context in threads and tasks."""

from __future__ import annotations

import asyncio
import functools
import inspect
import threading
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any

import pytest

import observe
from observe.testing import Lines
from tests.observe.running import run, sqs_event

CLAIM: ContextVar[str] = ContextVar("claim", default="none")


def told() -> tuple[str, str]:
    """Whose the running code is: its span, and what user code has set."""
    context = observe.current()
    return context.span_id if context is not None else "", CLAIM.get()


def in_thread(function: Callable[[], Any]) -> Any:
    """What a function returns in a thread of its own."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(function()))
    thread.start()
    thread.join()
    return found[0]


def inside(function: Callable[[], Any]) -> Any:
    """Call a function inside an invocation, a span and with a variable set: (result, what is told there)."""

    def handler(event: Any, context: Any) -> Any:
        token = CLAIM.set("C-1")
        try:
            with observe.span("price"), observe.log.bound(step=1):
                return function(), told()
        finally:
            CLAIM.reset(token)

    return run({}, handler)


def test_a_propagated_function_runs_in_the_callers_context(lines: Lines) -> None:
    """The span, the bound fields and variables of user code; without it, the invocation alone."""

    def work() -> tuple[str, str]:
        observe.log.info("at work")
        return told()

    found, expected = inside(lambda: in_thread(observe.propagate(work)))
    assert found == expected
    assert lines.logs[0]["step"] == 1
    assert lines.logs[0]["span_id"] == expected[0]
    plain, expected = inside(lambda: in_thread(told))
    assert plain[0] not in ("", expected[0])
    assert plain[1] == "none"


def test_the_executor_copies_the_context_of_who_submits() -> None:
    """submit and map; each task has a copy of its own, and what it sets stays in it."""

    def work(name: str) -> tuple[str, str]:
        before = told()
        CLAIM.set(name)
        return before

    def function() -> Any:
        with observe.ThreadPoolExecutor(max_workers=2) as executor:
            return [*executor.map(work, ["a", "b", "c"]), executor.submit(work, name="d").result()]

    found, expected = inside(function)
    assert found == [expected] * 4


def test_a_thread_of_a_pool_serves_the_next_invocation_as_its_own(lines: Lines) -> None:
    """A pool that outlives an invocation keeps nothing of it."""
    executor = observe.ThreadPoolExecutor(max_workers=1)
    try:
        for request_id in ("r-1", "r-2"):
            run(
                {},
                lambda event, context: executor.submit(observe.log.info, "m").result(),
                aws_request_id=request_id,
            )
    finally:
        executor.shutdown()
    assert [line["requestId"] for line in lines.logs] == ["r-1", "r-2"]


def test_records_reach_threads(lines: Lines) -> None:
    """Inside `with record` a propagated function has the record's identity."""

    def function(event: Any, context: Any) -> Any:
        batch = observe.records(event)
        for record in batch:
            with record:
                in_thread(observe.propagate(functools.partial(observe.log.info, record.message_id)))
        return batch.reply()

    run(sqs_event({"x-correlation-id": "A"}, {"x-correlation-id": "B"}), function)
    assert [(line["message"], line["correlation_id"]) for line in lines.logs] == [("m-0", "A"), ("m-1", "B")]


class Worker:
    """Callables of every kind."""

    async def method(self, *args: Any) -> tuple[str, str]:
        """An async method."""
        await asyncio.sleep(0)
        return told()

    async def __call__(self, *args: Any) -> tuple[str, str]:
        """An object that is called."""
        return await self.method()


@pytest.mark.parametrize(
    "function",
    [Worker().method, Worker(), functools.partial(Worker().method, 1)],
    ids=["method", "object", "partial"],
)
def test_an_async_function_runs_in_the_callers_context(function: Any) -> None:
    """Each step of it, on whatever loop it is awaited; it is still a coroutine function."""
    propagated: list[Any] = []
    _, expected = inside(lambda: propagated.append(observe.propagate(function)))
    assert inspect.iscoroutinefunction(propagated[0])

    async def main() -> Any:
        found = await asyncio.gather(propagated[0](), propagated[0]())
        return found, told()

    found, after = asyncio.run(main())
    assert found == [expected, expected]
    assert after == ("", "none")


def test_cancelling_and_exceptions_reach_an_async_function() -> None:
    """It sees its cancellation in its own context, and its exception reaches who awaits."""
    seen: list[Any] = []

    async def work(fail: bool) -> None:
        if fail:
            raise ValueError("no such claim")
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(told()[1])
            raise

    async def main(work: Any) -> None:
        task = asyncio.create_task(work(False))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ValueError, match="no such claim"):
            await work(True)

    propagated: list[Any] = []
    inside(lambda: propagated.append(observe.propagate(work)))
    asyncio.run(main(propagated[0]))
    assert seen == ["C-1"]


def test_tasks_made_in_an_async_function_inherit_its_context() -> None:
    """What it starts is its own, too."""

    async def work() -> Any:
        return await asyncio.create_task(Worker().method())

    propagated: list[Any] = []
    _, expected = inside(lambda: propagated.append(observe.propagate(work)))
    assert asyncio.run(propagated[0]()) == expected


def test_it_looks_like_the_function_and_passes_everything() -> None:
    """Name, arguments, result and exception are the function's own; what is no callable stays what it is."""

    def work(a: int, *, b: int) -> int:
        """Divide."""
        return a // b

    propagated = observe.propagate(work)
    assert (propagated.__name__, propagated.__doc__, propagated(6, b=2)) == ("work", "Divide.", 3)
    with pytest.raises(ZeroDivisionError):
        propagated(1, b=0)
    assert observe.propagate("x") == "x"  # type: ignore[type-var]


def test_a_task_that_outlives_its_invocation_is_not_the_next_ones(lines: Lines) -> None:
    """Its lines keep its own identity, and the next invocation's request ID is not on them."""
    loop = asyncio.new_event_loop()
    tasks: list[asyncio.Task[None]] = []
    proceed = asyncio.Event()

    async def late() -> None:
        with observe.log.bound(claim="C-1"):
            await proceed.wait()
            observe.log.info("late")
            observe.log.debug("held by nobody")

    async def main(event: str) -> None:
        if event == "first":
            tasks.append(asyncio.create_task(late()))
            await asyncio.sleep(0)
        else:
            proceed.set()
            await tasks[0]
            observe.log.info("own")

    def function(event: str, context: Any) -> str:
        loop.run_until_complete(main(event))
        found = observe.current()
        assert found is not None
        return found.trace_id

    try:
        first = run("first", function, aws_request_id="r-1")
        second = run("second", function, aws_request_id="r-2")
    finally:
        loop.close()
    line, own = lines.logs
    assert (line["message"], line["trace_id"], line["claim"]) == ("late", first, "C-1")
    assert "requestId" not in line
    assert (own["requestId"], own["trace_id"], "claim" in own) == ("r-2", second, False)
