"""The event of an invocation that failed: once, bounded, and complete only if it is what Lambda delivered."""

from __future__ import annotations

import base64
import hmac
import json
import time
from typing import Any

import pytest
from awslambdaric import bootstrap
from awslambdaric.lambda_runtime_marshaller import LambdaMarshaller
from hypothesis import given
from hypothesis import strategies as st

import observe
from observe import event_line, guard, invocation, settings, testing, wire
from observe.redaction import MARK
from observe.testing import Lines
from tests.observe.attached import HTTP_EVENT, Run
from tests.observe.running import run, sqs_event


class _Client:
    """Where the runtime client's own function hands the result: what awslambdaric calls over HTTP."""

    marshaller = LambdaMarshaller()

    def post_invocation_result(self, *args: Any) -> None:
        pass

    post_invocation_error = post_invocation_result


def deliver(body: str | bytes, function: Any, remaining_ms: int = 30_000) -> None:
    """Run a decorated handler as Lambda's runtime client does, by its own function."""
    raw = body.encode() if isinstance(body, str) else body
    deadline = int(time.time() * 1000) + remaining_ms
    with bootstrap.create_log_sink() as sink:
        bootstrap.handle_event_request(
            *(_Client(), observe.instrument(function), "8f5b7c1e-11d2-4b2e-9d3c-aa0134567890", raw),
            *("application/json", None, None, "arn:aws:lambda:eu-west-1:1:function:f", deadline, None, sink),
        )


def told(lines: Lines) -> list[dict[str, Any]]:
    """What the event lines tell."""
    return [line["invocation_event"] for line in lines.failed_events]


def broken(event: Any, context: Any) -> None:
    """Change the event, and fail."""
    if isinstance(event, dict):
        event.clear()
        event["mine"] = "changed"
    raise ValueError("no such claim")


