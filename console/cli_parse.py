"""`observe parse`: what the subscriber would make of a file."""

from __future__ import annotations

import os
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from console.terminal import json_option, output, sentences, typed

if TYPE_CHECKING:
    from console.parse import Parsing
    from subscribers.config import Config


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--format", "format_name", metavar="FORMAT", help="A built-in format's name; auto where missing."
)
@click.option(
    "--service", metavar="NAME", help="The service that wrote it; its format is the configuration's."
)
@click.option("--log-group", metavar="NAME", help="Read it as if it came from this log group.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="OBSERVE_CONFIG",
    help="observe.yaml: formats, zones, business keys, controls and redaction.",
)
@click.option("--show-redactions", is_flag=True, help="Show what would be redacted, by which rule, instead.")
@json_option
def parse(
    file: str,
    format_name: str | None,
    service: str | None,
    log_group: str | None,
    config: Path | None,
    show_redactions: bool,
    as_json: bool,
) -> None:
    """Read FILE, or standard input, as the subscriber would, and print a signal a line.

    FILE may hold log lines, gzip, zstd, bzip2 or xz of them, a subscription event ({"awslogs": ...}), or what
    Firehose and CreateExportTask deliver. Nothing is stored or sent. A summary goes to standard error.
    """
    from console.parse import ParseError, Parsing, Wish
    from console.parse_input import Source, chunks_of

    with sentences():
        wish = Wish(
            _config(config),
            _format(format_name),
            typed(service or ""),
            typed(log_group or ""),
            os.environ.get("OBSERVE_KEY_SECRET", ""),
        )
        with _opened(file) as opened:
            written = time.time() if file == "-" else os.fstat(opened.fileno()).st_mtime
            source = Source(typed(file), max(0, int(written * 1000)), chunks_of(opened))
            try:
                parsing = Parsing(source, wish, time.time_ns())
            except ParseError as error:
                raise click.UsageError(str(error)) from error
            _print(parsing, show_redactions, as_json)


def _format(name: str | None) -> str:
    from difflib import get_close_matches

    from subscribers.parse import AUTO, FORMATS

    known = (*FORMATS, AUTO)
    if name is not None and name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        raise click.BadParameter(f"there is no format {typed(name)[:64]!r}; {hint}", param_hint="--format")
    return name or ""


def _config(path: Path | None) -> Config:
    from subscribers.config import EMPTY, ConfigError, load

    try:
        return load(path) if path else EMPTY
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def _opened(path: str) -> AbstractContextManager[BinaryIO]:
    if path != "-":
        return Path(path).open("rb")
    if sys.stdin is None:
        raise click.ClickException("standard input is closed")
    if sys.stdin.isatty():
        click.echo("reading standard input; Ctrl-D ends it", err=True)
    return nullcontext(sys.stdin.buffer)


def _print(parsing: Parsing, show_redactions: bool, as_json: bool) -> None:
    from rich.text import Text

    from console import parse_view

    out = None if as_json else output()
    for page in parsing.pages():
        if as_json:
            lines = (
                map(parse_view.removal_json, page.removals)
                if show_redactions
                else map(parse_view.signal_json, page.signals)
            )
            click.echo("".join(f"{line}\n" for line in lines).encode(), nl=False)
        elif out is not None:
            rows = (
                [parse_view.removal_text(removal) for removal in page.removals]
                if show_redactions
                else [parse_view.signal_text(signal) for signal in page.signals]
            )
            if rows:
                out.print(Text("\n").join(rows), highlight=False, soft_wrap=True)
    rules = parsing.rules if show_redactions else ()
    for line in parse_view.summary_lines(parsing.summary, rules):
        click.echo(line, err=True)
