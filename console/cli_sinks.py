"""`observe sinks`: what observe.yaml delivers to, whether it answers, and what is installed there."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console.cli_parse import config_of
from console.terminal import json_option, line, output, quoted, sentences
from console.words import counted
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from rich.console import Console

    from console.sinks import Plan, Row

config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    envvar="OBSERVE_CONFIG",
    default=Path("observe.yaml"),
    show_default=True,
    help="observe.yaml, whose sinks are meant.",
)


@click.group()
def sinks() -> None:
    """The sinks of observe.yaml: what there is, whether it answers."""


@sinks.command("list")
@config_option
@json_option
def list_sinks(config: Path, as_json: bool) -> None:
    """Show the sinks: types, addresses, limits, guarantees."""
    from console import sinks as told

    with sentences():
        rows = told.rows(config_of(config).sinks)
        if as_json:
            click.echo(json.dumps(msgspec.to_builtins(rows), indent=1))
        elif rows:
            out = output()
            for row in rows:
                _show_row(row, out)
        else:
            click.echo(f"{config} names no sinks: all goes to the embedded store", err=True)
    if any(row.problem for row in rows):
        sys.exit(1)


@sinks.command()
@click.argument("name")
@config_option
@json_option
def check(name: str, config: Path, as_json: bool) -> None:
    """Ask the sink NAME whether it answers.

    And whether it takes the credentials. Nothing that is sent stays there.
    """
    from console import sinks as told

    with sentences():
        settings = _settings(name, config)
        found = told.check(name, settings, told.edge_of(name, settings))
    if as_json:
        click.echo(json.dumps(msgspec.to_builtins(found), indent=1))
    else:
        for one in found:
            click.echo(f"{'ok' if one.is_well else 'failed'}  {printable(one.what)}: {printable(one.said)}")
    if not all(one.is_well for one in found):
        sys.exit(1)


@sinks.command()
@click.argument("name")
@config_option
@click.option("--apply", "is_applied", is_flag=True, help="Install it; without this the plan is shown.")
@click.option(
    "--without-policy", is_flag=True, help="Leave out what deletes old indices: somebody else does."
)
@json_option
def install(name: str, config: Path, is_applied: bool, without_policy: bool, as_json: bool) -> None:
    """Install index templates and policy for the sink NAME.

    The policy deletes old indices. Shows the plan, and changes something with --apply only. What is there
    under one of the names and is not marked as ours is never replaced: then nothing is done. Indices that
    exist already stay as they are.
    """
    from console import sinks as told

    with sentences():
        settings = _settings(name, config)
        edge = told.edge_of(name, settings)
        planned = told.plan(name, settings, edge, has_policy=not without_policy)
        try:
            if is_applied:
                told.apply(planned, settings, edge)
        finally:
            _show(planned, as_json)
        if planned.problems:
            raise told.SinkError(f"{name}: {'; '.join(planned.problems)}")
        if planned.wanted and not is_applied:
            click.echo("nothing was changed; --apply installs it", err=True)


def _settings(name: str, config: Path) -> Mapping[str, Any]:
    found = config_of(config).sinks
    if name not in found:
        known = ", ".join(found) or "none at all"
        raise click.BadParameter(f"{quoted(name)} is no sink of {config}; it has {known}", param_hint="NAME")
    return found[name]


def _show(planned: Plan, as_json: bool) -> None:
    from console.sinks import said_of

    if as_json:
        steps = [
            {
                "path": step.asset.path,
                "state": step.state,
                "detail": step.detail,
                "is_done": step.asset.path in planned.done,
            }
            for step in planned.steps
        ]
        cluster = msgspec.to_builtins(planned.cluster)
        click.echo(json.dumps({"sink": planned.sink, "cluster": cluster, "steps": steps}, indent=1))
        return
    click.echo(f"{printable(planned.sink)}: {said_of(planned.cluster)}")
    for step in planned.steps:
        state = {"create": "created", "change": "changed"}.get(step.state, step.state)
        word = state if step.asset.path in planned.done else step.state
        click.echo(f"  {word:<10}{step.asset.path}{f': {printable(step.detail)}' if step.detail else ''}")


def _show_row(row: Row, out: Console) -> None:
    """Print a sink: its name and type, and below them a line a thing that is known of it."""
    line(out, f"{row.name}  {row.type}{'' if row.is_enabled else ', disabled'}", style="bold")
    limits = [
        f"{name}: {one.bytes:,} bytes, {counted(one.items, 'item')}" for name, one in row.limits.items()
    ]
    told = {
        "address": [row.address],
        "signals": [", ".join(row.signals)],
        "a request": limits,
        "guarantee": [row.guarantee],
        "problem": [row.problem],
    }
    for label, texts in told.items():
        for i, text in enumerate(filter(None, texts)):
            line(out, text, f"  {'' if i else label:<11}", "red" if label == "problem" else "")
