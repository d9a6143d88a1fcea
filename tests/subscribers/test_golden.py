"""Golden files: what `observe parse FILE --json` prints of each file of tests/subscribers/golden.

`<name>.log` or `<name>.json` is what is read, `<name>.signals.jsonl` what it becomes. A `<name>.yaml` beside
it is the observe.yaml whose service `<name>` wrote it. A new pair is a new test; after a change that is meant

    python -m tests.subscribers.test_golden

writes all of them anew: read the difference before it is committed. Files were written at AT_MS, which is
the time of lines that tell none; a document's own events have their own.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.parse import Parsing, Wish
from console.parse_input import Source, chunks_of
from console.parse_view import signal_json
from subscribers.config import EMPTY, load
from subscribers.formats import FORMATS
from subscribers.formats.custom import JAVA_LAYOUTS, LINE_FORMATS
from subscribers.handler import make_handler
from tests.subscribers.sink import Memory

GOLDEN = Path(__file__).parent / "golden"
#: 2026-11-21T03:30:10Z
AT_MS = 1_795_231_810_000
NOW = 1_795_231_900_000_000_000
INPUTS = sorted(path for path in GOLDEN.iterdir() if path.suffix in (".log", ".json"))
DOCUMENTS = [path for path in INPUTS if path.suffix == ".json"]


def expected(path: Path) -> Path:
    return path.with_suffix(".signals.jsonl")


def told(path: Path) -> Iterator[str]:
    """The lines that `observe parse` prints of a file."""
    described = path.with_suffix(".yaml")
    wish = Wish(load(described), service=path.stem) if described.exists() else Wish(EMPTY)
    with path.open("rb") as file:
        parsing = Parsing(Source(path.name, AT_MS, chunks_of(file)), wish, NOW)
        for page in parsing.pages():
            yield from map(signal_json, page.signals)


@pytest.mark.parametrize("path", INPUTS, ids=[path.name for path in INPUTS])
def test_the_signals_are_the_golden_ones(path: Path) -> None:
    """Each of them, in order, with all of its fields."""
    found = [json.loads(line) for line in told(path)]
    wanted = [json.loads(line) for line in expected(path).read_text(encoding="utf-8").splitlines()]
    for one, other in zip(found, wanted, strict=False):
        assert one == other
    assert len(found) == len(wanted)


@pytest.mark.parametrize("path", DOCUMENTS, ids=[path.name for path in DOCUMENTS])
def test_the_subscriber_delivers_the_same(path: Path) -> None:
    """`observe parse` tells what the handler would store."""
    event = json.loads(path.read_bytes())
    if "awslogs" not in event:
        data = base64.b64encode(gzip.compress(path.read_bytes(), mtime=0)).decode()
        event = {"awslogs": {"data": data}}
    sink = Memory()
    make_handler(EMPTY, sink, lambda: NOW)(event, None)
    assert [signal_json(signal) for signal in sink.signals.values()] == list(told(path))


def test_every_kind_has_a_golden_file() -> None:
    """Every named format, and every kind of a team's own."""
    datasets = Counter(
        json.loads(line)["dataset"]
        for path in INPUTS
        for line in expected(path).read_text(encoding="utf-8").splitlines()
        if '"kind":"log"' in line
    )
    stems = {path.stem for path in INPUTS}
    assert set(FORMATS) <= stems
    services = [service for path in GOLDEN.glob("*.yaml") for service in load(path).services.values()]
    kinds = {kind for service in services for kind in service.format_options}
    assert {*LINE_FORMATS, *JAVA_LAYOUTS, "multiline"} <= kinds
    assert {"observe", "lambda.text", "lambda.json", "lambda.platform", "apache.access"} <= set(datasets)


def test_no_golden_file_is_left_over() -> None:
    """Each has an input, and each configuration a log."""
    assert {expected(path) for path in INPUTS} == set(GOLDEN.glob("*.signals.jsonl"))
    assert {path.with_suffix(".log") for path in GOLDEN.glob("*.yaml")} <= set(INPUTS)


if __name__ == "__main__":
    for each in INPUTS:
        expected(each).write_text("".join(f"{line}\n" for line in told(each)), encoding="utf-8")
