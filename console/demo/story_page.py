"""A story as a page: what `observe trace` prints, for whoever follows the link of an alert."""

from __future__ import annotations

import html
import io

from rich.console import Console
from rich.terminal_theme import MONOKAI

from console import trace
from console.waterfall import render
from subscribers.store import Store

_WIDTH = 120
#: Long lines fold on a phone; rich fills in code, colours and styles.
_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>TITLE</title>
<style>
body {{ color: {foreground}; background-color: {background}; margin: 1em; }}
pre {{ font: 13px/1.35 Menlo, 'DejaVu Sans Mono', consolas, monospace; white-space: pre-wrap; }}
{stylesheet}
</style>
</head>
<body><pre><code style="font-family:inherit">{code}</code></pre></body>
</html>
"""


def page_of(store: Store, id: str) -> str | None:
    """Return the stories of an ID as HTML, None where nothing is known of it. Raises StoreError."""
    stories = trace.find(store, id)
    if not stories:
        return None
    console = Console(record=True, file=io.StringIO(), width=_WIDTH, force_terminal=True)
    for story in stories:
        render(story, console)
    # Braces of an ID would be fields of the page.
    title = html.escape(f"{id[:80]} - Hybrid Observe").replace("{", "(").replace("}", ")")
    return console.export_html(theme=MONOKAI, inline_styles=True, code_format=_PAGE.replace("TITLE", title))
