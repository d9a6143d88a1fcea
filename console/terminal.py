"""What every command shares: options, times as they are typed, interrupts, how output is printed and how
faults are said."""

from __future__ import annotations

import math
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.text import Text

from console.errors import ConsoleError
from lambda_layer.build import BuildError
from subscribers.config_problems import printable
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


def config_option(used_for: str) -> Callable[[Any], Any]:
    """Return the option --config. used_for: what the command reads in the file."""
    return click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        envvar="OBSERVE_CONFIG",
        help=f"observe.yaml: {used_for}.",
    )


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


class Rate(click.FloatRange):
    """So many a second: a number that time can be divided by."""

    name = "rate"

    def __init__(self) -> None:
        super().__init__(min=0.001, max=1_000_000)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number. Raises BadParameter, for NaN too, which is in every range."""
        rate = super().convert(value, param, ctx)
        if math.isnan(rate):
            self.fail(f"{quoted(str(value))} is not a number of times a second", param, ctx)
        return rate


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
    """Ctrl-C twice at once is one interrupt, for the second would end what the first one completes."""

    def told(_number: int) -> None:
        raise KeyboardInterrupt

    with _interrupts(told):
        yield


@contextmanager
def stopped_by_interrupt(said: str) -> Iterator[Callable[[], bool]]:
    """Yield what tells whether Ctrl-C was pressed. The first one ends the work in order, the second at once.

    said: the sentence on stderr for the first one.
    """
    is_stopped = False

    def told(number: int) -> None:
        nonlocal is_stopped
        is_stopped = True
        if number > 1:
            raise KeyboardInterrupt
        click.echo(said, err=True)

    with _interrupts(told):
        yield lambda: is_stopped


@contextmanager
def _interrupts(told: Callable[[int], None]) -> Iterator[None]:
    """Have interrupts told by their number, from 1 on; two at once are one.

    `timeout` sends it to the command and to its group. Where interrupts are ignored they stay so.
    """
    number, last_s = 0, float("-inf")

    def handle(_signal: int, _frame: Any) -> None:
        nonlocal number, last_s
        before_s, last_s = last_s, time.monotonic()
        if last_s - before_s >= _SAME_INTERRUPT_S:
            number += 1
            told(number)

    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, handle)
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


def line(out: Console, text: str, head: str = "", style: str = "") -> None:
    """Print one line: folded between words behind its head on a terminal, whole where it is a file or a pipe.

    text: whatever it holds is data, never markup.
    """
    said = printable(text)
    if out.file.isatty():
        room = max(1, out.width - len(head))
        folded = textwrap.wrap(said, room, break_long_words=False, break_on_hyphens=False)
        said = f"\n{' ' * len(head)}".join(folded)
    out.print(Text(head + said, style), highlight=False, soft_wrap=True)


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


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LAST_NS = (1 << 63) - 1


def window(since: str | None, until: str | None, now_unix_nano: int) -> tuple[int | None, int | None]:
    """Return --since and --until in nanoseconds since the epoch, None where they say nothing.

    Each is `2h`, for that long ago, or an instant, in UTC where it names no zone. Raises BadParameter.
    """
    first = moment(since, "--since", now_unix_nano) if since is not None else None
    last = moment(until, "--until", now_unix_nano) if until is not None else None
    if first is not None and last is not None and last <= first:
        raise click.BadParameter(f"{quoted(until or '')} does not lie after --since", param_hint="--until")
    return first, last


def duration_ns(text: str) -> int | None:
    """Return `30s` or `1h30m` in nanoseconds, None where it is no duration or longer than times can be."""
    from subscribers.config import duration_ms

    try:
        nanoseconds = duration_ms(text) * 1_000_000
    except ValueError:
        return None
    return nanoseconds if nanoseconds <= _LAST_NS else None


def moment(text: str, option: str, now_unix_nano: int) -> int:
    """Return a time as it was typed: so long ago, or an instant. Raises BadParameter, about `option`."""
    if (ago := duration_ns(text)) is not None:
        return max(0, now_unix_nano - ago)
    try:
        told = datetime.fromisoformat(text)
        since = (told if told.tzinfo else told.replace(tzinfo=UTC)) - _EPOCH
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{quoted(text)} is no duration (2h, 1d) and no instant (2026-11-21T08:00:00Z)", param_hint=option
        ) from None
    return min(max(0, since // timedelta(microseconds=1) * 1_000), _LAST_NS)
