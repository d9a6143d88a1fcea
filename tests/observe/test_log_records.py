"""The handler and the formatter of observe.log_records outside of the runtime."""

from __future__ import annotations

import copy
import json
import logging
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_log_utils import LogFormat
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import guard, hooks, log_records, settings, testing
from observe.testing import Lines
from tests.observe.running import run


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> Iterator[logging.Logger]:
    """The root logger at DEBUG with OBSERVE_LOGS=json; what the test did to it is undone."""
    monkeypatch.setenv("OBSERVE_LOGS", "json")
    logger = logging.getLogger()
    before, level = logger.handlers[:], logger.level
    logger.setLevel("DEBUG")
    yield logger
    logger.handlers[:] = before
    logger.setLevel(level)


@pytest.fixture
def install(root: logging.Logger) -> Callable[..., None]:
    """Set up the root logger with these handlers and no others: pytest adds its own when a test begins."""

    def install(*handlers: logging.Handler) -> None:
        root.handlers[:] = handlers
        hooks.install()

    return install


Install = Callable[..., None]


def test_a_root_logger_without_handlers_gets_ours_once(install: Install, lines: Lines) -> None:
    """Outside of the runtime records are lines of ours, too; setting it up twice is once."""
    install()
    hooks.install()
    logging.getLogger("claims").warning("told", extra={"message_id": 1, "trace_id": "mine"})
    (line,) = lines.logs
    assert (line["level"], line["message"], line["logger"], line["message_id"], line["trace_id_"]) == (
        "WARN",
        "told",
        "claims",
        1,
        "mine",
    )


def test_handlers_of_user_code_are_left_alone(root: logging.Logger, install: Install) -> None:
    """Where user code has set up the root logger and there is no runtime, it stays so."""
    theirs = logging.NullHandler()
    install(theirs)
    assert root.handlers == [theirs]


def test_a_formatter_of_user_code_is_used(
    root: logging.Logger, install: Install, lines: Lines, capfd: pytest.CaptureFixture[str]
) -> None:
    """Without a runtime it goes where logging writes by itself."""
    install()
    root.handlers[0].setFormatter(logging.Formatter("mine %(message)s"))
    logging.getLogger().error("told")
    assert capfd.readouterr().err == "mine told\n"
    assert lines.raw == []


class Sink(bootstrap.StandardLogSink):  # type: ignore[misc]
    """Where the runtime's handler writes to."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def log(self, msg: str, frame_type: bytes | None = None) -> None:
        """Keep a line."""
        self.written.append(msg)


@pytest.fixture
def sink(root: logging.Logger, monkeypatch: pytest.MonkeyPatch) -> Sink:
    """What the runtime writes to, serving the request r-1."""
    monkeypatch.setattr(logging.Formatter, "converter", logging.Formatter.converter)
    monkeypatch.setattr(bootstrap, "_GLOBAL_AWS_REQUEST_ID", "r-1")
    return Sink()


def of_runtime(root: logging.Logger, sink: Sink, form: LogFormat) -> logging.Handler:
    """The runtime's own handler, set up by the runtime, alone on the root logger."""
    root.handlers.clear()
    bootstrap._setup_logging(form, None, sink)
    (handler,) = root.handlers
    return handler


@pytest.mark.parametrize("form", [LogFormat.TEXT, LogFormat.JSON])
def test_ours_takes_the_place_of_the_runtimes(
    root: logging.Logger, sink: Sink, install: Install, lines: Lines, form: LogFormat
) -> None:
    """In its text format and in its JSON format; filters that are on it stay."""
    runtime = of_runtime(root, sink, form)
    runtime.addFilter(lambda record: record.msg != "left out")
    install(runtime)
    logging.getLogger("claims").error("told")
    logging.getLogger("claims").error("left out")
    assert [line["message"] for line in lines.logs] == ["told"]
    assert sink.written == []


@pytest.mark.parametrize("mode", ["OBSERVE_LOGS", "AWS_LAMBDA_LOG_FORMAT"])
def test_a_formatter_that_was_set_before_the_handler_was_decorated_is_used(
    root: logging.Logger,
    sink: Sink,
    install: Install,
    lines: Lines,
    monkeypatch: pytest.MonkeyPatch,
    mode: str,
) -> None:
    """User code has said what a record looks like, also by a class that is named like the runtime's."""

    class JsonFormatter(logging.Formatter):
        pass

    if mode != "OBSERVE_LOGS":
        monkeypatch.delenv("OBSERVE_LOGS")
        monkeypatch.setenv(mode, "JSON")
        settings.reset()
    runtime = of_runtime(root, sink, LogFormat.JSON)
    for formatter in (logging.Formatter("mine %(message)s"), JsonFormatter("mine %(message)s")):
        runtime.setFormatter(formatter)
        install(runtime)
        assert (root.handlers, runtime.formatter) == ([runtime], formatter)
        logging.getLogger().error("told")
    assert sink.written == ["mine told"] * 2


