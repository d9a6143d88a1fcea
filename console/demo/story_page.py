"""A story as a page: what `observe trace` prints, for whoever follows the link of an alert."""

from __future__ import annotations

import io

from rich.console import Console
from rich.terminal_theme import MONOKAI

from console import trace
from console.waterfall import render
from subscribers.store import Store

_WIDTH = 160


def page_of(store: Store, id: str) -> str | None:
    """Return the stories of an ID as HTML, None where nothing is known of it. Raises StoreError."""
    stories = trace.find(store, id)
    if not stories:
        return None
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True)
    for story in stories:
        render(story, console)
    return console.export_html(theme=MONOKAI, inline_styles=True)
