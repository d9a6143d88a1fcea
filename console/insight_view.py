"""Answers on a terminal: findings, then tables, then notes; and as JSON for programs."""

from __future__ import annotations

import math
import re
from typing import Any

import msgspec
from rich.console import Console

from console.insight_tables import short, show
from console.terminal import line
from subscribers.insight.answer import Answer, Finding

_LEVELS = {"ok": "green", "info": "cyan", "warning": "yellow", "bad": "bold red"}
#: Correlation IDs of a finding that are shown; `--json` has all.
_IDS_MAX = 3
#: Characters of a sentence that are shown, and of a word or an ID.
_SENTENCE_MAX, _WORD_MAX = 2_000, 200
_LONG_WORD = re.compile(rf"\S{{{_WORD_MAX + 1},}}")


def as_json(answer: Answer) -> dict[str, Any]:
    """Return an answer for programs: as Answer, rows as objects keyed by column name; NaN is null."""
    tree: dict[str, Any] = _finite(msgspec.to_builtins(answer, enc_hook=str))
    for table, told in zip(answer.tables, tree["tables"], strict=True):
        names = [column.name for column in table.columns]
        told["rows"] = [dict(zip(names, row, strict=True)) for row in told["rows"]]
    return tree


def render(answer: Answer, out: Console) -> None:
    """Print an answer. Whatever it holds is data, never markup."""
    line(out, answer.title, style="bold")
    for finding in answer.findings:
        _finding(finding, out)
    for table in answer.tables:
        out.print()
        show(table, out)
    if answer.notes:
        out.print()
    for note in answer.notes:
        line(out, _sentence(note), "- ", "dim")


def _finite(tree: Any) -> Any:
    if isinstance(tree, float):
        return tree if math.isfinite(tree) else None
    if isinstance(tree, dict):
        return {key: _finite(value) for key, value in tree.items()}
    return [_finite(value) for value in tree] if isinstance(tree, list | tuple) else tree


def _sentence(text: str) -> str:
    """A sentence whose end is seen, however long a name in it is."""
    return short(_LONG_WORD.sub(lambda word: short(word[0], _WORD_MAX), text), _SENTENCE_MAX)


def _finding(finding: Finding, out: Console) -> None:
    basis = "" if finding.basis == "measured" else f" ({finding.basis})"
    line(out, _sentence(finding.text) + basis, f"{finding.level:<9}", _LEVELS[finding.level])
    if finding.correlation_ids:
        shown = ", ".join(short(one, _WORD_MAX) for one in finding.correlation_ids[:_IDS_MAX])
        more = len(finding.correlation_ids) - _IDS_MAX
        line(out, f"such as {shown}{f' and {more} more' if more > 0 else ''}", " " * 9, "dim")
