"""Write the README's picture: what a business key finds in a demo's store, as an SVG.

python -m console.picture STORE claim=CLM-889005 docs/images/trace.svg
"""

from __future__ import annotations

import io
from pathlib import Path

import click
from rich.console import Console

from console import key_secret, trace
from console.waterfall import render
from subscribers.store import Store

WIDTH = 112


@click.command()
@click.argument("store", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.argument("key")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def main(store: Path, key: str, out: Path) -> None:
    """Render the stories of KEY (NAME=VALUE) in STORE to the SVG OUT."""
    console = Console(
        record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor"
    )
    name, _, value = key.partition("=")
    for story in trace.find_key(Store(store), name, value, key_secret.secret_of(store, {})).stories:
        render(story, console)
    # An own name for the classes: the default is made of the content, a fixed one keeps diffs small.
    svg = console.export_svg(title=f"observe trace --key {key}", unique_id="observe")
    # The fonts that rich names by URL would be fetched by whoever looks at the picture.
    kept, skipping = [], False
    for line in svg.splitlines():
        skipping = skipping or "@font-face" in line
        if not skipping:
            kept.append(line.rstrip())
        skipping = skipping and line.strip() != "}"
    out.write_text("\n".join(kept) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