@pytest.fixture
def mode(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set OBSERVE_EVENT_ON_ERROR."""

    def choose(value: str) -> None:
        monkeypatch.setenv("OBSERVE_EVENT_ON_ERROR", value)
        settings.reset()

    return choose


def test_what_lambda_delivered_is_told_to_the_byte(lines: Lines, capfd: Any) -> None:
    """Digits, order and blanks are as they came; what the handler changes is not in it."""
    raw = '{"amount": 1.10,\n "big": 12345678901234567890.5, "ë": "\\ud83d\\ude00", "a": 1}'
    deliver(raw, broken)
    (event,) = told(lines)
    assert event == {
        "mode": "redacted",
        "bytes": len(raw.encode()),
        "complete": True,
        "redacted": False,
        "truncated": False,
        "json": raw,
    }
    (line,) = lines.failed_events
    assert line["level"] == "ERROR"
    assert line["error.type"] == "ValueError"
    assert line["requestId"] == "8f5b7c1e-11d2-4b2e-9d3c-aa0134567890"
    assert line["trace_id"] == lines.spans[0]["traceId"]


def test_with_a_secret_the_line_is_signed(lines: Lines, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Over the request ID and the text: the vector of the specification's function."""
    monkeypatch.setenv("OBSERVE_KEY_SECRET", "s")
    settings.reset()
    deliver('{"a": 1}', broken)
    (event,) = told(lines)
    message = b'observe.invocation_event\x008f5b7c1e-11d2-4b2e-9d3c-aa0134567890\x00{"a": 1}'
    assert event["mac"] == hmac.new(b"s", message, "sha256").digest()[:16].hex()


def test_what_our_carriers_added_is_in_it(lines: Lines, capfd: Any) -> None:
    """The handler gets the event without it; sent again, it has to be there."""
    raw = json.dumps({"claim": 1, "_observe": {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}})
    deliver(raw, broken)
    assert told(lines)[0]["json"] == raw
    assert told(lines)[0]["complete"] is True


def test_secrets_are_taken_out_and_it_is_not_complete(lines: Lines, capfd: Any) -> None:
    """By name, at any depth of quotes."""
    deliver(json.dumps({"headers": {"Authorization": "x"}, "body": '{"password":"y"}', "n": 1}), broken)
    (event,) = told(lines)
    assert (event["complete"], event["redacted"]) == (False, True)
    assert json.loads(event["json"]) == {
        "headers": {"Authorization": MARK},
        "body": f'{{"password":"{MARK}"}}',
        "n": 1,
    }


def test_members_of_one_name_hide_nothing(lines: Lines, capfd: Any) -> None:
    """Of these a parser keeps the last; the text has both."""
    deliver('{"password":"hunter2","password":""}', broken)
    assert "hunter2" not in told(lines)[0]["json"]
    assert told(lines)[0]["complete"] is False


@pytest.mark.parametrize(
    "raw",
    [
        '{"a":1,"a":2,"pass\\u0077ord":"hunter2"}',
        '{"a":1,"a":2,"x":"pass\\u0077ord=hunter2"}',
        json.dumps({"pad": "y" * 70_000, "p": [{"value": "hunter2", "name": "password"}]}),
        json.dumps(
            {
                "pad": "y" * 70_000,
                "p": [{"value": "hunter2", **{f"k{n}": n for n in range(200)}, "name": "password"}],
            }
        ),
        json.dumps({"Signature": "hunter2", "SigningCertURL": "x"}),
        json.dumps(
            {"pad": "y" * 70_000, "s": "password=x1234567890 " * 300 + "z" * 1_870 + " 4111 1111 1111 1111"}
        ),
    ],
)
def test_what_hides_a_secret_does_not(lines: Lines, capfd: Any, raw: str) -> None:
    """Members of one name beside an escaped one; a name behind more than are told; a lone signature."""
    deliver(raw, lambda event, context: 1 / 0)
    (event,) = told(lines)
    assert "hunter2" not in event["json"]
    assert "4111" not in event["json"]
    assert (event["complete"], event["redacted"]) == (False, True)
    json.loads(event["json"])


@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("code_page", ["utf-8", "latin-1", "utf-16", "cp500"])
@pytest.mark.parametrize("size", [10, 30_000])
def test_a_body_in_base64_tells_no_secret(
    lines: Lines, capfd: Any, before: int, code_page: str, size: int
) -> None:
    """Whatever its code page, and wherever a letter of several bytes is cut."""
    letter = "€" if code_page == "utf-8" else "ü"
    form = "a" * before + "=1&password=hunter2&x=" + letter * size
    body = base64.b64encode(form.encode(code_page)).decode()
    deliver(json.dumps({"isBase64Encoded": True, "body": body}), lambda event, context: 1 / 0)
    (event,) = told(lines)
    assert json.loads(event["json"]) == {"isBase64Encoded": True, "body": MARK}
    assert (event["complete"], event["redacted"]) == (False, True)


@pytest.mark.parametrize(
    ("chosen", "text", "complete"),
    [
        ("full", '{"password": "x"}', True),
        ("keys", '{"password":"string(1)"}', False),
        ("off", None, None),
    ],
)
def test_modes(
    lines: Lines, mode: Any, capfd: Any, chosen: str, text: str | None, complete: bool | None
) -> None:
    """All of it, its structure, or no line."""
    mode(chosen)
    deliver('{"password": "x"}', broken)
    assert [(event["json"], event["complete"]) for event in told(lines)] == (
        [(text, complete)] if text else []
    )


def test_the_structure_has_sizes_and_no_value(lines: Lines, mode: Any, capfd: Any) -> None:
    """Names, types and sizes; of a list the first items; a name that is a secret is none."""
    mode("keys")
    records = [{"body": "x" * 5, "n": 1.5, "ok": True, "none": None}] * 100
    many = {f"k{n}": n for n in range(100)}
    deliver(json.dumps({"Records": records, "4111111111111111": [], "many": many}), broken)
    one = {"body": "string(5)", "n": "number", "ok": "boolean", "none": "null"}
    found = json.loads(told(lines)[0]["json"])
    assert found["Records"] == ["array(100)", one, one]
    assert found[MARK] == "array(0)"
    assert found["many"]["…"] == "36 more"
    assert len(found["many"]) == 65


def test_where_nobody_tells_what_was_delivered_the_object_is_told(lines: Lines) -> None:
    """A decorated handler called by a test: never complete, for the handler may have changed it."""
    with pytest.raises(ValueError, match="no such claim"):
        run({"password": "x"}, broken)
    (event,) = told(lines)
    assert "bytes" not in event
    assert event["complete"] is False
    assert json.loads(event["json"]) == {"mine": "changed"}


def test_a_handler_inside_another_has_an_event_of_its_own(lines: Lines, capfd: Any) -> None:
    """What Lambda delivered is the outer one's."""

    def inner(event: Any, context: Any) -> None:
        raise ValueError(event["own"])

    observed = observe.instrument(inner)
    deliver('{"outer": 1}', lambda event, context: observed({"own": "x"}, context))
    assert [(json.loads(event["json"]), event["complete"]) for event in told(lines)] == [
        ({"own": "x"}, False),
        ({"outer": 1}, True),
    ]


def test_a_5xx_reply_has_one_and_others_have_none(lines: Lines, capfd: Any) -> None:
    """Success, the caller's own mistakes and partial batches cost and tell nothing."""
    http = json.dumps(HTTP_EVENT)
    for status in (200, 404):
        deliver(http, lambda event, context, status=status: {"statusCode": status})
    deliver(
        json.dumps(sqs_event({}, {})),
        lambda event, context: {"batchItemFailures": [{"itemIdentifier": "m-0"}]},
    )
    assert told(lines) == []
    deliver(http, lambda event, context: {"statusCode": 503})
    assert [event["json"] for event in told(lines)] == [http]


def test_it_is_told_once(lines: Lines, capfd: Any) -> None:
    """At the timeout, from another thread and with what was delivered; not again when the handler returns."""

    def late(event: Any, context: Any) -> None:
        event["claim"] = "changed"
        end = time.monotonic() + 10
        while not told(lines) and time.monotonic() < end:
            time.sleep(0.01)
        raise ValueError("too late")

    deliver('{"claim": "CLM-1"}', late, remaining_ms=400)
    assert [(event["json"], event["complete"]) for event in told(lines)] == [('{"claim": "CLM-1"}', True)]
    kinds = [line["error.type"] for line in lines.failed_events]
    assert kinds == ["timeout"]


LARGE: dict[str, Any] = {
    "6 MB text": {"headers": {"cookie": "a=b"}, "body": "x" * 6_000_000, "last": 1},
    "6 MB JSON text": {"body": json.dumps([{"password": "hunter2", "n": n} for n in range(150_000)])},
    "a million members": {str(n): n for n in range(1_000_000)},
    "a long list": {"Records": [{"password": "hunter2"}] * 200_000},
    "no ASCII": {"a": ["é漢😀" * 40_000] * 20},
    "control characters": {"a": "\0" * 200_000},
    "numbers": [10**300] * 10_000,
}


@pytest.mark.parametrize("chosen", ["redacted", "full", "keys"])
@pytest.mark.parametrize("name", LARGE)
def test_large_events_are_cut(lines: Lines, mode: Any, name: str, chosen: str) -> None:
    """One line far below its limit, valid, and marked; its secrets are gone though it is cut."""
    mode(chosen)
    with pytest.raises(ValueError, match="no"):
        run(LARGE[name], lambda event, context: int("no"))
    (event,) = told(lines)
    assert max(map(len, lines.raw)) < 2.2 * event_line.TEXT_MAX_BYTES < wire.LINE_MAX_BYTES
    json.loads(event["json"])
    assert event["complete"] is False
    assert event["truncated"] is (chosen != "keys")
    assert chosen == "full" or "hunter2" not in event["json"]
    assert guard.faults == {}


def test_what_is_cut_is_not_gone_through() -> None:
    """Of a million members as many are looked at as there is room for."""
    looked = 0

    class Counting(dict[Any, Any]):
        def __len__(self) -> int:
            nonlocal looked
            looked += 1
            return super().__len__()

    event_line._from_object([Counting(a=1) for _ in range(1_000_000)], "full", known_large=True)
    assert 0 < looked < event_line.TEXT_MAX_BYTES


DEEP: Any = []
for _ in range(50_000):
    DEEP = [DEEP]
CYCLE: dict[Any, Any] = {}
CYCLE["self"] = [CYCLE] * 10


class _Odd:
    def __str__(self) -> str:
        raise OSError("no text")


@pytest.mark.parametrize(
    "event",
    [DEEP, CYCLE, {_Odd(): _Odd(), "\ud800": "\udfff", 1: {2, 3}, "b": b"\xff" * 10**6}, None, 5, "text", []],
)
@pytest.mark.parametrize("chosen", ["redacted", "full", "keys"])
def test_odd_events_cost_nobody_anything(lines: Lines, mode: Any, chosen: str, event: Any) -> None:
    """Deep nesting, cycles, surrogates, what JSON lacks: one valid line, and the handler's own exception."""
    mode(chosen)
    with pytest.raises(ZeroDivisionError):
        run(event, lambda event, context: 1 / 0)
    assert len(told(lines)) == 1
    json.loads(told(lines)[0]["json"])
    assert guard.faults == {}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=20,
)


