"""The `observe` command: data on stdout, talk on stderr; exit codes 0, 1 (failed), 2 (used wrongly)."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

import observe
from console.cli_alerts import alerts
from console.cli_dashboards import dashboards
from console.cli_demo import demo
from console.cli_ingest import ingest
from console.cli_insight import insight
from console.cli_parse import parse
from console.cli_redrive import redrive
from console.cli_reinvoke import reinvoke
from console.cli_sinks import sinks
from console.terminal import (
    json_option,
    must_exist,
    output,
    quoted,
    say_skipped,
    sentences,
    store_option,
    typed,
)
from observe.ids import field_of


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(observe.__version__, package_name="hybrid-observe")
def cli() -> None:
    """One request, both sides: observability for a system that is moving to AWS Lambda."""


@cli.command()
@click.argument("id", required=False)
@store_option
@click.option(
    "--key", metavar="NAME=VALUE", help="Look for a business key, such as claim=CLM-889123, instead."
)
@click.option("--platform", is_flag=True, help="Show Lambda's and the access log's own lines, too.")
@json_option
def trace(id: str | None, store: Path, key: str | None, platform: bool, as_json: bool) -> None:
    """Tell the whole story of ID: a waterfall across both sides with its log lines.

    ID is a correlation ID, a trace ID, an X-Ray Root or a Lambda request ID. With --key, whatever is
    marked with that business key: by observe.key, or by the keys of observe.yaml. Their secret is
    OBSERVE_KEY_SECRET, or what the store's own file key-secret says.
    """
    if (id is None) == (key is None):
        raise click.UsageError("give an ID or --key NAME=VALUE, one of the two")
    if key is not None:
        return _trace_key(key, store, platform, as_json)
    return _trace_id(id or "", store, platform, as_json)


def _trace_id(id: str, store: Path, platform: bool, as_json: bool) -> None:
    from console import trace as traces
    from console.story_json import as_json as story_json
    from console.waterfall import render
    from subscribers.store import Store

    id = typed(id)
    id = field_of(id, "Root") or id  # a whole X-Amzn-Trace-Id header will do
    if not id.strip():
        raise click.BadParameter(
            "is blank; give a correlation ID, trace ID, X-Ray Root or request ID", param_hint="ID"
        )
    must_exist(store)
    with sentences():
        opened = Store(store)
        found = traces.find(opened, id)
        say_skipped(opened)
        if as_json:
            click.echo(json.dumps([story_json(story) for story in found], ensure_ascii=False, indent=1))
        elif found:
            console = output()
            for story in found:
                render(story, console, platform=platform)
    if not found:
        raise click.ClickException(f"nothing is known of {quoted(id)} in {store}")


def _trace_key(key: str, store: Path, platform: bool, as_json: bool) -> None:
    from console import trace as traces
    from console.key_secret import secret_of
    from subscribers.store import Store

    name, equals, value = typed(key).partition("=")
    if not equals or not name.strip() or not value.strip():
        raise click.BadParameter("is not NAME=VALUE, such as claim=CLM-889123", param_hint="--key")
    must_exist(store)
    with sentences():
        secret = secret_of(store, os.environ)
        opened = Store(store)
        found = traces.find_key(opened, name.strip(), value, secret)
        say_skipped(opened)
        if as_json:
            click.echo(json.dumps(traces.marked_json(found), ensure_ascii=False, indent=1))
        elif found.stories or found.lines:
            traces.render_marked(found, key, output(), platform=platform)
    if not found.stories and not found.lines:
        why = (
            " with this secret"
            if secret
            else "; OBSERVE_KEY_SECRET is not set: was it when the key was marked?"
        )
        raise click.ClickException(f"nothing is marked with {quoted(key)} in {store}{why}")


@cli.command()
@click.argument("event", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@json_option
def explain(event: str, as_json: bool) -> None:
    """Explain EVENT, a JSON file or - for standard input: what the layer makes of it.

    Which source it is of, which carriers its records have, which context results, and what each outbound
    call would carry or lose. The layer's settings are those of the environment.
    """
    from console import explain as explaining

    with sentences():
        told = explaining.explain_text(_bytes_of(event))
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        else:
            explaining.render(told, output())


def _bytes_of(path: str) -> bytes:
    if path != "-":
        return Path(path).read_bytes()
    if sys.stdin is None:
        raise click.ClickException("standard input is closed")
    return sys.stdin.buffer.read()


@cli.command()
@store_option
@json_option
def requests(store: Path, as_json: bool) -> None:
    """Count requests, errors and latency by endpoint, side and service."""
    from console import requests as tables
    from subscribers.store import Store

    must_exist(store)
    with sentences():
        opened = Store(store)
        rows = tables.summary(opened)
        say_skipped(opened)
        if as_json:
            click.echo(json.dumps(tables.summary_json(rows), indent=1))
        elif rows:
            tables.render_summary(rows, output())
        else:
            raise click.ClickException(f"{store} has no requests yet{tables.why_none(opened)}")


cli.add_command(parse)
cli.add_command(ingest)
cli.add_command(demo)
cli.add_command(redrive)
cli.add_command(sinks)
cli.add_command(reinvoke)
cli.add_command(insight)
cli.add_command(alerts)
cli.add_command(dashboards)


@cli.group()
def layer() -> None:
    """The Lambda layer."""


@layer.command()
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("build/observe-layer.zip"),
    show_default=True,
    help="Where to write the zip.",
)
@click.option("--release", is_flag=True, help="Fail unless bytecode for every supported Python can be made.")
@json_option
def build(out: Path, release: bool, as_json: bool) -> None:
    """Build the layer's zip, the same bytes from the same inputs."""
    from lambda_layer import build as layers

    if not out.name:
        raise click.BadParameter("names no file", param_hint="--out")
    with sentences():
        try:
            built = layers.build(out, release=release)
        except OSError as error:
            raise click.ClickException(f"cannot write {out}: {error.strerror}") from error
    if as_json:
        fields = {"path": str(built.path), "size_bytes": built.size_bytes, "sha256": built.sha256}
        click.echo(json.dumps({**fields, "compiled": built.compiled, "missing": built.missing}))
        return
    click.echo(f"{built.path}: {built.size_bytes:,} bytes, sha256 {built.sha256}")
    click.echo(f"bytecode for Python {', '.join(built.compiled)}", err=True)
    if built.missing:
        click.echo(
            f"no interpreter found for {', '.join(built.missing)}: functions on them compile at every start",
            err=True,
        )


