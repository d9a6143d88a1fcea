"""docs/logs.md: its snippets run, its line is read, and its methods and numbers are the code's."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

import observe
from observe import guard, log_buffer, settings, wire
from observe.testing import Lines
from tests.observe.running import run

PAGE = (Path(__file__).parents[2] / "docs" / "logs.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("number", range(len(BLOCKS)))
def test_its_snippets_write_lines(lines: Lines, number: int) -> None:
    """Each runs as it stands inside a handler, and nothing is said of ours."""
    run({}, lambda event, context: exec(BLOCKS[number], {}))
    assert guard.faults == {}
    assert len(lines.logs) >= 2
    assert all("requestId" in line for line in lines.logs)


def test_its_line_is_what_the_first_snippet_writes(lines: Lines) -> None:
    """With the same fields in the same order."""
    shown = json.loads(PAGE.partition("```json\n")[2].partition("```")[0])
    run({}, lambda event, context: exec(BLOCKS[0], {}))
    assert list(lines.logs[0]) == list(shown)
    assert lines.logs[0]["message"] == shown["message"]


def test_its_methods_are_the_loggers() -> None:
    """Those of the table, and no public one that is not in it."""
    table = PAGE.partition("|---|---|\n")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)[`(]", table)) - {"logging", "True", "with"}
    own: set[str] = {name for name in dir(observe.log) if not name.startswith("_")}
    assert own - named == {"try_unbind"}
    assert named <= own


def test_its_numbers_are_the_codes() -> None:
    """Defaults, limits and the names of levels."""
    found: Any = settings.Settings({})
    assert f"`{'`, `'.join(settings.LEVELS)}`" in PAGE
    assert f"({found.log_buffer_bytes // 1024} KiB)" in PAGE
    assert f"({found.log_budget_bytes // 1024**2} MiB)" in PAGE
    assert f"a line of more than {wire.LINE_MAX_BYTES // 1024} KiB cut" in PAGE
    assert log_buffer.RESERVE_SHARE == 4
    assert f"at least {log_buffer.RESERVE_MIN_BYTES // 1024} KiB" in PAGE
    for event in (log_buffer.BUFFER_EVENT, log_buffer.BUDGET_EVENT):
        assert f"`{event}`" in PAGE
