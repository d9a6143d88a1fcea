"""`observe parse`: what the subscriber would make of a file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import click

from console.terminal import json_option, one_interrupt, output, sentences, typed
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from console.parse import Parsing, Wish
    from subscribers.config import Config


format_option = click.option(
    "--format", "format_name", metavar="FORMAT", help="A built-in format's name; auto where missing."
)
#: What cannot be opened is said of each file: the others are read all the same.
files_type = click.Path(readable=False, allow_dash=True)
config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="OBSERVE_CONFIG",
    help="observe.yaml: formats, zones, business keys, controls and redaction.",
)


@click.command()
@click.argument("files", metavar="[FILE]...", nargs=-1, type=files_type)
@format_option
@click.option(
    "--service", metavar="NAME", help="The service that wrote it; its format is the configuration's."
)
@click.option("--log-group", metavar="NAME", help="Read it as if it came from this log group.")
@config_option
@click.option("--show-redactions", is_flag=True, help="Show what would be redacted, by which rule, instead.")
@json_option
def parse(
    files: tuple[str, ...],
    format_name: str | None,
    service: str | None,
    log_group: str | None,
    config: Path | None,
    show_redactions: bool,
    as_json: bool,
) -> None:
    """Read each FILE, or standard input, as the subscriber would, and print a signal a line.

    FILE may hold log lines, gzip, zstd, bzip2 or xz of them, an event of CloudWatch Logs ({"awslogs": ...}),
    Kinesis or Firehose, what `aws logs filter-log-events` prints, or what Firehose and CreateExportTask
    deliver. Nothing is stored or sent. A summary of each goes to standard error.
    """
    from console.parse import Wish

    with sentences(), one_interrupt():
        wish = Wish(
            config_of(config),
            format_of(format_name),
            typed(service or ""),
            typed(log_group or ""),
            os.environ.get("OBSERVE_KEY_SECRET", ""),
        )
        unread = [file for file in files or ("-",) if not _read(file, wish, show_redactions, as_json)]
        if unread:
            sys.exit(1)


def _read(file: str, wish: Wish, show_redactions: bool, as_json: bool) -> bool:
    """Print what one file becomes; False where it cannot be read, of which it is said why."""
    from console.parse import ParseError, Parsing
    from console.parse_input import Source, chunks_of

    interrupts: list[KeyboardInterrupt] = []
    try:
        with opened(file) as stream:
            written = time.time() if file == "-" else os.fstat(stream.fileno()).st_mtime
            chunks = chunks_of(stream, on_interrupt=interrupts.append)
            source = Source(typed(file), max(0, int(written * 1000)), chunks)
            try:
                parsing = Parsing(source, wish, time.time_ns())
            except ParseError as error:
                raise click.UsageError(str(error)) from error
            _print(parsing, show_redactions, as_json)
    except BrokenPipeError:
        raise
    except OSError as error:
        # The other files can be read all the same.
        click.echo(f"Error: {printable(typed(file))}: {error.strerror or error}", err=True)
        return False
    if interrupts:
        raise interrupts[0]
    return True


def format_of(name: str | None) -> str:
    """Return the name of a format as `--format` gives it, "" for none. Raises BadParameter."""
    from difflib import get_close_matches

    from subscribers.parse import AUTO, FORMATS

    known = (*FORMATS, AUTO)
    if name is not None and name not in known:
        close = get_close_matches(name, known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
        raise click.BadParameter(f"there is no format {typed(name)[:64]!r}; {hint}", param_hint="--format")
    return name or ""


def config_of(path: Path | None) -> Config:
    """Return the configuration of a file, an empty one where there is none. Raises ClickException."""
    from subscribers.config import EMPTY, ConfigError, load

    try:
        return load(path) if path else EMPTY
    except ConfigError as error:
        raise click.ClickException(str(error)) from error


def opened(path: str) -> BinaryIO:
    """Return a file that can be read, standard input for `-`. Raises OSError and ClickException."""
    if path != "-":
        return Path(path).open("rb")
    if sys.stdin is None or sys.stdin.closed:
        raise click.ClickException("standard input is closed")
    if sys.stdin.isatty():
        click.echo("reading standard input; Ctrl-D ends it", err=True)
    return sys.stdin.buffer


def _print(parsing: Parsing, show_redactions: bool, as_json: bool) -> None:
    from console import parse_view

    begun, interrupted = time.process_time(), None
    try:
        _print_pages(parsing, show_redactions, as_json)
    except KeyboardInterrupt as stop:
        interrupted = stop  # the way to end `tail -f`: what has come is summed up all the same
    parsing.summary.cpu_s = time.process_time() - begun
    rules = parsing.rules if show_redactions else ()
    for line in parse_view.summary_lines(parsing.summary, rules):
        click.echo(line, err=True)
    if interrupted is not None:
        raise interrupted


def _print_pages(parsing: Parsing, show_redactions: bool, as_json: bool) -> None:
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
            with _writing():
                click.echo("".join(f"{line}\n" for line in lines).encode(), nl=False)
        elif out is not None:
            rows = (
                [parse_view.removal_text(removal) for removal in page.removals]
                if show_redactions
                else [parse_view.signal_text(signal) for signal in page.signals]
            )
            if rows:
                with _writing():
                    out.print(Text("\n").join(rows), highlight=False, soft_wrap=True)


@contextmanager
def _writing() -> Iterator[None]:
    """What cannot be written is no fault of the file that is read."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise click.ClickException(f"standard output: {error.strerror or error}") from error
