"""Failure drills under the real runtime: what is posted is what it would have been without the layer.

Each drill runs the same function twice, bare and with the layer attached, and compares status, error type
and payload as posted to the runtime API, byte for byte; then both have to serve another invocation.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import Any

import pytest

import observe
from observe.testing import Lines
from tests.observe.attached import HTTP_EVENT, Ran, Run

pytestmark = pytest.mark.runtime

_MASKED = re.compile(rb"task\d+|[0-9a-f]{8}-[0-9a-f-]{27}|0x[0-9a-f]+")

#: Opens a pipe and fills it.
FULL_PIPE = """
        reading, writing = os.pipe()
        os.set_blocking(writing, False)
        try:
            while True:
                os.write(writing, b'x' * 4096)
        except BlockingIOError:
            pass
"""
#: Name -> body of `handler(event, context)`, called three times.
BODIES = {
    "stdout closed": "os.close(1); return 'closed'",
    "stdout closed as an object": "sys.stdout.close(); return 'closed'",
    "stderr and stdout are one broken pipe": """
        reading, writing = os.pipe()
        os.close(reading)
        os.dup2(writing, 1)
        return 'broken'""",
    "a full pipe that does not block": FULL_PIPE
    + """
        os.dup2(writing, 1)
        PIPES.append(reading)
        return 'full'""",
    "a full pipe that blocks": FULL_PIPE
    + """
        os.set_blocking(writing, True)
        os.dup2(writing, 1)
        PIPES.append(reading)
        return 'full'""",
    "sys.stdout replaced": "sys.stdout = None; sys.stderr = 3; return 'replaced'",
    "sys.stdout with a broken flush": """
        class Broken:
            def __getattr__(self, name): raise RuntimeError(name)
        sys.stdout = Broken()
        return 'broken'""",
    "root logger without handlers": """
        import logging
        logging.getLogger().handlers.clear()
        logging.getLogger().addHandler(logging.StreamHandler(sys.stderr))
        logging.disable(logging.CRITICAL)
        logging.warning('x')
        return 'cleared'""",
    "logging shut down": "import logging; logging.shutdown(); logging.warning('late'); return 'shut'",
    "the clock jumps": """
        import time
        JUMPS.append(time.time_ns)
        really = JUMPS[0]
        time.time_ns = lambda: really() + (-1) ** len(JUMPS) * 10 ** 18
        return 'jumped'""",
    "the clock stands": "import time; time.time_ns = time.monotonic_ns = lambda: 0; return 'still'",
    "a fork that writes": """
        child = os.fork()
        if not child:
            print('of the child', flush=True)
            os._exit(0)
        os.waitpid(child, 0)
        return 'forked'""",
    "multiprocessing": """
        import multiprocessing
        ours, theirs = multiprocessing.Pipe()
        process = multiprocessing.get_context('fork').Process(target=theirs.send, args=(os.getppid() > 0,))
        process.start()
        process.join()
        return ours.recv()""",
    "threads that outlive the handler": """
        import threading, time
        threading.Thread(target=time.sleep, args=(0.2,), daemon=True).start()
        return 'left'""",
    "os._exit": "os._exit(3)",
    "sys.exit(0)": "sys.exit(0)",
    "sys.exit('text')": "sys.exit('text')",
    "KeyboardInterrupt": "raise KeyboardInterrupt",
    "GeneratorExit": "raise GeneratorExit",
    "an exception that cannot be told": """
        class Mute(Exception):
            def __str__(self): raise RuntimeError('no')
        raise Mute""",
    "an exception of many": "raise ExceptionGroup('many', [ValueError(1), KeyError(2)]) from OSError(3)",
    "a changed traceback": "raise ValueError('x').with_traceback(None)",
    "recursion without an end": """
        def again(): return again()
        try:
            again()
        except RecursionError:
            raise ValueError('too deep') from None""",
    "a mutated event": "event.clear(); event['new'] = [1]; return event",
    "an event kept and changed": "KEPT.append(event); KEPT[0]['n'] = len(KEPT); return KEPT",
    "a result that is no JSON": "return {1, 2}",
    "a result that is NaN": "return float('nan')",
    "a lone surrogate": "return '\\ud800'",
    "a result of 7 MB": "return 'x' * 7_000_000",
    "a result that changes its mind": """
        class Odd(dict):
            def get(self, *_): raise RuntimeError('odd')
            def __eq__(self, other): raise RuntimeError('odd')
        return Odd(statusCode=200)""",
    "the current trace changed": "os.environ.clear(); return 'cleared'",
    "signals": """
        import signal
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.alarm(1)
        return str(signal.getsignal(signal.SIGALRM))[:9]""",
    "modules thrown away": """
        for name in [name for name in sys.modules if name.startswith('observe')]:
            del sys.modules[name]
        return 'gone'""",
}

_SOURCE = "import os, sys\nPIPES, JUMPS, KEPT = [], [], []\n{}def handler(event, context):\n"

#: Name -> the payload, as bytes where json.dumps would not make it.
EVENTS: dict[str, Any] = {
    "6 MB": {**HTTP_EVENT, "body": "x" * 6_200_000},
    "6 MB of escapes": b'{"body":"' + b"\\u00e9" * 1_000_000 + b'"}',
    "very many keys": {
        "headers": {f"k{n}": n for n in range(300_000)},
        "requestContext": {},
        "httpMethod": "GET",
    },
    "a million numbers": [0] * 1_000_000,
    "100,000 levels": b"[" * 100_000 + b"]" * 100_000,
    "900 levels": b'{"a":' * 900 + b"1" + b"}" * 900,
    "lone surrogates": b'{"headers":{"x-request-id":"\\ud800"},"httpMethod":"\\udfff","requestContext":{}}',
    "duplicate names": b'{"a":1,"a":2}',
    "a large number": b'{"a":' + b"9" * 4000 + b"}",
    "NaN": b"NaN",
    "nothing": b"",
    "no JSON": b"{",
    "a list": [{"Records": 1}],
    "a number": 3,
    "a string": "Records",
    "null": None,
    "records of nothing": {"Records": [None, 3, [], {}]},
    "records without end": {"Records": [{"eventSource": "aws:sqs", "messageAttributes": []}] * 10_000},
    "a durable execution": {"DurableExecutionArn": "a", "CheckpointToken": "b", "InitialExecutionState": 3},
}

#: Name -> source with a `handler` of an unusual shape.
SHAPES = {
    "one argument": "def handler(event): return event",
    "no argument": "def handler(): return 1",
    "any arguments": "def handler(*given): return [len(given), given[0]]",
    "keywords too": "def handler(event, context, *, more=3): return [event, more]",
    "keywords that are wanted": "def handler(event, context, *, more): return more",
    "a coroutine": "async def handler(event, context): return event",
    "a generator": "def handler(event, context): yield event",
    "a lambda": "handler = lambda event, context: event",
    "a partial": "import functools\ndef f(a, event, _): return [a, event]\nhandler = functools.partial(f, 1)",
    "a callable object": "class H:\n    def __call__(self, event, context): return event\nhandler = H()",
    "a method": "class H:\n    def go(self, event, context): return event\nhandler = H().go",
    "a static method": "class H:\n    @staticmethod\n    def go(event, _): return event\nhandler = H.go",
    "a class": "class handler(dict):\n    def __init__(self, event, context): super().__init__(a=event)",
    "a built-in": "handler = max",
    "no callable": "handler = 3",
    "nothing": "handler = None",
    "decorated by us": "import observe\n@observe.instrument\ndef handler(event, context): return event",
    "decorated outside of ours": (
        "import functools, observe\n"
        "def twice(f):\n    @functools.wraps(f)\n    def g(event, context): return [f(event, context)] * 2\n"
        "    return g\n@twice\n@observe.instrument\ndef handler(event, context): return event"
    ),
}

#: A drill that does not begin shows nothing.
_NOT_STARTED = ("Runtime.UserCodeSyntaxError", "Runtime.ImportModuleError", "Runtime.HandlerNotFound")


#: Before a handler: with the layer it has something of each kind to tell, before whatever it does.
TELLS = """
import contextlib, functools, logging
def telling(handler):
    @functools.wraps(handler)
    def told(event, context):
        with contextlib.suppress(ImportError):
            import observe
            observe.log.info("told", at=event)
            observe.metrics.increment("claims")
            with observe.span("priced"):
                logging.getLogger("claims").warning("of logging")
        return handler(event, context)
    return told
