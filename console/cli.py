"""The `observe` command: data on stdout, talk on stderr; exit codes 0, 1 (failed), 2 (used wrongly)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console

import observe
from console.errors import ConsoleError
from lambda_layer.build import BuildError
from observe.ids import field_of
from subscribers.store_errors import StoreError

_STORE = click.option(
    "--store",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="OBSERVE_STORE",
    default=Path(".observe"),
    show_default=True,
    help="Folder of the embedded store.",
)
#: How much of what was typed is said again in a sentence.
_SAID_MAX = 128
_PIPE_WIDTH = 200
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(observe.__version__, package_name="hybrid-observe")
def cli() -> None:
    """One request, both sides: observability for a system that is moving to AWS Lambda."""


@contextmanager
def _sentences() -> Iterator[None]:
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


@cli.command()
@click.argument("id", required=False)
@_STORE
@click.option(
    "--key", metavar="NAME=VALUE", help="Look for a business key, such as claim=CLM-889123, instead."
)
@click.option("--platform", is_flag=True, help="Show Lambda's START, END and REPORT lines, too.")
@_JSON
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

    id = _typed(id)
    id = field_of(id, "Root") or id  # a whole X-Amzn-Trace-Id header will do
    if not id.strip():
        raise click.BadParameter(
            "is blank; give a correlation ID, trace ID, X-Ray Root or request ID", param_hint="ID"
        )
    _must_exist(store)
    with _sentences():
        found = traces.find(Store(store), id)
        if as_json:
            click.echo(json.dumps([story_json(story) for story in found], ensure_ascii=False, indent=1))
        elif found:
            console = _console()
            for story in found:
                render(story, console, platform=platform)
    if not found:
        raise click.ClickException(f"nothing is known of {_said(id)} in {store}")


def _trace_key(key: str, store: Path, platform: bool, as_json: bool) -> None:
    from console import trace as traces
    from console.key_secret import secret_of
    from subscribers.store import Store

    name, equals, value = _typed(key).partition("=")
    if not equals or not name.strip() or not value.strip():
        raise click.BadParameter("is not NAME=VALUE, such as claim=CLM-889123", param_hint="--key")
    _must_exist(store)
    with _sentences():
        secret = secret_of(store, os.environ)
        found = traces.find_key(Store(store), name.strip(), value, secret)
        if as_json:
            click.echo(json.dumps(traces.marked_json(found), ensure_ascii=False, indent=1))
        elif found.stories or found.lines:
            traces.render_marked(found, key, _console(), platform=platform)
    if not found.stories and not found.lines:
        why = "" if secret else "; OBSERVE_KEY_SECRET is not set: is it the one that marked the key?"
        raise click.ClickException(f"nothing is marked with {_said(key)} in {store}{why}")


def _typed(text: str) -> str:
    """Bytes of the command line that are no UTF-8 arrive as surrogates, which no store holds."""
    return text.encode("utf-8", "replace").decode()


def _said(text: str) -> str:
    return repr(text if len(text) <= _SAID_MAX else text[:_SAID_MAX] + "…")


@cli.command()
@_STORE
@_JSON
def requests(store: Path, as_json: bool) -> None:
    """Count requests, errors and latency by endpoint, side and service."""
    from console import requests as tables
    from subscribers.store import Store

    _must_exist(store)
    with _sentences():
        rows = tables.summary(Store(store))
        if as_json:
            click.echo(json.dumps(tables.summary_json(rows), indent=1))
        elif rows:
            tables.render_summary(rows, _console())
    if not rows and not as_json:
        raise click.ClickException(f"{store} has no requests yet")


class _Output(Console):
    """stdout; a reader that goes away is ours to handle, rich would exit with 1."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def _console() -> Console:
    """Wide where no terminal sets the width: a file or a pipe has room for whole messages."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return _Output(width=_PIPE_WIDTH) if wide else _Output()


def _must_exist(store: Path) -> None:
    if not store.is_dir():
        raise click.ClickException(f"there is no store at {store}: run `observe demo`, or give --store")


@cli.command()
@_STORE
def demo(store: Path) -> None:
    """Run the example's hybrid system on this machine, drive it, and show one request whole."""
    from console.demo import run

    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    with _sentences():
        run.run(store, _console(), Console(stderr=True))


def _interrupt(*_: object) -> None:
    """Being ended by a signal is like Ctrl-C: what runs is stopped in order."""
    raise KeyboardInterrupt


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
@_JSON
def build(out: Path, release: bool, as_json: bool) -> None:
    """Build the layer's zip, the same bytes from the same inputs."""
    from lambda_layer import build as layers

    if not out.name:
        raise click.BadParameter("names no file", param_hint="--out")
    with _sentences():
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


@cli.group()
def config() -> None:
    """The configuration, observe.yaml."""


@config.command()
@click.argument("file", type=click.Path(path_type=Path), default=Path("observe.yaml"))
@_JSON
def check(file: Path, as_json: bool) -> None:
    """Check FILE: every mistake with file, line, column and path."""
    from subscribers.config import load
    from subscribers.config_problems import ConfigError

    with _sentences():
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
