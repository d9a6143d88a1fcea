"""What every command shares: the store's option, how output is printed, and how faults are said."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from console.errors import ConsoleError
from lambda_layer.build import BuildError
from subscribers.store_errors import StoreError

if TYPE_CHECKING:
    from subscribers.store import Store

store_option = click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OBSERVE_STORE",
    default=Path(".observe"),
    show_default=True,
    help="Folder of the embedded store.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
#: How much of what was typed is said again in a sentence.
_SAID_MAX = 128
_PIPE_WIDTH = 200
#: Interrupts so near to each other are one.
_SAME_INTERRUPT_S = 0.5


@contextmanager
def sentences() -> Iterator[None]:
    """What is known to go wrong ends in a sentence and exit code 1, never in a traceback."""
    try:
        yield
    except BrokenPipeError:
        # The reader of our output went away (| head): not an error, and Python must not say so at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except OSError as error:
        named = f"{error.filename}: " if error.filename else ""
        raise click.ClickException(f"{named}{error.strerror or error}") from error
    except KeyboardInterrupt:
        raise click.ClickException("interrupted") from None
    except (ConsoleError, BuildError, StoreError) as error:
        raise click.ClickException(str(error)) from error


@contextmanager
def one_interrupt() -> Iterator[None]:
    """An interrupt that is told twice at once is one, for the second would end what the first one completes.

    `timeout` sends it to the command and to its group. Where interrupts are ignored they stay so.
    """
    last_s = float("-inf")

    def told(_signal: int, _frame: Any) -> None:
        nonlocal last_s
        before_s, last_s = last_s, time.monotonic()
        if last_s - before_s >= _SAME_INTERRUPT_S:
            raise KeyboardInterrupt

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, told)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class _Output(Console):
    """stdout; a reader that goes away is ours to handle, rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def output() -> Console:
    """Return stdout, wide where no terminal sets the width: a file or a pipe has room for whole messages."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _Output(width=_PIPE_WIDTH) if wide else _Output()


def say_skipped(store: Store) -> None:
    """Say on stderr what the last questions had to leave out: else a number would be wrong in silence."""
    if store.skipped:
        files = "1 file" if len(store.skipped) == 1 else f"{len(store.skipped)} files"
        shown = ", ".join(f"{one.path} ({one.reason})" for one in store.skipped[:3])
        click.echo(f"Warning: {files} of the store cannot be read and are left out: {shown}", err=True)


def must_exist(store: Path) -> None:
    """Raise click's error where there is no store."""
    if not store.is_dir():
        raise click.ClickException(f"there is no store at {store}: run `observe demo`, or give --store")


def typed(text: str) -> str:
    """Return what was typed as valid UTF-8: other bytes arrive as surrogates, which no store holds."""
    return text.encode("utf-8", "replace").decode()


def quoted(text: str) -> str:
    """Return what was typed as a sentence repeats it."""
    return repr(text if len(text) <= _SAID_MAX else text[:_SAID_MAX] + "…")
