"""The documentation's table of sources and carriers against the two registries."""

from __future__ import annotations

import base64
import re
from importlib import import_module
from pathlib import Path

import pytest

import observe
from console.explain import CALLS
from observe.context import Context, inject
from observe.services import CARRIERS, SOURCES, carrier_of
from observe.settings import PAYLOAD_CARRIERS
from observe.source import LOST, Source

PAGE = (Path(__file__).parents[2] / "docs" / "carriers.md").read_text()
#: [service, read from, written to, carries, limit, asked for as, receipt]
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE[PAGE.index("## The table") : PAGE.index("## Payloads")].splitlines()
    if line.startswith("| ") and not line.startswith(("| service", "| **", "| SOAP"))
]
#: What a call needs so that its carrier may carry.
MORE = {"CopyObject": {"MetadataDirective": "REPLACE"}}
CONTEXT = Context("a" * 32, "b" * 16, correlation_id="CLM-1", debug=True, hops=2, tracestate="a=1")


def named(place: tuple[str, str]) -> Source:
    source = getattr(import_module(f"observe.services.{place[0]}"), place[1])
    assert isinstance(source, Source)
    return source


def row_of(service: str, operation: str) -> list[str]:
    """The row whose third cell has the call: "`service` `Operation`, `Operation`: where"."""
    (found,) = [
        row
        for row in ROWS
        if f"`{service}` `" in row[2] and f"`{operation}`" in row[2] and _asynchronous(row, service)
    ]
    return found


def _asynchronous(row: list[str], service: str) -> bool:
    """Invoke has two rows; the call that is looked for here is the synchronous one."""
    return service != "lambda" or "`Event`" not in row[2]


@pytest.mark.parametrize(("matches", "place"), SOURCES)
def test_every_source_is_in_it(matches: object, place: tuple[str, str]) -> None:
    """By its name, in the first cell of a row."""
    source = named(place)
    assert any(source.name in row[0] for row in ROWS), source.name


@pytest.mark.parametrize(("matches", "place"), SOURCES)
def test_who_is_believed_less_is_said(matches: object, place: tuple[str, str]) -> None:
    source = named(place)
    (cell,) = [row[3] for row in ROWS if source.name in row[0].split(" (")[0].split(", ")] or [""]
    if cell not in ("", "nothing"):
        assert ("(public)" in cell) == source.public, source.name


@pytest.mark.parametrize(("service", "operation"), CARRIERS)
def test_every_carrier_is_in_it(service: str, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the table says of it is what the carrier does with everything asked for."""
    monkeypatch.setenv("OBSERVE_PAYLOAD_CARRIERS", ",".join(PAYLOAD_CARRIERS))
    observe.settings.reset()
    row = row_of(service, operation)
    carrier = carrier_of(service, operation)
    assert carrier is not None
    sent = carrier.carry({**CALLS[service, operation], **MORE.get(operation, {})}, CONTEXT)
    told = str(sent) + base64.b64decode(sent.get("ClientContext", "")).decode()
    carried = {name for name, value in inject(CONTEXT).items() if value in told}
    where = row[2].partition(f"`{operation}`")[2]
    if where.startswith(": nothing"):
        expected: set[str] = set()
    elif row[3].startswith("IDs"):
        expected = {"traceparent", "x-correlation-id"}
    else:
        assert row[3].startswith("all")
        expected = {"traceparent", "x-correlation-id", "baggage", "tracestate"}
    assert carried == expected


def test_what_has_to_be_asked_for_is_said() -> None:
    """The names of OBSERVE_PAYLOAD_CARRIERS, each once."""
    asked = [name for row in ROWS for name in re.findall(r"`([^`]+)`", row[5])]
    assert sorted(asked) == sorted(PAYLOAD_CARRIERS)


def test_every_reason_is_explained() -> None:
    reasons = PAGE[PAGE.index("## What could not be carried") :]
    assert re.findall(r"^\| `(\w+)` \|", reasons, re.M) == list(LOST)
