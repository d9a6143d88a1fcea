"""`observe redrive`: what sinks did not take, once more."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from console.cli_parse import config_of, config_option
from console.terminal import json_option, output, quoted, sentences, typed

if TYPE_CHECKING:
    from subscribers.config import Config
    from subscribers.dead_letter_storage import Storage
    from subscribers.redrive import Redriven
    from subscribers.redrive_input import Replayed
    from subscribers.redrive_plan import Filters, Plan


@click.command()
@click.argument("source", required=False)
@config_option
@click.option("--sink", "sinks", multiple=True, metavar="NAME", help="Only of this sink; repeatable.")
@click.option(
    "--channel", "channels", multiple=True, metavar="NAME", help="Only of this channel; repeatable."
)
@click.option("--reason", "reasons", multiple=True, metavar="WORD", help="Only of this reason; repeatable.")
@click.option("--since", metavar="WHEN", help="Kept not before: 2h, 1d, 2026-11-21 or 2026-11-21T08:00:00Z.")
@click.option("--until", metavar="WHEN", help="Kept before this, in the same forms.")
@click.option("--event-id", "event_ids", multiple=True, metavar="ID", help="Only this event; repeatable.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="At most so many items.")
@click.option("--rate", type=click.FloatRange(0, min_open=True), metavar="N", help="Items a second at most.")
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
    Reasons `truncated` and `outcome_unknown` may be delivered already: they are left out unless named.
    """
    from console import redrive as view

    with sentences(), _refusals():
        now_s = time.time()
        storage = _storage(source)
        made = _plan(storage, _filters(names, since, until, limit, now_s), now_s)
        deadline_s = _seconds(deadline) if deadline else None
        told: tuple[Redriven | None, Replayed | None] = (None, None)
        if not as_json:
            view.show_plan(made, output())
        if is_applied:
            told = _apply(storage, made, config_of(config), rate or 0.0, deadline_s, is_input)
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
    names: dict[str, tuple[str, ...]], since: str | None, until: str | None, limit: int | None, now_s: float
) -> Filters:
    from subscribers.redrive_plan import Filters

    chosen: dict[str, Any] = {name: tuple(map(typed, some)) for name, some in names.items()}
    return Filters(
        **chosen,
        since_s=_moment(since, "--since", now_s) if since else None,
        until_s=_moment(until, "--until", now_s) if until else None,
        limit=limit or 0,
    )


def _plan(storage: Storage, filters: Filters, now_s: float) -> Plan:
    from subscribers.redrive_plan import plan

    return plan(storage, filters, now_s)


def _apply(
    storage: Storage, made: Plan, config: Config, rate: float, deadline_s: float | None, is_input: bool
) -> tuple[Redriven | None, Replayed | None]:
    """Deliver, and say on stderr how far it is."""
    from rich.progress import Progress

    from console import redrive as view
    from subscribers.configured import deliverers
    from subscribers.redrive import Redrive
    from subscribers.redrive_input import replay

    with view.stopped_by_interrupt() as is_stopped:
        if is_input:
            handle = view.replayer(config, storage.name)
            return None, replay(storage, made.inputs, handle, limit=made.filters.limit, is_stopped=is_stopped)
        sinks = deliverers(config)
        if made.objects and not sinks:
            raise click.UsageError("give --config observe.yaml: it says where the sinks are")
        talk = Console(stderr=True)
        with Progress(console=talk, disable=not talk.is_terminal, transient=True) as progress:
            task = progress.add_task("delivering", total=min(made.filters.limit or made.items, made.items))
            work = Redrive(
                storage,
                sinks,
                rate=rate,
                deadline_s=deadline_s,
                is_stopped=is_stopped,
                on_progress=lambda items: progress.advance(task, items),
            )
            with _told_so_far(work):
                return work.run(made), None


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
    from console.words import counted

    if redriven is not None:
        view.show_redriven(redriven, output())
    if replayed is not None:
        view.show_replayed(replayed, output())
    if made.has_more:
        click.echo("there are more objects than one run takes: run it again afterwards", err=True)
    if not (made.inputs if is_input else made.objects):
        click.echo(f"nothing to redrive in {made.source}", err=True)
    elif not is_applied:
        what = counted(min(made.items, made.filters.limit or made.items), "item")
        if is_input:
            number = len(made.inputs)
            what = f"{counted(min(number, made.filters.limit or number), 'document')} of the input"
        click.echo(f"nothing was changed; --apply delivers {what}", err=True)


@contextmanager
def _refusals() -> Iterator[None]:
    """What is known to go wrong there is a sentence."""
    from subscribers.configured import SettingsError
    from subscribers.dead_letter_storage import StorageError
    from subscribers.redrive_plan import RedriveError
    from subscribers.retries import LostItemsError

    try:
        yield
    except (StorageError, SettingsError, RedriveError, LostItemsError) as error:
        raise click.ClickException(str(error)) from error


def _seconds(text: str) -> float:
    from subscribers.config import duration_ms

    try:
        return duration_ms(text) / 1_000
    except (ValueError, OverflowError):
        raise click.BadParameter(
            f"{quoted(text)} is no duration such as 30s or 10m", param_hint="--deadline"
        ) from None


def _moment(text: str, option: str, now_s: float) -> float:
    """Seconds since the epoch of `2h` ago or of an instant, UTC where it names no zone."""
    from subscribers.config import duration_ms

    try:
        return now_s - duration_ms(text) / 1_000
    except (ValueError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{quoted(text)} is no duration (2h, 1d) and no instant (2026-11-21T08:00:00Z)", param_hint=option
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
