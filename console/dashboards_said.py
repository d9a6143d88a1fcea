"""What `observe dashboards` says of files it wrote, and of what somebody must mend."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from console.words import counted
from dashboards.left_out import NOTES
from dashboards.output import Difference
from dashboards.resources import Note
from subscribers.config_problems import printable

#: Errors that are told; the rest is a number.
_ERRORS_MAX = 20


def tell_written(out: Path, files: dict[str, str], found: Difference) -> None:
    """Say what was written where."""
    changed = len(found.missing) + len(found.changed)
    click.echo(f"{out}: {len(files)} files, {changed} new or changed, {len(found.superfluous)} removed")
    counts: dict[str, int] = {}
    for path in files:
        target = path.partition("/")[0]
        counts[target] = counts.get(target, 0) + 1
    for target, n in counts.items():
        click.echo(f"  {out / target}: {n}, and {NOTES} says what is left out")


def tell_difference(out: Path, found: Difference) -> None:
    """Say which files differ, a line each."""
    for word, paths in (
        ("missing", found.missing),
        ("changed", found.changed),
        ("superfluous", found.superfluous),
    ):
        for path in paths:
            click.echo(f"{word}: {out / path}")
    if not found:
        click.echo(f"{out} is what would be generated")


def end(notes: Iterable[Note], is_failed: bool = False) -> None:
    """Say on stderr what somebody must mend, and where the rest is told; exit 1 for errors.

    notes: those of the templates, and errors of targets.
    """
    told = list(dict.fromkeys(notes))
    errors = [note for note in told if note.level == "error"]
    for note in errors[:_ERRORS_MAX]:
        place = f"{note.place}: " if str(note.place) else ""
        click.echo(printable(f"error: {place}{note.text}"), err=True)
    if (more := len(errors) - _ERRORS_MAX) > 0:
        click.echo(f"and {more} more errors", err=True)
    warnings = sum(note.level == "warning" for note in told)
    rest = len(told) - len(errors) - warnings
    if warnings or rest:
        counts = " and ".join(counted(n, word) for n, word in ((warnings, "warning"), (rest, "note")) if n)
        click.echo(f"{counts} of the templates: observe dashboards model tells them", err=True)
    if is_failed:
        raise click.exceptions.Exit(1)
    fail_for(errors)


def fail_for(notes: Iterable[Note]) -> None:
    """Exit 1 where one of some notes is an error."""
    if any(note.level == "error" for note in notes):
        raise click.exceptions.Exit(1)