@pytest.mark.parametrize("way", ["setFormatter", "formatter"])
def test_a_formatter_that_is_set_afterwards_makes_the_runtime_write(
    root: logging.Logger, sink: Sink, install: Install, lines: Lines, way: str
) -> None:
    """What user code does to the handler it finds is done to the runtime's."""
    install(of_runtime(root, sink, LogFormat.TEXT))
    formatter = logging.Formatter("mine %(aws_request_id)s %(message)s")
    if way == "formatter":
        root.handlers[0].formatter = formatter
    else:
        root.handlers[0].setFormatter(formatter)
    logging.getLogger().error("told")
    assert sink.written == ["mine r-1 told"]
    assert lines.raw == []


def test_in_lambdas_json_mode_the_record_is_left_as_it_was(
    root: logging.Logger, sink: Sink, install: Install, monkeypatch: pytest.MonkeyPatch, lines: Lines
) -> None:
    """Our fields are in the runtime's line, without secrets; other handlers of the same record see none."""
    monkeypatch.delenv("OBSERVE_LOGS")
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    settings.reset()
    seen: list[dict[str, Any]] = []

    class Other(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            seen.append(dict(vars(record)))

    install(of_runtime(root, sink, LogFormat.JSON), Other())

    def function(event: Any, context: Any) -> None:
        with observe.log.bound(claim="C-1", api_key="hunter2", odd=float("nan")):
            logging.getLogger().warning("told", extra={"claim": "mine"})

    run({}, function, aws_request_id="r-1")
    line = json.loads(sink.written[0])
    assert (line["claim"], line["api_key"], line["odd"]) == ("mine", "[REDACTED]", "nan")
    assert (line["requestId"], line["trace_id"]) == ("r-1", lines.spans[0]["traceId"])
    assert not {"trace_id", "api_key", "service"}.intersection(seen[0])


class Brace(logging.LogRecord):
    """A record whose message is formatted by braces, as a factory of user code may make."""

    def getMessage(self) -> str:
        """Format it."""
        return str(self.msg).format(*self.args or ())


def test_records_of_a_factory_format_themselves(install: Install, lines: Lines) -> None:
    """A record's own getMessage is asked; one that fails costs its arguments' places, not the line."""
    install()
    factory = logging.getLogRecordFactory()
    logging.setLogRecordFactory(Brace)
    try:
        logging.getLogger().error("claim {}", 7)
        logging.getLogger().error("claim {missing}", 7)
    finally:
        logging.setLogRecordFactory(factory)
    messages = [line["message"] for line in lines.logs if "event" not in line]
    assert messages == ["claim 7", "claim {missing} (7,)"]


def test_a_record_from_another_process_has_its_stack(install: Install, lines: Lines) -> None:
    """What came through a queue has no exception any more, but its text."""
    install()
    record = logging.makeLogRecord(
        {"msg": "m", "levelno": 40, "name": "n", "exc_text": "Traceback", "tenant_id": "t"}
    )
    logging.getLogger().handle(record)
    (line,) = lines.logs
    assert (line["error"], line["tenantId"]) == ({"stack": "Traceback"}, "t")


@given(st.dictionaries(st.text(min_size=1), st.text() | st.floats() | st.binary()), st.integers(-5, 70))
def test_any_record_is_one_valid_line(extra: dict[str, Any], level: int) -> None:
    """Whatever a record carries, the line is valid and the handler never raises."""
    record = logging.makeLogRecord({**extra, "msg": "told %s", "args": ("\ud800",), "levelno": level})
    guard.faults.clear()
    with testing.capture() as lines, observe.use(observe.Context("a" * 32, debug=True)):
        log_records.RecordHandler(None).emit(record)
    assert guard.faults == {}
    assert [line["message"] for line in lines.logs] == (["told ?"] if level >= 10 else [])


def test_bound_fields_are_on_the_records_of_logging(install: Install, lines: Lines) -> None:
    """`bound` is about every line, whoever writes it; a library's logger knows nothing of it."""
    install()

    def function(event: Any, context: Any) -> None:
        with observe.log.bound(claim="C-1"):
            logging.getLogger("library").info("told")

    run({}, function, aws_request_id="r-1")
    (line,) = lines.logs
    assert (line["claim"], line["requestId"], line["logger"]) == ("C-1", "r-1", "library")


def test_the_formatter_is_the_runtimes_in_all_else() -> None:
    """What is asked of it is asked of the runtime's; it can be copied."""

    class Theirs(logging.Formatter):
        mark = 1

    formatter = log_records.RequestFormatter(Theirs())
    assert formatter.mark == 1
    assert copy.copy(formatter).mark == 1
    assert pickle.loads(pickle.dumps(log_records.RequestFormatter(logging.Formatter()))).datefmt is None
