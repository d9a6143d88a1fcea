"""`observe reinvoke`: failed invocations, once more."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console import reinvoke_view as view
from console.cli_parse import config_of, opened
from console.terminal import (
    Rate,
    config_option,
    json_option,
    must_exist,
    one_interrupt,
    output,
    quoted,
    say_skipped,
    sentences,
    store_option,
    typed,
    window,
)
from observe.ids import field_of
from subscribers.config_problems import printable

if TYPE_CHECKING:
    from console.reinvoke import Asked, Ended
    from subscribers.config import Config
    from subscribers.reinvoke import Decision, Failed


@click.command()
@click.argument("id", required=False)
@store_option
@config_option("which functions are idempotent")
@click.option("--key", metavar="NAME=VALUE", help="Those that are marked with a business key, instead of ID.")
@click.option("--function", "functions", multiple=True, metavar="NAME", help="Of this function; repeatable.")
@click.option(
    "--since", metavar="WHEN", help="Not older: 2h, 1d, or an instant such as 2026-11-21T08:00:00Z."
)
@click.option("--until", metavar="WHEN", help="Not younger, in the same forms.")
@click.option(
    "--destination",
    "destinations",
    multiple=True,
    metavar="FILE",
    help="Records of an on-failure destination: a file, - or s3://bucket/key; repeatable.",
)
@click.option("--account", default="", help="AWS account, where the lines tell none.")
@click.option("--region", default="", help="AWS Region, where the lines tell none.")
@click.option(
    "--qualifier", default="", metavar="VERSION", help="Version or alias to invoke; $LATEST if missing."
)
@click.option("--again", is_flag=True, help="Also what was made again before.")
@click.option("--apply", is_flag=True, help="Invoke; without it the plan is shown.")
@click.option(
    "--rate",
    type=Rate(),
    default=1.0,
    show_default=True,
    help="Invocations a second, at most.",
)
@click.option(
    "--parallel", type=click.IntRange(1, 64), default=4, show_default=True, help="Invocations at a time."
)
@click.option("--debug", is_flag=True, help="Have the replays log at DEBUG, all the way down.")
@json_option
def reinvoke(
    id: str | None,
    store: Path,
    config: Path | None,
    key: str | None,
    functions: tuple[str, ...],
    since: str | None,
    until: str | None,
    destinations: tuple[str, ...],
    account: str,
    region: str,
    qualifier: str,
    again: bool,
    apply: bool,
    rate: float,
    parallel: int,
    debug: bool,
    as_json: bool,
) -> None:
    """Invoke failed invocations again, with the events that they had. Plans only, unless --apply.

    ID is a request ID, a correlation ID, a trace ID or an X-Ray Root. Only events that are known byte for
    byte are sent again, and only to functions that observe.yaml declares idempotent; every other is refused,
    and the plan says why. Who answers waits for each; the layer marks the new invocation as a replay.
    """
    from subscribers.reinvoke import Wish, plan

    id = typed(id or "").strip()
    if not (id or key or functions or since or destinations):
        raise click.UsageError("say which: an ID, --key, --function, --since or --destination")
    if sum(map(bool, (id, key, destinations))) > 1:
        raise click.UsageError("give an ID, --key or --destination, one of them")
    wish = Wish(account=account, region=region, qualifier=qualifier, again=again)
    with sentences(), one_interrupt(), _refusals():
        settings = config_of(config)
        now = time.time_ns()
        asked = _asked(id, key, store, functions, since, until, now)
        failed = _found(asked, destinations, store, settings)
        decisions = plan(failed, settings, wish, now)
        if not decisions:
            raise click.ClickException(_nothing(id, key, destinations, store))
        if not apply:
            _show(decisions, as_json)
            return
        ended = _apply(decisions, store, rate, parallel, debug, as_json)
    bad = [one for one in ended if one.answer.state != "succeeded"]
    if bad or not ended or len(ended) < sum(not one.reason for one in decisions):
        sys.exit(1)


def _asked(
    id: str,
    key: str | None,
    store: Path,
    functions: tuple[str, ...],
    since: str | None,
    until: str | None,
    now_unix_nano: int,
) -> Asked:
    from console.key_secret import secret_of
    from console.reinvoke import Asked

    marked = None
    if key is not None:
        name, equals, value = typed(key).partition("=")
        if not equals or not name.strip() or not value.strip():
            raise click.BadParameter("is not NAME=VALUE, such as claim=CLM-889123", param_hint="--key")
        marked = (name.strip(), value, secret_of(store, os.environ))
    first, last = window(since, until, now_unix_nano)
    return Asked(
        id=field_of(id, "Root") or id,  # a whole X-Amzn-Trace-Id header will do
        key=marked,
        functions=functions,
        **({} if first is None else {"since_unix_nano": first}),
        **({} if last is None else {"until_unix_nano": last}),
    )


def _found(asked: Asked, destinations: tuple[str, ...], path: Path, config: Config) -> list[Failed]:
    from console import reinvoke as finding
    from console.key_secret import secret_of
    from subscribers.store import Store

    if destinations:
        records = [record for place in destinations for record in _records(place)]
        store = Store(path) if path.is_dir() else None
        failed = finding.with_destinations(store, records)
        failed = finding.within(failed, asked, config)
    else:
        must_exist(path)
        store = Store(path)
        failed, cut = finding.find(store, asked, config, secret_of(path, os.environ) or "")
        if cut:
            click.echo(
                f"Warning: only the first {finding.MAX_ROWS:,} are shown: narrow --since, --until", err=True
            )
    if store is not None:
        say_skipped(store)
    return failed


def _records(place: str) -> Iterator[Failed]:
    """What the records of a file, of standard input or of objects of S3 tell."""
    from subscribers.reinvoke_aws import Aws
    from subscribers.reinvoke_destination import failed_of

    if place.startswith("s3://"):
        if not place.removeprefix("s3://").partition("/")[0]:
            raise click.BadParameter(f"{quoted(place)} names no bucket", param_hint="--destination")
        for name, data in Aws().objects(place):
            yield from failed_of(data, name)
        return
    with opened(place) as file:
        yield from failed_of(file.read(), printable(place))


def _nothing(id: str, key: str | None, destinations: tuple[str, ...], store: Path) -> str:
    if destinations:
        return "no record is of that function and time"
    what = f" of {quoted(id or key or '')}" if id or key else ""
    return f"no failed invocation{what} is known in {store}"


# --- Showing and doing ------------------------------------------------------------------------


def _show(decisions: list[Decision], as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps([view.as_json(one) for one in decisions], ensure_ascii=False, indent=1))
    else:
        view.render(decisions, output())
    behind = "; --apply does it" if any(not one.reason for one in decisions) else ", and nothing can be"
    click.echo(f"{view.summary(decisions)}. Nothing was invoked{behind}.", err=True)


def _apply(
    decisions: list[Decision], path: Path, rate: float, parallel: int, debug: bool, as_json: bool
) -> list[Ended]:
    """Carry the plan out, and tell each end as it comes."""
    from console import reinvoke as doing
    from subscribers.reinvoke_aws import Aws
    from subscribers.store import Store

    todo = [one for one in decisions if not one.reason]
    if not as_json:
        view.render([one for one in decisions if one.reason], output())
    aws = Aws()
    doing.check_account(todo, aws)
    ended: list[Ended] = []
    pace = doing.Pace(rate)

    def told(one: Ended) -> None:
        ended.append(one)
        if not as_json:
            view.render_ended(one.decision, one.answer, output())
        click.echo(f"{len(ended)} of {len(todo)}", err=True)

    doing.carry_out(todo, aws, Store(path), pace, told, parallel=parallel, debug=debug)
    if len(ended) < len(todo):
        click.echo("interrupted: what ran was waited for, nothing more was begun", err=True)
    if as_json:
        answers = {one.decision.failed.request_id: one.answer for one in ended}
        shown = [view.as_json(one, answers.get(one.failed.request_id)) for one in decisions]
        click.echo(json.dumps(shown, ensure_ascii=False, indent=1))
    click.echo(f"{view.summary(decisions)}; {view.ends(ended)}.", err=True)
    return ended


@contextmanager
def _refusals() -> Iterator[None]:
    """What AWS or a file refuses is a sentence."""
    from subscribers.reinvoke_aws import ReinvokeError
    from subscribers.reinvoke_destination import NoDestinationError

    try:
        yield
    except (ReinvokeError, NoDestinationError) as error:
        raise click.ClickException(str(error)) from error
