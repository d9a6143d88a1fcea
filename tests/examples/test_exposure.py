"""measure_exposure: how much money is at stake, record by record of the stream."""

from __future__ import annotations

import base64
import json
from types import ModuleType
from typing import Any

import pytest

from observe import testing
from tests.examples.functions import load

FACT = {"claim": "CLM-1", "policy": "POL-1", "kind": "fire", "amount": 9000, "findings": ["large amount"]}


@pytest.fixture
def measure(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The function, without the layer around it."""
    return load("measure_exposure", monkeypatch)


def event(*facts: object) -> dict[str, Any]:
    """A batch of the stream; a text stands for data that is no fact."""
    return {"Records": [_record(number, fact) for number, fact in enumerate(facts, 1)]}


def _record(number: int, fact: object) -> dict[str, Any]:
    data = fact if isinstance(fact, str) else json.dumps(fact)
    return {
        "kinesis": {"sequenceNumber": str(number), "data": base64.b64encode(data.encode()).decode()},
        "eventSource": "aws:kinesis",
        "eventID": f"shardId-000000000000:{number}",
        "eventSourceARN": "arn:aws:kinesis:eu-west-1:123456789012:stream/claim-facts",
    }


def test_each_fact_is_measured(measure: ModuleType, lines: testing.Lines) -> None:
    """One line and one value a claim, one count a finding, by kind; nothing comes again."""
    facts = [FACT, {**FACT, "claim": "CLM-2", "kind": "other", "amount": 1, "findings": []}]
    assert measure.handler(event(*facts), None) == {"batchItemFailures": []}
    assert [(line["claim"], line["kind"], line["amount"]) for line in lines.logs] == [
        ("CLM-1", "fire", 9000),
        ("CLM-2", "other", 1),
    ]
    told = [str(line).split("|", 2)[2].strip() for line in lines.metrics]
    assert told == [
        "9000|distribution|claims.exposure|#kind:fire",
        "1|count|claims.findings|#kind:fire,finding:large amount",
        "1|distribution|claims.exposure|#kind:other",
    ]


@pytest.mark.parametrize("bad", ["no json", "[]", "{}"])
def test_what_is_no_fact_comes_again_with_all_behind_it(
    measure: ModuleType, lines: testing.Lines, bad: str
) -> None:
    """Lambda is told of the first failure; what is before it is done."""
    assert measure.handler(event(FACT, bad, FACT), None) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert [line["message"] for line in lines.logs if line["level"] == "INFO"] == ["exposure measured"]
