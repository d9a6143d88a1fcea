"""The stand-in runtime does the basic cases as awslambdaric does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

from console.local import function as function_module

from .conftest import MakeFunction, MemoryLogWriter

SOURCE = """
import logging, os, time
logging.getLogger().setLevel("INFO")
def handler(event, context):
    print("print")
    logging.info("record\\nof two lines")
    if event == "fail":
        raise ValueError("no")
    if event == "exit":
        os._exit(1)
    if event == "set":
        return {1, 2}
    if event == "sleep":
        time.sleep(600)
    return [event, context.client_context and context.client_context.custom, os.environ["_X_AMZN_TRACE_ID"]]
"""

RUNTIMES = ["standin", pytest.param("awslambdaric", marks=pytest.mark.runtime)]


@pytest.fixture(params=RUNTIMES)
def runtime(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Both runtimes, one after the other."""
    monkeypatch.setenv("OBSERVE_LOCAL_RUNTIME", request.param)
    return request.param


def _normal(text: str) -> str:
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "ID", text)
    text = re.sub(r"(\d{4}-\d\d-\d\dT[\d:.]+Z|[\d.]+ MB|[\d.]+ ms)", "N", text)
    return re.sub(r"/\S*/task\d+/", "/task/", text)


def test_the_stand_in_says_what_it_is(
    function: MakeFunction, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Choosing the stand-in is said once on stderr and shown by `runtime`."""
    monkeypatch.setenv("OBSERVE_LOCAL_RUNTIME", "standin")
    monkeypatch.setattr(function_module, "_announced", set())
    assert [function(SOURCE).runtime, function(SOURCE).runtime] == ["stand-in", "stand-in"]
    assert capsys.readouterr().err.count("stand-in") == 1


def test_a_reply(function: MakeFunction, runtime: str) -> None:
    """Event, client context and trace header arrive, the reply comes back."""
    result = function(SOURCE).invoke(
        {"a": "é"}, client_context='{"custom": {"k": 1}}', trace_header="Root=1-2-3"
    )
    assert json.loads(result.payload) == [{"a": "é"}, {"k": 1}, "Root=1-2-3"]


@pytest.mark.parametrize(
    ("event", "error_type"),
    [("fail", "ValueError"), ("set", "Runtime.MarshalError"), ("exit", "Runtime.ExitError")],
)
def test_errors(function: MakeFunction, runtime: str, event: str, error_type: str) -> None:
    """Exceptions, replies that are not JSON and a dead process have the same error types."""
    assert function(SOURCE).invoke(event).error_type == error_type


def test_a_timeout(function: MakeFunction, runtime: str) -> None:
    """A handler that takes too long is killed."""
    assert function(SOURCE, timeout_s=1.0).invoke("sleep").status == "timeout"


@pytest.mark.parametrize(
    ("source", "handler", "error_type"),
    [
        ("import nothing_of_that_name", "app.handler", "Runtime.ImportModuleError"),
        ("def handler(:", "app.handler", "Runtime.UserCodeSyntaxError"),
        ("x = 1", "app.handler", "Runtime.HandlerNotFound"),
        ("x = 1", "app", "Runtime.MalformedHandlerName"),
        ("raise KeyError('k')", "app.handler", "KeyError"),
    ],
)
def test_init_errors(
    function: MakeFunction, runtime: str, source: str, handler: str, error_type: str
) -> None:
    """What is wrong with a module has the runtime's name for it."""
    assert function(source, handler=handler).invoke({}).error_type == error_type


@pytest.mark.runtime
@pytest.mark.parametrize("event", ["fine", "fail"])
def test_both_runtimes_leave_the_same_lines(
    function: MakeFunction, monkeypatch: pytest.MonkeyPatch, event: str
) -> None:
    """Numbers, IDs and paths aside, the log of an invocation is the same text."""
    texts = []
    for name in ("standin", "awslambdaric"):
        monkeypatch.setenv("OBSERVE_LOCAL_RUNTIME", name)
        log = MemoryLogWriter()
        result = function(SOURCE, log=log).invoke(event)
        texts.append(
            [_normal(line) for line in log.messages()] + [_normal(str(result.payload))][: event == "fail"]
        )
    assert texts[0] == texts[1]
