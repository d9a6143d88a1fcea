"""Our own lines, the runtime's JSON and text, metrics and spans; the layer's encoder is the contract."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe import wire
from subscribers.signals import Link
from tests.subscribers.lambda_stream import (
    NOW,
    REQUEST,
    SPAN,
    T0_MS,
    TRACE,
    log_of,
    logs,
    metrics,
    spans,
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
        "[INFO] not the runtime's",
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


# --- Metrics --------------------------------------------------------------------------------


@pytest.mark.parametrize("level", ["", "INFO"])
@pytest.mark.parametrize("form", ["monitoring", "dogstatsd"])
@pytest.mark.parametrize("kind", wire.METRIC_KINDS)
def test_a_metric_of_the_layer_is_read(kind: str, form: str, level: str) -> None:
    """Each kind, in each format, in text and in JSON mode."""
    line = wire.metric_line(kind, "claims.paid", 12.5, {"product": "car"}, T0, form=form, level=level)
    parsed = told(line.decode())
    (metric,) = metrics(parsed)
    assert (metric.name, metric.kind, metric.tags) == ("claims.paid", kind, {"product": "car"})
    assert metric.value == (1 if kind == "set" else 12.5)
    assert metric.set_member == ("12.5" if kind == "set" else "")
    assert metric.time_unix_nano == T0
    assert metric.event_id.endswith(":0")
    assert len(parsed.signals) == 1
    assert not parsed.notes


@given(
    st.sampled_from(["count", "gauge", "histogram", "distribution", "timing"]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.dictionaries(st.text(min_size=1), st.text(), max_size=3),
)
def test_values_and_tags_survive_the_wire(kind: str, value: float, tags: dict[str, str]) -> None:
    """Whatever the tags hold, the line is one metric with the same value."""
    (metric,) = metrics(told(wire.metric_line(kind, "m", value, tags, T0).decode()))
    assert metric.value == value


@pytest.mark.parametrize(
    ("line", "points"),
    [
        ("page.views:1|c", [("page.views", "count", 1.0, {})]),
        ("page.views:1:2:3|d", [("page.views", "distribution", v, {}) for v in (1.0, 2.0, 3.0)]),
        ("page.views:1|c|@0.5", [("page.views", "count", 2.0, {})]),
        ("db.time:12.5|ms|@0.5|#env:prod,fast", [("db.time", "timing", 12.5, {"env": "prod", "fast": ""})]),
        ("size:-3|g|#a:b:c|c:ci-0", [("size", "gauge", -3.0, {"a": "b:c"})]),
        ("a:1|c\nb:2|h", [("a", "count", 1.0, {}), ("b", "histogram", 2.0, {})]),
        ("MONITORING|1795231810|3|gauge|depth", [("depth", "gauge", 3.0, {})]),
        ("MONITORING|1795231810.5|1e3|gauge|depth|#", [("depth", "gauge", 1000.0, {})]),
        ("MONITORING|27|milliseconds|latency|claims", [("latency", "timing", 27.0, {"namespace": "claims"})]),
        ("MONITORING|1|count|opened|claims", [("opened", "count", 1.0, {"namespace": "claims"})]),
    ],
)
def test_metric_lines_of_others_are_read(line: str, points: list[tuple[object, ...]]) -> None:
    """DogStatsD's sections, and the rival's dialect."""
    assert [(m.name, m.kind, m.value, m.tags) for m in metrics(told(line))] == points


def test_a_datagram_may_bring_its_own_time() -> None:
    """`T` is seconds since the epoch; without it the time is the line's."""
    assert metrics(told("a:1|c|T1700000000"))[0].time_unix_nano == 1_700_000_000_000_000_000
    json_mode = '{"timestamp":"2026-11-21T03:30:10.250Z","level":"INFO","metric":"a:1|c"}'
    assert metrics(told(json_mode))[0].time_unix_nano == T0 + 250_000_000


@pytest.mark.parametrize(
    "line",
    [
        "MONITORING|",
        "MONITORING|now|1|count|a|#",
        "MONITORING|1795231810|NaN|count|a|#",
        "MONITORING|1795231810|inf|count|a|#",
        "MONITORING|1795231810|1_0|count|a|#",
        "MONITORING|1795231810|1|counter|a|#",
        "MONITORING|1795231810|1|count||#",
        "MONITORING|1795231810|1|count|a|b:c",
        "MONITORING|1795231810|1|count|a|#|x",
        "MONITORING|99999999999999999999|1|count|a|#",
        "MONITORING|1e400|1|count|a|#",
        '{"level":"INFO","metric":"nonsense"}',
        '{"level":"INFO","metric":"MONITORING|1|2"}',
    ],
)
def test_a_broken_metric_line_stays_a_log_and_is_counted(line: str) -> None:
    """It was meant to be a metric; somebody will want to know."""
    parsed = told(line)
    assert (len(logs(parsed)), metrics(parsed), parsed.notes) == (1, [], {"bad_metric_line": 1})


@pytest.mark.parametrize(
    "line",
    [
        "cost: 5|c",
        "a b:1|c",
        "a:1|x",
        "a:|c",
        "a:1|c|@0",
        "a:1|c|@2",
        "a:1|c|huh",
        "a:1:x|c",
        "a:1|c\nprose",
        "12:30|c",
        "a:|s",
        "note: x|y",
        ":1|c",
        "a:٣|c",
    ],
)
def test_a_bare_line_is_a_metric_only_if_it_parses_fully(line: str) -> None:
    """Prose may hold colons and bars; it is not counted either."""
    parsed = told(line)
    assert (len(logs(parsed)), metrics(parsed), parsed.notes) == (1, [], {})


