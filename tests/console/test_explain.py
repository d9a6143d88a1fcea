"""What the layer makes of an event, asked of its own code."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.cli import cli
from console.explain import CALLS, HTTP_LOST, VARIANTS, explain, render
from observe.services import CARRIERS
from observe.source import LOST

EVENTS = sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{TRACE}-{'b' * 16}-01"
ALL = ["baggage", "traceparent", "x-correlation-id"]


def message(own: int, number: int = 1, **more: str) -> dict[str, Any]:
    """A message of SQS with so many attributes that are not ours."""
    named = {"traceparent": TRACEPARENT, **{f"own{n}": "v" for n in range(own)}, **more}
    return {
        "messageId": f"m-{number}",
        "eventSource": "aws:sqs",
        "eventSourceARN": "arn:aws:sqs:eu-west-1:1:claims",
        "body": "{}",
        "messageAttributes": {
            name: {"stringValue": value, "dataType": "String"} for name, value in named.items()
        },
    }


def http(**headers: str) -> dict[str, Any]:
    """A request to a function URL."""
    return {"version": "2.0", "headers": headers, "requestContext": {"http": {"method": "GET"}}}


def called(told: dict[str, Any], name: str) -> dict[str, Any]:
    """What is told of one call."""
    (found,) = [call for call in told["carriers"] if call["call"] == name]
    return dict(found)


def shown(told: dict[str, Any]) -> str:
    """What a terminal of 200 columns shows."""
    out = io.StringIO()
    render(told, Console(file=out, width=200, color_system=None, _environ={}))
    return out.getvalue()


MESSAGE = {"Records": [message(10)]}


def test_a_message_is_explained() -> None:
    """Source, record, context, and what its ten own attributes leave no room for, alone and in a batch."""
    told = explain(MESSAGE)
    assert (told["source"], told["trigger"], told["attribute_room"]) == ("SQS", "pubsub", 0)
    assert list(told["records"][0]["carriers"]) == ["traceparent"]
    assert told["records"][0]["attribute_room"] == 0
    assert (told["context"]["trace_id"], told["context"]["new"]) == (TRACE, False)
    assert told["span"]["name"] == "process claims"
    for call in ("sqs.SendMessage", "sqs.SendMessageBatch", "sns.Publish", "sns.PublishBatch"):
        assert told["lost"][call] == "no_attribute_room"
    assert "room      0 of 10 message attributes" in shown(told)


def test_what_has_no_room_goes_in_the_trace_header() -> None:
    """Of SQS, which is told as what it is; a topic has none."""
    told = explain(MESSAGE)
    assert called(told, "sqs.SendMessage")["carried"] == ["x-amzn-trace-id"]
    assert called(told, "sns.Publish")["carried"] == []
    told = explain({"Records": [message(9)]})
    assert called(told, "sqs.SendMessage")["carried"] == ["traceparent"]  # not the correlation ID in it


def test_the_hop_of_this_invocation_is_counted() -> None:
    """It goes out as baggage: with eight attributes there is no room for the three of ours."""
    told = explain({"Records": [message(8)]})
    assert called(told, "sns.Publish")["carried"] == ["traceparent", "x-correlation-id"]
    assert told["lost"]["sns.Publish"] == "no_attribute_room"
    assert called(explain({"Records": [message(7)]}), "sns.Publish")["carried"] == ALL


def test_the_fullest_message_of_a_batch_tells_the_room() -> None:
    """Each has its own."""
    told = explain({"Records": [message(2), message(9, 2), {"messageId": "m-3", "eventSource": "aws:sqs"}]})
    assert [record["attribute_room"] for record in told["records"]] == [8, 1, None]
    assert told["attribute_room"] == 1
    assert explain(http())["records"][0]["attribute_room"] is None
    assert "message attributes" not in shown(explain(http()))


def test_a_call_in_base64_and_its_variant_are_looked_into() -> None:
    """A synchronous invocation carries all in its client context, an asynchronous one nothing unasked."""
    told = explain({})
    assert called(told, "lambda.Invoke") == {"call": "lambda.Invoke", "carried": ALL, "lost": "", "why": ""}
    asynchronous = called(told, "lambda.Invoke InvocationType=Event")
    assert (asynchronous["carried"], asynchronous["lost"]) == ([], "opt_in")
    assert asynchronous["why"] == "OBSERVE_PAYLOAD_CARRIERS does not name lambda-async"


def test_the_trace_header_of_a_service_is_told() -> None:
    """Step Functions gets X-Ray's without being asked."""
    assert called(explain({}), "stepfunctions.StartExecution")["carried"] == ["x-amzn-trace-id"]
    assert "x-amzn-trace-id" in called(explain({}), "events.PutEvents")["carried"]