@telling
"""


def _source(body: str, before: str = "") -> str:
    return _SOURCE.format(before) + textwrap.indent(textwrap.dedent(body).strip(), "    ") + "\n"


def _posted(ran: Ran, event: Any) -> tuple[str, str | None, bytes]:
    result = ran(event)
    return result.status, result.error_type, _MASKED.sub(b"*", result.payload)


def _compare(run: Run, source: str, event: Any, times: int = 1, **options: Any) -> tuple[str, Any, bytes]:
    options = {"memory_mb": 1024, **options}
    bare, observed = run(source, layer=False, **options), run(source, **options)
    for _ in range(times):
        expected, found = _posted(bare, event), _posted(observed, event)
        assert found == expected
        assert found[1] not in _NOT_STARTED
        assert not [line for line in observed.said if "observe.fault" in line]
    return found


@pytest.mark.parametrize("name", BODIES)
def test_whatever_a_handler_does(run: Run, name: str) -> None:
    """Its result, its exception and its exit are its own, three times."""
    _compare(run, _source(BODIES[name]), {"a": 1}, times=3)


@pytest.mark.parametrize("name", EVENTS)
def test_whatever_event_comes(run: Run, name: str) -> None:
    """The handler gets it as it is, and what it makes of it is posted."""
    source = (
        "import json\ndef handler(event, context):\n    return repr(event)[:1000] + str(len(repr(event)))\n"
    )
    _compare(run, source, EVENTS[name])


@pytest.mark.parametrize("name", EVENTS)
def test_whatever_event_fails(run: Run, name: str) -> None:
    """The exception is the handler's own, whatever there is to be told of the event."""
    _compare(run, "def handler(event, context):\n    raise LookupError('no such claim')\n", EVENTS[name])