def test_a_log_that_has_a_metric_field_is_a_log() -> None:
    """A caller's field may be called so."""
    assert log_of('{"level":"INFO","message":"m","metric":"a:1|c"}').attributes == {"metric": "a:1|c"}


# --- Spans ----------------------------------------------------------------------------------


def wire_span() -> wire.Span:
    attributes = {
        "correlation_id": "CLM-1",
        "faas.invocation_id": REQUEST,
        "n": 3,
        "f": 0.5,
        "yes": True,
        "list": ["a", 1, {"k": None}],
        "nan": float("nan"),
        "big": 1 << 70,
    }
    span = wire.Span(TRACE, SPAN, "a" * 16, "POST /claims", wire.KIND_CLIENT, T0, attributes)
    span.end_unix_nano, span.status, span.status_message = T0 + 5, wire.STATUS_ERROR, "502"
    span.events = [("exception", T0 + 1, {"exception.type": "X"})]
    span.links = [("b" * 32, "c" * 16, {"observe.link": "xray"})]
    return span


@pytest.mark.parametrize("lead", [None, {"timestamp": "2026-11-21T03:30:10.123Z", "level": "INFO"}])
def test_a_span_line_of_the_layer_is_read_whole(lead: dict[str, str] | None) -> None:
    """In text and in JSON mode; attributes are plain JSON again."""
    (line,) = wire.span_lines("claims-api", [wire_span()], lead=lead)
    parsed = told(line.decode())
    (span,) = spans(parsed)
    assert (span.trace_id, span.span_id, span.parent_span_id) == (TRACE, SPAN, "a" * 16)
    assert (span.name, span.kind, span.told_by) == ("POST /claims", "client", "layer")
    assert (span.start_unix_nano, span.end_unix_nano) == (T0, T0 + 5)
    assert (span.status, span.status_message) == ("error", "502")
    assert (span.correlation_id, span.request_id, span.origin.service) == ("CLM-1", REQUEST, "claims-api")
    assert span.attributes["list"] == ["a", 1, {"k": ""}]
    assert (span.attributes["n"], span.attributes["f"], span.attributes["yes"]) == (3, 0.5, True)
    assert span.attributes["nan"] == "NaN"
    assert span.links == (Link("b" * 32, "c" * 16, {"observe.link": "xray"}),)
    assert span.events == (
        {"name": "exception", "time_unix_nano": T0 + 1, "attributes": {"exception.type": "X"}},
    )
    assert len(parsed.signals) == 1


def test_several_spans_of_a_line_are_numbered() -> None:
    """Across scopes and resources; a resource without a name has the origin's service."""
    (line,) = wire.span_lines("x", [wire_span(), wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"].append({"scopeSpans": tree["resourceSpans"][0]["scopeSpans"]})
    found = spans(told(json.dumps(tree)))
    assert [span.event_id[-2:] for span in found] == [":0", ":1", ":2", ":3"]
    assert [span.origin.service for span in found] == ["x", "x", "claims", "claims"]


def test_other_resource_attributes_become_the_spans() -> None:
    """Foreign exporters say more about the resource than its name."""
    (line,) = wire.span_lines("x", [wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"][0]["resource"]["attributes"] += [
        {"key": "n", "value": {"intValue": "9"}},
        {"key": "host.name", "value": {"stringValue": "h"}},
    ]
    attributes = spans(told(json.dumps(tree)))[0].attributes
    assert (attributes["n"], attributes["host.name"]) == (3, "h")


def broken(**changes: object) -> str:
    (line,) = wire.span_lines("x", [wire_span()])
    tree = json.loads(line)
    tree["resourceSpans"][0]["scopeSpans"][0]["spans"][0].update(changes)
    return json.dumps(tree, separators=(",", ":"))


@pytest.mark.parametrize(
    "line",
    [
        broken(traceId="xyz"),
        broken(traceId="0" * 32),
        broken(spanId=None),
        broken(startTimeUnixNano="soon"),
        broken(endTimeUnixNano="-1"),
        broken(endTimeUnixNano=str(1 << 64)),
        broken(kind="SPAN_KIND_SERVER"),
        broken(attributes={"a": 1}),
        broken(attributes=[{"key": "a", "value": {"intValue": "x"}}]),
        broken()[:-20],
        '{"resourceSpans":5}',
        '{"resourceSpans":' + "[" * 3000,
    ],
)
def test_a_broken_span_line_stays_a_log_and_is_counted(line: str) -> None:
    """Cut or wrong, its text is not lost."""
    parsed = told(line)
    (log,) = logs(parsed)
    assert (log.message, log.dataset) == (line, "lambda.text")
    assert (spans(parsed), parsed.notes) == ([], {"bad_span_line": 1})


def test_a_log_that_mentions_spans_is_a_log() -> None:
    """The words are in a field of it, not at its head."""
    parsed = told('{"level":"INFO","message":"m","sent":{"resourceSpans":[]}}')
    assert (logs(parsed)[0].message, parsed.notes) == ("m", {})


def test_a_span_line_without_spans_is_no_signal() -> None:
    """Nothing to deliver, nothing lost."""
    assert told('{"resourceSpans":[]}').silent == 1


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
