"""docs/layer.md: what its rows say of the modes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import observe
from observe import settings
from observe.testing import Lines
from tests.observe.running import run

PAGE = (Path(__file__).parents[2] / "docs" / "layer.md").read_text(encoding="utf-8")


def _failing(event: Any, context: Any) -> None:
    observe.log.info("here")
    observe.metrics.increment("claims")
    with observe.span("price"):
        raise KeyError("no such policy")


@pytest.mark.parametrize(
    ("mode", "metrics", "spans", "events"),
    [("all", 1, 2, 1), ("passive", 1, 0, 1), ("propagate", 0, 0, 0)],
)
def test_what_each_mode_writes_of_a_failed_invocation(
    lines: Lines, monkeypatch: pytest.MonkeyPatch, mode: str, metrics: int, spans: int, events: int
) -> None:
    """`propagate` writes no metric, span or event, `passive` no span; log lines are written in each."""
    monkeypatch.setenv("OBSERVE_MODE", mode)
    settings.reset()
    with pytest.raises(KeyError):
        run({"claim": "CLM-1"}, _failing)
    assert lines.logs[0]["message"] == "here"
    assert (len(lines.metrics), len(lines.spans), len(lines.failed_events)) == (metrics, spans, events)


def test_every_group_of_settings_is_a_table() -> None:
    """Each row stands below a heading, in a table of its own."""
    groups = PAGE.partition("## Settings\n")[2].partition("\n## ")[0].split("\n### ")[1:]
    assert len(groups) > 5
    for group in groups:
        title, _, table = group.partition("\n")
        head = "\n| variable | meaning |\n|---|---|\n"
        assert table.startswith(head), title
        rows = table.removeprefix(head).strip().splitlines()
        assert all(re.fullmatch(r"\| `[A-Z_]+` \| .+ \|", row) for row in rows), title
