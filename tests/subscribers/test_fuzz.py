"""The fuzz run: a short part of it, its record, and that it finds what it looks for."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import msgspec
import pytest

from bench import fuzz, fuzz_inputs
from subscribers.handler import make_handler
from subscribers.inputs import firehose, intakes, objects
from subscribers.parsers import plain
from subscribers.parsers.metric_json import points_of
from subscribers.parsers.page import Page, Parsed
from tests.subscribers.lambda_stream import NOW, logs, told
from tests.subscribers.sink import Memory

RECORD = Path(__file__).parent / "fuzz_record.json"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_short_run_finds_nothing(seed: int) -> None:
    """Six hundred executions, of every kind; the same ones each time."""
    record = fuzz.run(seed, seconds=60, executions=600)
    assert record["findings"] == {}
    assert record["executions"] == sum(record["kinds"].values()) == 600
    assert min(record["kinds"].values()) > 60
    assert all(sum(counted.values()) for counted in record["counts"].values())


def test_the_long_run_is_recorded() -> None:
    """Of at least a quarter of an hour, without a finding that is left."""
    record = json.loads(RECORD.read_text(encoding="utf-8"))
    assert record["seconds"] >= 900
    assert record["findings"] == {}
    assert set(record["kinds"]) == {"handler", "lane", "format", "inputs", "console"}
    handled = record["counts"]["handler"]
    assert handled["received"] == handled["delivered"] + handled["stored"] + handled["dropped"] > 10_000


def test_an_execution_is_made_of_its_seed_and_number() -> None:
    """So that what was found can be run again."""
    one, other = fuzz.Fuzz(5), fuzz.Fuzz(5)
    assert [one.run(n) for n in (3, 4, 5)] == [other.run(n) for n in (3, 4, 5)]


def test_what_raises_is_found_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its place in the code, with the number that shows it again."""

    def broken(page: Page) -> Parsed:
        raise ValueError(f"{len(page.events)} events")

    monkeypatch.setattr(plain, "parse", broken)
    run = fuzz.Fuzz(1)
    monkeypatch.setattr(run, "_formats", {"text": broken})
    monkeypatch.setattr(fuzz, "Fuzz", lambda seed: run)
    record = fuzz.run(1, seconds=60, executions=60)
    (where,) = (place for place in record["findings"] if place.startswith("ValueError"))
    assert "tests/subscribers/test_fuzz.py" in where
    assert record["findings"][where]["times"] > 3
    with pytest.raises(ValueError, match="events"):
        run.run(record["findings"][where]["number"])


def test_what_is_lost_is_found() -> None:
    """A signal that a format forgets, and one that it makes of nothing."""
    page = fuzz._page(Random(1), ["a", "b"])
    parsed = plain.parse(page)
    fuzz.check_parsed(page, parsed)
    with pytest.raises(fuzz.ViolationError, match="2 events: 1 told"):
        fuzz.check_parsed(page, Parsed(signals=parsed.signals[:1]))
    other = [msgspec.structs.replace(one, event_id=f"x{n}") for n, one in enumerate(logs(parsed))]
    with pytest.raises(fuzz.ViolationError, match="of no event"):
        fuzz.check_parsed(page, Parsed(signals=list(other)))


def test_every_golden_file_is_a_seed() -> None:
    """And every format's example."""
    assert {path.stem for path in fuzz_inputs.GOLDEN.glob("*.log")} <= set(fuzz_inputs.seeds())


# --- What it found: each stays found ----------------------------------------------------------


def test_an_integer_that_no_double_holds_is_no_value() -> None:
    """A line of EMF with one stays a log, counted."""
    huge = "1" + "0" * 400
    line = (
        '{"_aws":{"Timestamp":1795231810123,"CloudWatchMetrics":[{"Namespace":"a","Dimensions":[[]],'
        f'"Metrics":[{{"Name":"n"}}]}}]}},"n":{huge}}}'
    )
    assert points_of(json.loads(line)) == ()
    parsed = told(line)
    assert [log.message for log in logs(parsed)] == [line]
    assert parsed.notes == {"bad_metric_line": 1}


def test_half_a_surrogate_in_an_event() -> None:
    """JSON can carry one as an escape, in a key of S3 or an ID of Firehose; no file and no record has it."""
    event = {"Bucket": "logs", "Key": "a\ud800b"}
    (named,) = objects.objects(event, now_ms=0)
    assert isinstance(named, objects.S3Object)
    assert named.key == "a?b"
    assert json.loads(intakes.document_of(event)) == event
    records = [{"recordId": "\ud800", "data": "!"}]
    made = firehose.reply({"deliveryStreamArn": "arn", "records": records}, {})
    assert made.records == ({"recordId": "\ud800", "result": "ProcessingFailed"},)


def test_an_event_with_half_a_surrogate_is_settled(capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever is in it, the summary can be written."""
    sink = Memory()
    handle = make_handler(fuzz._config([]), sink, lambda: NOW, source=fuzz._Aws(Random(1), b"a\nb\n"))
    reply = handle({"Bucket": "logs", "Key": "\ud800"}, None)
    assert (reply["received"], reply["delivered"]) == (2, 2)
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["key"] == "?"
