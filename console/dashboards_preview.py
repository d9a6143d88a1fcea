"""`observe dashboards preview`: pages with the store's data, written into a folder."""

from __future__ import annotations

import time
from pathlib import Path

import click

from console.store_times import extent
from console.terminal import duration_ns, must_exist, quoted, say_skipped
from dashboards.made import Made
from subscribers.store import Store


def write_preview(made: Made, store: Path, last: str | None, out: Path) -> Path:
    """Write the pages and return the path of the first. Raises StoreError, OSError and ClickException."""
    from dashboards.preview.render import preview

    must_exist(store)
    opened = Store(store)
    first, end = _window(opened, last)
    files = preview(made.system, made.pages, made.alarms, opened.query, first, end)
    say_skipped(opened)
    for path, text in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_text(text, encoding="utf-8")
    return out / "index.html"


def _window(store: Store, last: str | None) -> tuple[int, int]:
    """Return from when to when: --last, or all that the store has."""
    if (told := extent(store)) is None:
        say_skipped(store)
        raise click.ClickException(f"{store.path} is empty: there is nothing to show")
    if last is None:
        return told
    if not (span := duration_ns(last)):
        raise click.BadParameter(f"{quoted(last)} is no duration such as 30m, 24h or 7d", param_hint="--last")
    now = time.time_ns()
    return now - span, now
