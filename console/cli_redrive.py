"""`observe redrive`: what sinks did not take, once more."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from console.cli_parse import config_of
from console.terminal import (
    Rate,
    config_option,
    duration_ns,
    json_option,
    output,
    quoted,
    sentences,
    stopped_by_interrupt,
    typed,
    window,
)
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from subscribers.dead_letter_storage import Storage
    from subscribers.redrive import Redriven
    from subscribers.redrive_input import Replayed
    from subscribers.redrive_plan import Filters, Plan

_STOPPING = "stopping after this delivery; once more to stop at once"


@click.command()
@click.argument("source", required=False)
@config_option("the sinks")
@click.option("--sink", "sinks", multiple=True, metavar="NAME", help="Only of this sink; repeatable.")
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Only of this channel; repeatable."
)
@click.option("--reason", "reasons", multiple=True, metavar="WORD", help="Only of this reason; repeatable.")
@click.option("--since", metavar="WHEN", help="Kept not before: 2h, 1d, 2026-11-21 or 2026-11-21T08:00:00Z.")
@click.option("--until", metavar="WHEN", help="Kept before this, in the same forms.")
@click.option("--event-id", "event_ids", multiple=True, metavar="ID", help="Only this event; repeatable.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many items.")
@click.option("--rate", type=Rate(), metavar="N", help="Items a second at most.")
@click.option("--deadline", metavar="DURATION", help="Stop after this time, e.g. 10m.")
@click.option(
    "--input", "is_input", is_flag=True, help="Hand input that could not be read to the parsers again."
)
@click.option("--apply", "is_applied", is_flag=True, help="Deliver; without it nothing is changed.")
@json_option
def redrive(
    source: str | None,
    config: Path | None,
    since: str | None,
    until: str | None,
    limit: int | None,
    rate: float | None,
    deadline: str | None,
    is_input: bool,
    is_applied: bool,
    as_json: bool,
    **names: tuple[str, ...],
) -> None:
    """Show what sinks did not take, and with --apply deliver it again.

    SOURCE is a folder or s3://bucket/prefix: OBSERVE_DEAD_LETTERS where missing, else the folder kept of the
    embedded store. An object is removed when all of it was delivered; what is left of it is written back.
    Reason `outcome_unknown` may be delivered already: it is left out unless named. `truncated` was delivered.
    """
    from console import redrive as view
    from subscribers.redrive_plan import plan

    if is_input and (rate or any(names[name] for name in ("sinks", "channels", "event_ids"))):
        raise click.UsageError(
            "--input has no items, which --sink, --channel, --event-id and --rate are about"
        )
    with sentences(), _refusals():
        now_ns = time.time_ns()
        filters = _filters(names, window(since, until, now_ns), limit)
        deadline_s = _seconds(deadline) if deadline is not None else None
        storage = _storage(source)
        made = plan(storage, filters, now_ns / 1e9)
        _check_sinks(made, config)
        told: tuple[Redriven | None, Replayed | None] = (None, None)
        if not as_json:
            view.show_plan(made, output(), is_input=is_input)
        if is_applied:
            told = _apply(storage, made, config, rate or 0.0, deadline_s, is_input)
        if as_json:
            click.echo(json.dumps(view.as_json(made, *told), ensure_ascii=False, indent=1))
        else:
            _say(made, is_applied, is_input, *told)
        if not view.is_whole(*told):
            sys.exit(1)


def _storage(source: str | None) -> Storage:
    from subscribers.configured import KEPT_FOLDER, STORE_FOLDER
    from subscribers.dead_letter_storage import FolderStorage, storage_of

    named = source or os.environ.get("OBSERVE_DEAD_LETTERS")
    kept = Path(os.environ.get("OBSERVE_STORE") or STORE_FOLDER) / KEPT_FOLDER
    storage = storage_of(typed(named or str(kept)))
    if named and isinstance(storage, FolderStorage) and not storage.path.is_dir():
        raise click.ClickException(f"there is no folder {storage.name}")
    return storage


def _filters(
    names: dict[str, tuple[str, ...]], times_ns: tuple[int | None, int | None], limit: int | None
) -> Filters:
    from subscribers.redrive_plan import Filters

    chosen: dict[str, Any] = {name: tuple(map(typed, some)) for name, some in names.items()}
    since_s, until_s = (None if one is None else one / 1e9 for one in times_ns)
    return Filters(**chosen, since_s=since_s, until_s=until_s, limit=limit or 0)


def _check_sinks(made: Plan, config: Path | None) -> None:
    """Raise where a sink that is asked for is none; the file is read only where the source has it not."""
    from subscribers.redrive_plan import check_sinks

    if not made.sinks.issuperset(made.filters.sinks):
        check_sinks(made, config_of(config).sinks)


def _apply(
    storage: Storage, made: Plan, file: Path | None, rate: float, deadline_s: float | None, is_input: bool
) -> tuple[Redriven | None, Replayed | None]:
    """Deliver, and say on stderr how far it is."""
    from rich.progress import Progress

    from console import redrive as view
    from subscribers.configured import deliverers
    from subscribers.redrive import Redrive
    from subscribers.redrive_input import replay

    if file is None and (made.inputs if is_input else made.objects):
        raise click.UsageError("give --config observe.yaml: it says where the sinks are")
    config = config_of(file)
    with (
        _at_once(),
        stopped_by_interrupt("stopping after this delivery; once more to stop at once") as is_stopped,
    ):
        if is_input:
            handle = view.replayer(config, storage.name)
            limit = made.filters.limit
            return None, replay(
                storage, made.inputs, handle, limit=limit, deadline_s=deadline_s, is_stopped=is_stopped
            )
        talk = Console(stderr=True)
        with Progress(console=talk, disable=not talk.is_terminal, transient=True) as progress:
            # How many items an event has is known when all of them were looked through.
            total = None if made.filters.event_ids else min(made.filters.limit or made.items, made.items)
            task = progress.add_task("delivering", total=total)
            work = Redrive(
                storage,
                deliverers(config, os.environ),
                rate=rate,
                deadline_s=deadline_s,
                is_stopped=is_stopped,
                on_progress=lambda items: progress.advance(task, items),
            )
            with _told_so_far(work):
                return work.run(made), None


@contextmanager
def _at_once() -> Iterator[None]:
    """The second Ctrl-C ends the process when all is settled: else it would wait for requests that hang."""
    try:
        yield
    except KeyboardInterrupt:
        click.echo("Error: interrupted", err=True)
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(1)


@contextmanager
def _told_so_far(work: Any) -> Iterator[None]:
    """Where it is interrupted or fails, say what was done before."""
    from console import redrive as view

    try:
        yield
    except BaseException:
        view.show_redriven(work.told, Console(stderr=True))
        raise


def _say(
    made: Plan, is_applied: bool, is_input: bool, redriven: Redriven | None, replayed: Replayed | None
) -> None:
    from console import redrive as view

    if redriven is not None:
        view.show_redriven(redriven, output())
    if replayed is not None:
        view.show_replayed(replayed, output())
    if made.has_more:
        click.echo("there are more objects than one run takes: run it again afterwards", err=True)
    if nothing := view.why_nothing(made, is_input=is_input):
        click.echo(printable(nothing), err=True)
    elif not is_applied:
        click.echo(f"nothing was changed; {view.offer(made, is_input=is_input)}", err=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """What is known to go wrong there is a sentence."""
    from subscribers.dead_letter_storage import StorageError
    from subscribers.redrive_plan import RedriveError
    from subscribers.retries import LostItemsError
    from subscribers.settings_error import SettingsError

    try:
        yield
    except (StorageError, SettingsError, RedriveError, LostItemsError) as error:
        raise click.ClickException(printable(str(error))) from error


def _seconds(text: str) -> float:
    nanoseconds = duration_ns(text)
    if not nanoseconds:
        raise click.BadParameter(f"{quoted(text)} is no duration such as 30s or 10m", param_hint="--deadline")
    return nanoseconds / 1e9
