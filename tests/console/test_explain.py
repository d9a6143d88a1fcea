"""What the layer makes of an event, asked of its own code."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from console.cli import cli
from console.explain import CALLS, explain, render
from observe.services import CARRIERS
from observe.source import LOST

EVENTS = sorted((Path(__file__).parents[1] / "data" / "events").glob("*.json"))
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
MESSAGE = {
    "Records": [
        {
            "messageId": "m-1",
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:1:claims",
            "body": "{}",
            "messageAttributes": {
                "traceparent": {"stringValue": f"00-{TRACE}-{'b' * 16}-01", "dataType": "String"},
                **{f"own{n}": {"stringValue": "v", "dataType": "String"} for n in range(10)},
            },
        }
    ]
}


def test_a_message_is_explained() -> None:
    """Source, record, context, and what its ten own attributes leave no room for."""
    told = explain(MESSAGE)
    assert (told["source"], told["trigger"], told["attribute_room"]) == ("SQS", "pubsub", 0)
    assert list(told["records"][0]["carriers"]) == ["traceparent"]
    assert (told["context"]["trace_id"], told["context"]["new"]) == (TRACE, False)
    assert told["lost"]["sqs.SendMessage"] == told["lost"]["sns.Publish"] == "no_attribute_room"
    assert told["span"]["name"] == "process claims"


def test_settings_are_heeded(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """An opt-in turned on is no longer lost; a wrong one is told, and not on stdout."""
    assert explain({})["lost"]["kinesis.PutRecord"] == "opt_in"
    monkeypatch.setenv("OBSERVE_PAYLOAD_CARRIERS", "kinesis,nonsense")
    told = explain({})
    assert "kinesis.PutRecord" not in told["lost"]
    assert any("nonsense" in problem for problem in told["problems"])
    assert capfd.readouterr().out == ""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_every_call_is_explained() -> None:
    """A carrier without a call to show it fails here; every reason has a sentence."""
    assert set(CALLS) == set(CARRIERS)
    told = explain(None)
    assert {call["call"] for call in told["carriers"]} == {".".join(key) for key in CARRIERS}
    assert {call["lost"] for call in told["carriers"]} <= {"", *LOST}


@pytest.mark.parametrize("path", EVENTS, ids=lambda path: path.stem)
def test_every_kind_of_event_is_explained(path: Path) -> None:
    """As its file says, in JSON and on a terminal."""
    case = json.loads(path.read_text(encoding="utf-8"))
    told = json.loads(json.dumps(explain(case["event"])))
    assert told["source"] == case["source"]
    out = Console(file=io.StringIO(), width=100, color_system=None, _environ={})
    render(told, out)
    assert "context" in out.file.getvalue()  # type: ignore[attr-defined]


@given(JSON)
def test_any_json_is_explained(event: Any) -> None:
    """Nothing raises."""
    assert "context" in explain(event)


def run(text: str, *options: str) -> Any:
    return CliRunner().invoke(cli, ["explain", "-", *options], input=text)


@pytest.mark.parametrize("text", ["null", "3", '"x"', "[]", "{}", json.dumps(MESSAGE), '{"Records": [null]}'])
def test_the_command_takes_any_json(text: str) -> None:
    """Exit code 0; --json has the documented keys."""
    assert run(text).exit_code == 0
    told = json.loads(run(text, "--json").stdout)
    assert {"source", "trigger", "records", "context", "carriers", "lost"} <= set(told)


@pytest.mark.parametrize("text", ["", "{", "\x00", "[" * 100_000])
def test_what_is_no_json_is_a_sentence(text: str) -> None:
    """Exit code 1."""
    result = run(text)
    assert result.exit_code == 1
    assert "is not JSON" in result.stderr
