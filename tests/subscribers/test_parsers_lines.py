"""Our own lines, the runtime's JSON and text, metrics and spans; the layer's encoder is the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import wire
from tests.subscribers.lambda_stream import (
    NOW,
    REQUEST,
    SPAN,
    T0_MS,
    TRACE,
    log_of,
    logs,
    told,
)

T0 = T0_MS * 1_000_000


# --- Log lines ------------------------------------------------------------------------------


def test_a_log_line_of_the_layer_is_read_whole() -> None:
    """Every documented field has its place; what is left are the caller's."""
    line = wire.log_line(
        {
            "timestamp": "2026-11-21T03:30:10.123Z",
            "level": "WARNING",
            "message": "claim is late",
            "requestId": REQUEST,
            "service": "claims-api",
            "env": "prod",
            "version": "1.4",
            "correlation_id": "CLM-1",
            "trace_id": TRACE,
            "span_id": SPAN,
            "claim": {"id": 7},
            "error": {"type": "LateError", "message": "by 3 days", "stack": "Traceback"},
        }
    )
    log = log_of(line.decode())
    assert (log.dataset, log.level, log.message) == ("observe", "WARN", "claim is late")
    assert (log.time_unix_nano, log.time_from) == (T0 + 123_000_000, "line")
    assert log.observed_time_unix_nano == NOW
    assert (log.trace_id, log.span_id, log.correlation_id, log.request_id) == (TRACE, SPAN, "CLM-1", REQUEST)
    assert (log.error_type, log.error_message, log.error_stack) == ("LateError", "by 3 days", "Traceback")
    assert (log.origin.service, log.origin.side) == ("claims-api", "serverless")
    assert log.attributes == {
        "claim": {"id": 7},
        "deployment.environment.name": "prod",
        "service.version": "1.4",
    }


@pytest.mark.parametrize(
    ("members", "level"),
    [
        ({"level": "WARN", "severity_text": "DEBUG", "service": "claims-api"}, "DEBUG"),
        ({"level": "WARN", "severity_text": "nonsense", "service": "claims-api"}, "WARN"),
        ({"level": "WARN", "severity_text": 5, "service": "claims-api"}, "WARN"),
        ({"level": "WARN", "severity_text": "DEBUG"}, "WARN"),
    ],
)
def test_a_debug_line_that_leads_with_the_configured_level_is_debug(
    members: dict[str, Any], level: str
) -> None:
    """In Lambda's JSON mode a DEBUG line leads with what no filter drops; only lines of ours do so."""
    log = log_of(json.dumps({**members, "message": "m"}))
    assert log.level == level
    assert ("severity_text" in log.attributes) == (level != "DEBUG")


@given(
    st.dictionaries(
        st.sampled_from([*wire.LOG_FIELDS, "metric", "type", "record", "stackTrace", "errorType", "own"]),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
            max_leaves=6,
        ),
    )
)
def test_no_field_of_a_wrong_type_is_an_error(fields: dict[str, Any]) -> None:
    """Whatever callers put where, the line becomes one log, and nothing of it is lost."""
    (log,) = logs(told(wire.log_line(fields).decode()))
    assert json.loads(json.dumps(log.attributes)) == log.attributes


def test_the_runtimes_json_lines_are_read() -> None:
    """Whole seconds are no time: CloudWatch knows the milliseconds."""
    log = log_of(
        json.dumps(
            {
                "timestamp": "2026-11-21T03:30:10Z",
                "level": "CRITICAL",
                "message": "gone",
                "logger": "root",
                "requestId": REQUEST,
                "stackTrace": ['  File "a.py", line 1, in f\n    g()\n', "  File b\n"],
                "errorType": "KeyError",
                "errorMessage": "'x'",
                "location": "/var/task/app.py:handler:3",
            }
        )
    )
    assert (log.dataset, log.level, log.request_id) == ("lambda.json", "FATAL", REQUEST)
    assert (log.time_unix_nano, log.time_from) == (T0, "event")
    assert (log.error_type, log.error_message) == ("KeyError", "'x'")
    assert log.error_stack == '  File "a.py", line 1, in f\n    g()\n  File b'
    assert log.attributes == {"logger": "root", "location": "/var/task/app.py:handler:3"}


def test_an_uncaught_error_in_json_says_what_it_is() -> None:
    """It has no message of its own; a stack may be a string too."""
    log = log_of(
        '{"timestamp":"2026-11-21T03:30:10Z","level":"ERROR","errorMessage":"boom",'
        '"errorType":"ValueError","requestId":"r","stackTrace":"  File x"}'
    )
    assert (log.message, log.error_stack, log.attributes) == ("ValueError: boom", "  File x", {})


def test_a_runtime_line_with_our_fields_is_ours() -> None:
    """Where Lambda's JSON format is on, the layer adds its fields to the runtime's line."""
    log = log_of(json.dumps({"level": "INFO", "message": "m", "logger": "root", "trace_id": TRACE}))
    assert (log.dataset, log.trace_id) == ("observe", TRACE)


@pytest.mark.parametrize(
    ("written", "level"),
    [
        ("trace", "TRACE"),
        ("DEBUG", "DEBUG"),
        ("Info", "INFO"),
        ("warn", "WARN"),
        ("WARNING", "WARN"),
        ("error", "ERROR"),
        ("FATAL", "FATAL"),
        ("CRITICAL", "FATAL"),
        ("loud", ""),
    ],
)
def test_levels_have_six_names(written: str, level: str) -> None:
    """What is no level stays an attribute."""
    log = log_of(json.dumps({"level": written, "message": "m"}))
    assert log.level == level
    assert log.attributes.get("level") == (None if level else written)