def test_settings_are_heeded(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """An opt-in turned on is no longer lost; a wrong one is told, and not on stdout."""
    assert explain({})["lost"]["kinesis.PutRecord"] == "opt_in"
    monkeypatch.setenv("OBSERVE_PAYLOAD_CARRIERS", "kinesis,s3-tags,dynamodb,iot,nonsense")
    told = explain({})
    assert "kinesis.PutRecord" not in told["lost"]
    for call in ("kinesis.PutRecords", "dynamodb.PutItem", "iot-data.Publish"):
        assert called(told, call)["carried"] == ALL
    assert called(told, "s3.PutObject")["carried"] == ["traceparent", "x-correlation-id"]
    assert any("nonsense" in problem for problem in told["problems"])
    assert capfd.readouterr().out == ""


def test_a_value_that_looks_like_json_is_not_taken_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tracestate may be anything printable."""
    monkeypatch.setenv("OBSERVE_PAYLOAD_CARRIERS", "kinesis")
    told = explain(http(traceparent=TRACEPARENT, tracestate="{a=1"))
    assert list(told["records"][0]["carriers"]) == ["traceparent", "tracestate"]
    for call in ("sqs.SendMessage", "kinesis.PutRecord"):
        assert called(told, call)["carried"] == sorted([*ALL, "tracestate"])


def test_http_is_told_for_each_host_that_a_rule_is_about(monkeypatch: pytest.MonkeyPatch) -> None:
    """Baggage goes to few; another dialect instead of ours is a loss; a host may get nothing."""
    assert called(explain({}), "http")["lost"] == "baggage_hosts"
    monkeypatch.setenv("OBSERVE_DIALECTS", ".corp=!b3,own:8080=b3,no=none")
    monkeypatch.setenv("OBSERVE_BAGGAGE_HOSTS", "own")
    told = explain({})
    assert called(told, "http own:8080")["lost"] == ""
    assert called(told, "http own:8080")["carried"] == ["b3", *ALL]
    assert (called(told, "http .corp")["carried"], told["lost"]["http .corp"]) == (["b3"], "dialect")
    assert (called(told, "http no")["carried"], told["lost"]["http no"]) == ([], "not_forwarded")
    monkeypatch.setenv("OBSERVE_FORWARD_HOSTS", "own")
    assert explain({})["lost"]["http"] == "not_forwarded"


def test_several_traces_make_a_new_one_that_is_not_shown() -> None:
    """Its ID is of this run alone: whoever searched for it would find nothing."""
    told = explain({"Records": [message(0), message(0, 2, traceparent=f"00-{'c' * 32}-{'d' * 16}-01")]})
    assert told["context"]["new"]
    assert len(told["links"]) == 2
    text = shown(told)
    assert "new: each invocation has a trace of its own" in text
    assert told["context"]["trace_id"] not in text
    assert f"linked to {TRACE} (message m-1)" in text
    assert "no ID came in" in shown(explain({}))


@pytest.mark.parametrize(
    ("trust", "new", "sentence"),
    [
        ("public", False, "are not believed"),
        ("internal", False, "believes all they say"),
        ("strict", True, "starts a trace of its own"),
    ],
)
def test_what_strangers_say_is_told_as_it_is_taken(
    monkeypatch: pytest.MonkeyPatch, trust: str, new: bool, sentence: str
) -> None:
    """By OBSERVE_TRUST; a queue has no strangers."""
    monkeypatch.setenv("OBSERVE_TRUST", trust)
    told = explain(http(traceparent=TRACEPARENT, baggage="observe.debug=1"))
    assert (told["trust"], told["context"]["new"]) == (trust, new)
    assert told["context"]["debug"] == (trust == "internal")
    assert sentence in shown(told)
    assert explain(MESSAGE)["trust"] == "internal"
    assert "strangers" not in shown(explain(MESSAGE))


def test_a_record_that_a_stranger_wrote_is_told_as_one_of_a_public_source() -> None:
    """The event of a request that failed, as its destination has it: nobody can send to that itself."""
    event = json.loads((EVENTS[0].parent / "destination-http.json").read_text(encoding="utf-8"))["event"]
    told = explain(event)
    assert (told["public"], told["trust"], told["records"][0]["public"]) == (False, "public", True)
    assert (told["context"]["debug"], told["records"][0]["context"]["debug"]) == (False, False)
    assert "strangers may have written what came in: debug, hops, baggage" in shown(told)


def test_a_note_has_its_sentence() -> None:
    """A code alone tells nobody what happened."""
    text = shown(explain(http(traceparent="nonsense")))
    assert "note: traceparent_invalid: an inbound traceparent is not valid and is ignored" in text


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters()), inner, max_size=3),
)


def test_every_call_is_explained() -> None:
    """A carrier without a call to show it fails here; every reason has a sentence."""
    assert set(CALLS) == set(CARRIERS) >= set(VARIANTS)
    told = explain(None)
    calls = {call["call"] for call in told["carriers"]}
    assert calls >= {".".join(key) for key in CARRIERS} | {"http"}
    assert len(calls) == len(CARRIERS) + len(VARIANTS) + 1
    assert {call["lost"] for call in told["carriers"]} <= {"", *LOST, *HTTP_LOST}
    assert all(bool(call["lost"]) == bool(call["why"]) for call in told["carriers"])


def test_calls_that_fare_alike_share_a_line() -> None:
    """A page, not a table."""
    text = shown(explain(MESSAGE))
    assert (
        "kinesis.PutRecord, kinesis.PutRecords: OBSERVE_PAYLOAD_CARRIERS does not name kinesis (opt_in)"
        in text
    )
    assert len(text.splitlines()) < 20
    assert all(call["call"] in text for call in explain(MESSAGE)["carriers"])


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_kind_of_event_is_explained(path: Path) -> None:
    """As its file says, in JSON and on a terminal."""
    case = json.loads(path.read_text(encoding="utf-8"))
    told = json.loads(json.dumps(explain(case["event"]), allow_nan=False))
    assert told["source"] == case["source"]
    assert "context" in shown(told)


@given(JSON)
def test_any_json_is_explained(event: Any) -> None:
    """Nothing raises, and what is told is JSON in UTF-8."""
    told = explain(event)
    assert "context" in told
    json.dumps(told, ensure_ascii=False, allow_nan=False).encode()
    shown(told).encode()


# --- The command ------------------------------------------------------------------------------------


def run(text: str | bytes, *options: str) -> Any:
    return CliRunner().invoke(cli, ["explain", "-", *options], input=text)


HALF = json.dumps(http(**{"x-correlation-id": "\ud800"})).replace("GET", r"G\ud800")


@pytest.mark.parametrize(
    "text",
    [
        *("null", "3", '"x"', "[]", "{}", json.dumps(MESSAGE), '{"Records": [null]}'),
        *(
            '{"a": NaN, "b": -Infinity}',
            '{"Records": 1, "Records": []}',
            HALF,
            "\ufeff{}",
            "[" * 100 + "]" * 100,
        ),
    ],
)
def test_the_command_takes_any_json(text: str) -> None:
    """Exit code 0; --json has the documented keys, and is JSON that any reader takes."""
    assert run(text).exit_code == 0
    result = run(text, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    told = json.loads(result.stdout, parse_constant=pytest.fail)
    assert {"source", "trigger", "records", "context", "carriers", "lost"} <= set(told)


@pytest.mark.parametrize("text", ["", "{", "\x00", "{}{}", b"\xff\xfe\x00", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_json_is_a_sentence(text: str | bytes) -> None:
    """Exit code 1."""
    result = run(text)
    assert result.exit_code == 1
    assert "is not JSON" in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_a_file_that_is_none_is_a_sentence(name: str, tmp_path: Path) -> None:
    """Exit code 2: the command is used wrongly."""
    result = CliRunner().invoke(cli, ["explain", str(tmp_path / name)])
    assert result.exit_code == 2
    assert "Error: Invalid value for 'EVENT'" in result.stderr


def test_a_large_event_and_a_reader_that_goes_away(tmp_path: Path) -> None:
    """Megabytes of records; `| head` is no error."""
    path = tmp_path / "event.json"
    path.write_text(json.dumps({"Records": [message(5, n, more="x" * 500) for n in range(5000)]}))
    command = [sys.executable, "-m", "console", "explain", "--json", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(10)
        running.stdout.close()
        assert running.stderr.read() == b""
    assert running.returncode == 0
    assert "and 4990 more" in CliRunner().invoke(cli, ["explain", str(path)]).stdout


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, '{"claim":' + "7" * 5000 + "}"])
def test_what_lambdas_runtime_cannot_read_is_said(text: str) -> None:
    """It is JSON, and no handler would get it: explained as that, and no failure."""
    result = run(text, "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    assert told["source"] is None
    assert told["problems"][-1].endswith("no handler would get this event")
    assert "no handler would get this event" in run(text).stdout


def test_a_closed_standard_input() -> None:
    """As a shell's `<&-` leaves it."""
    command = [sys.executable, "-m", "console", "explain", "-"]
    ended = subprocess.run(
        command, preexec_fn=lambda: os.close(0), capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == "Error: standard input is closed\n"
