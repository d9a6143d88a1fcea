"""`observe ingest`: files into the embedded store."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console.cli_parse import config_of, config_option, files_type, format_of, format_option, opened
from console.terminal import json_option, one_interrupt, sentences, store_option, typed
from console.words import counted
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from console.ingest import Ingested


@click.command()
@click.argument("files", nargs=-1, metavar="FILE...", type=files_type)
@store_option
@format_option
@click.option("--service", metavar="NAME", help="The service that wrote them; the file's name where missing.")
@click.option("--log-group", metavar="NAME", help="Read them as if they came from this log group.")
@config_option
@json_option
def ingest(
    files: tuple[str, ...],
    store: Path,
    format_name: str | None,
    service: str | None,
    log_group: str | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Read each FILE as the subscriber would, and keep its logs, metrics and spans in the embedded store.

    FILE is what `observe parse` reads; - is standard input. The same file again changes nothing. Prints the
    ledger: lines received, delivered, stored as dead letters, and dropped by reason.
    """
    from console.ingest import ingest as ingested
    from console.key_secret import secret_of
    from console.parse import ParseError, Wish
    from subscribers.store import Store

    if not files:
        raise click.UsageError("give at least one FILE, or - for standard input")
    with sentences(), one_interrupt():
        wish = Wish(
            config_of(config),
            format_of(format_name),
            typed(service or ""),
            typed(log_group or ""),
            secret_of(store, os.environ) or "",
        )
        told: list[dict[str, Any]] = []
        try:
            for one in ingested(files, opened, wish, Store(store)):
                told.append(_told(one))
                if one.failed:
                    click.echo(f"Error: {printable(one.name)}: {one.failed}", err=True)
                elif not as_json:
                    _say(told[-1])
        except ParseError as error:
            raise click.UsageError(str(error)) from error
    if as_json:
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))
    if any("failed" in one for one in told):
        sys.exit(1)


def _told(one: Ingested) -> dict[str, Any]:
    failed = {"failed": one.failed} if one.failed else {}
    ledger: dict[str, Any] = msgspec.to_builtins(one.ledger)
    return {"file": one.name, **failed, "signals": one.signals, "notes": dict(one.notes), **ledger}


def _say(told: dict[str, Any]) -> None:
    gone = {
        "stored as dead letters": told["stored"],
        **{f"dropped: {k}": v for k, v in told["dropped"].items()},
    }
    rest = "".join(f", {count:,} {why}" for why, count in gone.items() if count)
    lines, signals = counted(told["received"], "line"), counted(told["signals"], "signal")
    click.echo(f"{printable(told['file'])}: {lines}, {told['delivered']:,} delivered{rest}; {signals}")
    if told["notes"]:
        notes = ", ".join(f"{reason} {count:,}" for reason, count in sorted(told["notes"].items()))
        click.echo(f"  notes: {notes}")