def test_a_structured_message_is_kept_as_json() -> None:
    """The runtime writes a dictionary that was logged as it is."""
    assert log_of('{"level":"INFO","message":{"a":[1]}}').message == '{"a":[1]}'


@pytest.mark.parametrize("trace_id", ["", "xyz", "0" * 32, TRACE.upper(), 5])
def test_what_is_no_trace_id_stays_an_attribute(trace_id: object) -> None:
    """A store joined by invalid IDs would join the wrong things."""
    log = log_of(json.dumps({"level": "INFO", "message": "m", "trace_id": trace_id}))
    assert (log.trace_id, log.attributes) == ("", {"trace_id": trace_id})


@pytest.mark.parametrize(
    "line",
    [
        "plain",
        "{broken",
        '{"a": 1}',
        "[1, 2]",
        "[NOTE] not a level of the runtime's",
        "[INFO]\tno time\tr\tm",
        "[LOUD]\t2026-11-21T03:30:10.123Z\tr\tm",
        "{" * 5000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        "http://host:80|x",
        "MONITOR",
        "Traceback (most recent call last):",
    ],
)
def test_anything_else_is_a_plain_print(line: str) -> None:
    """No level, no attributes, every byte."""
    parsed = told(line)
    (log,) = logs(parsed)
    assert (log.dataset, log.level, log.message, log.attributes) == ("lambda.text", "", line, {})
    assert not parsed.notes


def test_a_blank_line_is_no_signal() -> None:
    """It is counted as silent."""
    assert (told("", "\n", " \t").signals, told("", "\n", " \t").silent) == ([], 3)


# --- The Python runtime's text lines --------------------------------------------------------


def test_a_text_record_is_read() -> None:
    """[LEVEL], time, request and message, divided by tabs."""
    log = log_of(f"[WARNING]\t2026-11-21T03:30:10.123Z\t{REQUEST}\ta\tb\n")
    assert (log.dataset, log.level, log.request_id, log.message) == ("lambda.text", "WARN", REQUEST, "a\tb")
    assert (log.time_unix_nano, log.time_from) == (T0 + 123_000_000, "line")


def test_a_text_record_of_the_import_has_no_request() -> None:
    """The runtime writes `None` before the first invocation."""
    assert log_of("[INFO]\t2026-11-21T03:30:10.123Z\tNone\tm").request_id == ""


STACK = """Traceback (most recent call last):
  File "/var/task/app.py", line 3, in handler
    raise ValueError("boom")"""


@pytest.mark.parametrize("end", ["\r", "\n", "\r\n"])
def test_an_uncaught_exception_is_read(end: str) -> None:
    """Joined by carriage returns and indented by no-break spaces; the stack is plain text again."""
    lines = STACK.replace("    ", "\xa0" * 4).replace("\n  ", "\n\xa0\xa0").replace("\n", end)
    log = log_of(f"[ERROR] ValueError: boom{end}{lines}")
    assert (log.level, log.error_type, log.error_message) == ("ERROR", "ValueError", "boom")
    assert (log.message, log.error_stack) == ("ValueError: boom", STACK)


def test_an_uncaught_exception_with_a_long_message_is_read() -> None:
    """The message ends where the traceback begins."""
    log = log_of("[ERROR] Runtime.ImportModuleError: No\nmodule\rTraceback (most recent call last):\r")
    assert (log.error_type, log.error_message) == (
        "Runtime.ImportModuleError",
        "No\nmodule",
    )


def test_a_logged_exception_is_read() -> None:
    """`logging.exception`: the message, and the error its traceback ends with."""
    log = log_of(
        f"[ERROR]\t2026-11-21T03:30:10.123Z\t{REQUEST}\tcould not\n{STACK}\nValueError: boom: twice\n"
    )
    assert (log.message, log.error_type, log.error_message) == ("could not", "ValueError", "boom: twice")
    assert log.error_stack == f"{STACK}\nValueError: boom: twice"


MARK = f"claim={'0a' * 16}"


def test_the_line_of_a_business_key() -> None:
    """Its marks are the log's keys, each once."""
    line = {"message": "observe.key", "trace_id": TRACE, "event": "observe.key", "keys": [MARK, MARK]}
    log = log_of(json.dumps(line))
    assert (log.keys, log.attributes) == ((MARK,), {"event": "observe.key"})


@pytest.mark.parametrize(
    "bad", ["claim=CLM-1", f"Claim={'0a' * 16}", f"{MARK}0", "", None, 5, [MARK], {"a": 1}]
)
def test_what_is_no_mark_stays_an_attribute(bad: Any) -> None:
    """Never the key itself where a mark belongs; counted."""
    parsed = told(json.dumps({"message": "observe.key", "event": "observe.key", "keys": [bad, MARK]}))
    (log,) = logs(parsed)
    assert (log.keys, log.attributes["keys"], parsed.notes) == ((MARK,), [bad], {"bad_key": 1})


def test_marks_are_counted_out() -> None:
    """At most 64 a line."""
    marks = [f"claim={n:032x}" for n in range(70)]
    parsed = told(json.dumps({"message": "observe.key", "event": "observe.key", "keys": marks}))
    (log,) = logs(parsed)
    assert (log.keys, log.attributes["keys"]) == (tuple(marks[:64]), marks[64:])


@pytest.mark.parametrize("fields", [{"keys": [MARK]}, {"event": "observe.key", "keys": MARK}])
def test_keys_of_another_line_are_the_callers(fields: dict[str, Any]) -> None:
    """Only a list on a line of that event is ours."""
    parsed = told(json.dumps({"message": "m", **fields}))
    (log,) = logs(parsed)
    assert (log.keys, log.attributes, parsed.notes) == ((), fields, {})
