"""What `observe dashboards` says of files it wrote, and of what somebody must mend."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from dashboards.output import Difference
from dashboards.resources import Note

#: Errors and warnings that are told; the rest is a number.
_NOTES_MAX = 20


def tell_written(out: Path, files: dict[str, str], found: Difference) -> None:
    """Say what was written where."""
    changed = len(found.missing) + len(found.changed)
    click.echo(f"{out}: {len(files)} files, {changed} new or changed, {len(found.superfluous)} removed")
    counts: dict[str, int] = {}
    for path in files:
        target = path.partition("/")[0]
        counts[target] = counts.get(target, 0) + 1
    for target, n in counts.items():
        click.echo(f"  {out / target}: {n}")


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
    """Say on stderr what somebody must mend and how much else there is to know; exit 1 for errors."""
    told = list(dict.fromkeys(notes))
    errors = [note for note in told if note.level == "error"]
    others = [note for note in told if note.level == "warning"]
    for note in (*errors, *others)[:_NOTES_MAX]:
        place = f"{note.place}: " if str(note.place) else ""
        click.echo(f"{note.level}: {place}{note.text}", err=True)
    if (more := len(errors) + len(others) - _NOTES_MAX) > 0:
        click.echo(f"and {more} more", err=True)
    if len(told) > len(errors) + len(others):
        infos = len(told) - len(errors) - len(others)
        click.echo(f"{infos} further notes; observe dashboards model tells those of the templates", err=True)
    if errors or is_failed:
        raise click.exceptions.Exit(1)