@layer.command()
@click.option(
    "--task",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The function's folder; without it, a handler that imports nothing.",
)
@click.option("--handler", default="app.handler", show_default=True, help="The function's handler.")
@click.option("--env", multiple=True, metavar="NAME=VALUE", help="A variable of the function; repeatable.")
@click.option("--runs", type=click.IntRange(1, 50), default=5, show_default=True, help="Starts of each kind.")
@click.option("--top", type=click.IntRange(1), default=25, show_default=True, help="Modules to show.")
@json_option
def profile(
    task: Path | None, handler: str, env: tuple[str, ...], runs: int, top: int, as_json: bool
) -> None:
    """Show which modules the layer imports at a function's cold start, and what each costs."""
    from console import layer_profile

    pairs = dict(pair.partition("=")[::2] for pair in env)
    if any("=" not in pair for pair in env):
        raise click.BadParameter("is not NAME=VALUE", param_hint="--env")
    with sentences():
        found = layer_profile.of(task, handler, pairs, runs)
    if as_json:
        click.echo(json.dumps([layer_profile.fields(module) for module in found]))
        return
    output().print(layer_profile.table(found, top))


@cli.group()
def config() -> None:
    """The configuration, observe.yaml."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("observe.yaml"))
@json_option
def check(file: Path, as_json: bool) -> None:
    """Check FILE: every mistake with file, line, column and path."""
    from subscribers.config import load
    from subscribers.config_problems import ConfigError

    with sentences():
        _check(load, ConfigError, file, as_json)


def _check(load: Any, error_type: Any, file: Path, as_json: bool) -> None:
    try:
        found = load(file)
    except error_type as error:
        if as_json:
            problems = [
                {"file": p.file, "line": p.line, "column": p.column, "path": p.path, "message": p.message}
                for p in error.problems
            ]
            click.echo(json.dumps({"valid": False, "problems": problems}, indent=1))
        else:
            click.echo(str(error), err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps({"valid": True, "problems": []}))
    else:
        click.echo(f"{file}: valid; {len(found.services)} services, {len(found.endpoints)} endpoints")