#: What concerns the lines themselves, and those of `logging` where the layer writes them.
TOLD = (
    *("stdout closed", "stdout closed as an object", "stderr and stdout are one broken pipe"),
    *("a full pipe that does not block", "a full pipe that blocks", "sys.stdout replaced"),
    *("sys.stdout with a broken flush", "root logger without handlers", "logging shut down"),
    *("the clock jumps", "the clock stands", "a fork that writes", "os._exit", "modules thrown away"),
)


@pytest.mark.parametrize("log_format", ["Text", "JSON"])
@pytest.mark.parametrize("name", TOLD)
def test_whatever_a_handler_that_logs_does(run: Run, name: str, log_format: str) -> None:
    """The same where its records become our lines and it has log lines, metrics and spans to be told."""
    environment = {"OBSERVE_LOGS": "json", "AWS_LAMBDA_LOG_FORMAT": log_format}
    _compare(run, _source(BODIES[name], TELLS), {"a": 1}, times=2, environment=environment)


@pytest.mark.parametrize("name", ["the clock jumps", "the clock stands"])
def test_a_timeout_whatever_the_clock_says(run: Run, name: str) -> None:
    """What the watchdog waits for is a duration: it tells before the end, and not before its time."""
    body = BODIES[name].replace("= time.monotonic_ns", "").rpartition("return")[0]
    ran = run(_source(f"{body}time.sleep(event['s'])"), timeout_s=1.0)
    assert ran({"s": 0.5}).status == "success"
    assert [span["attributes"].get("error.type") for span in ran.spans] == [None]
    assert ran({"s": 9}).status == "timeout"
    assert ran.spans[0]["attributes"]["error.type"] == "timeout"


@pytest.mark.parametrize("name", SHAPES)
def test_whatever_a_handler_is(run: Run, name: str) -> None:
    """What the runtime can call it can call through us; what it cannot fails as it does without us."""
    source = SHAPES[name]
    if "observe" in source:
        found = run(source, memory_mb=1024)(HTTP_EVENT)
        expected = [HTTP_EVENT] * 2 if "outside" in name else HTTP_EVENT
        assert json.loads(found.payload) == expected
    else:
        _compare(run, source, {"a": 1}, times=2)


@pytest.mark.parametrize("context", [None, 3, {}, object()])
@pytest.mark.parametrize("name", ["a million keys", "100,000 levels", "a circle"])
def test_what_the_runtime_could_not_bring(lines: Lines, name: str, context: object) -> None:
    """Through the decorator comes what is too large or too deep for JSON; it is handed on as it is."""
    event: dict[str, Any] = {"requestContext": {}}
    if "keys" in name:
        event = {f"k{n}": n for n in range(1_000_000)}
    inner = event
    for _ in range(100_000 if "levels" in name else 0):
        inner["Records"] = [{}]
        inner = inner["Records"][0]
    if "circle" in name:
        event["Records"] = [event]
    assert observe.instrument(lambda given, seen: given is event and seen is context)(event, context) is True
    assert len(lines.spans) == 1
    assert [line["message"] for line in lines.logs] == []
    # Freed level by level: freeing them at once would recurse.
    while isinstance(event, dict) and "Records" in event and "levels" in name:
        (event,) = event.pop("Records")


@pytest.mark.parametrize("pipe", ["a full pipe that does not block", "a full pipe that blocks"])
def test_a_timeout_while_stdout_is_full_is_a_timeout(run: Run, pipe: str) -> None:
    """Where nobody reads stdout any more the watchdog ends nothing and holds up nobody."""
    source = _source(BODIES[pipe].replace("return 'full'", "time.sleep(9)"))
    assert _compare(run, "import time\n" + source, {}, timeout_s=1.0)[0] == "timeout"
