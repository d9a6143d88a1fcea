"""The language-neutral vectors of docs/spec/context-vectors.json hold for this implementation."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from observe import ids
from observe.context import Context, capture, inject

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "docs/spec/context-vectors.json").read_text(encoding="utf-8")
)


def _context(fields: dict[str, Any]) -> Context:
    return Context(
        fields["trace_id"],
        fields["span_id"],
        correlation_id=fields["correlation_id"],
        flags=fields["flags"],
        debug=fields["debug"],
        hops=fields["hops"],
        baggage=tuple((key, value) for key, value in fields["baggage"]),
        tracestate=fields["tracestate"],
    )


@pytest.mark.parametrize("case", VECTORS["derive"], ids=lambda case: case["name"])
def test_derive(case: dict[str, str]) -> None:
    """A correlation ID derives the trace ID that every implementation derives."""
    assert ids.derive_trace_id(case["value"]) == case["trace_id"]


@pytest.mark.parametrize(
    "case", VECTORS["sampling"], ids=lambda case: f"{case['trace_id'][:6]} {case['rate']}"
)
def test_sampling(case: dict[str, Any]) -> None:
    """A trace ID and a rate decide alike everywhere."""
    assert ids.sampled_by_rate(case["trace_id"], case["rate"]) is case["sampled"]


@pytest.mark.parametrize("case", VECTORS["capture"], ids=lambda case: case["name"])
def test_capture(case: dict[str, Any]) -> None:
    """Projected headers yield the context, the links and the notes that the vector says."""
    found = capture(
        case["headers"],
        trust=case["trust"],
        environment=case["environment"],
        rate=case["rate"],
        fresh=lambda: VECTORS["fresh"],
    )
    assert found.context == _context(case["context"])
    assert [list(link) for link in found.links] == case["links"]
    assert list(found.notes) == case["notes"]


@pytest.mark.parametrize("case", VECTORS["inject"], ids=lambda case: case["name"])
def test_inject(case: dict[str, Any]) -> None:
    """A context is written as the vector says."""
    assert inject(_context(case["context"]), baggage=case["baggage"]) == case["headers"]