@given(JSON, st.booleans(), st.sampled_from([None, 1]))
def test_complete_means_delivered_so(event: Any, ascii_only: bool, indent: int | None) -> None:
    """Whatever comes: `complete` is true exactly where the text is what was delivered."""
    raw = json.dumps(event, ensure_ascii=ascii_only, indent=indent).encode("utf-8", "surrogatepass")
    text, complete, redacted = event_line._from_text(raw, "redacted")
    assert complete is (text.encode("utf-8", "replace") == raw)
    assert complete is not redacted or not complete


@pytest.mark.runtime
def test_under_the_real_runtime_client(run: Run) -> None:
    """Attached by the exec wrapper: exception, sys.exit, timeout; what the runtime reports is unchanged."""
    function = run(
        """
        import sys, time
        def handler(event, context):
            how = event.pop("how")
            if how == "sleep":
                time.sleep(30)
            if how == "exit":
                sys.exit(3)
            raise ValueError("no such claim")
        """,
        timeout_s=1.0,
    )
    for how in ("raise", "exit", "sleep"):
        event = {"how": how, "claim": 1.5}
        function(event)
        lines = [json.loads(line) for line in function.log.messages() if event_line.EVENT in line]
        assert [json.loads(line["invocation_event"]["json"]) for line in lines] == [event]
        assert [line["invocation_event"]["complete"] for line in lines] == [True]


def test_it_survives_a_fault_of_its_own(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its absence is said once; spans and the handler's exception are what they were."""
    monkeypatch.setattr(event_line, "_told", lambda *args: 1 / 0)
    with testing.capture() as captured, pytest.raises(ValueError, match="no such claim"):
        run({}, broken)
    assert len(captured.spans) == 1
    assert [line["event"] for line in captured.logs] == ["observe.fault"]
    assert invocation.active is None


def test_no_filter_of_lambda_drops_the_event(lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where only FATAL passes, the event leads with that and tells its own level beside it."""
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "FATAL")

    def handler(event: Any, context: Any) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run({"claim": 1}, handler)
    (line,) = [line for line in map(json.loads, lines.raw) if line.get("event") == "observe.invocation_event"]
    assert (line["level"], line["severity_text"]) == ("FATAL", "ERROR")
