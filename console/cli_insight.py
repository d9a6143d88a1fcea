"""`observe insight`: questions that the store answers about both sides."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from console.cli_parse import config_of
from console.store_config import config_of_store
from console.terminal import (
    config_option,
    duration_ns,
    json_option,
    must_exist,
    output,
    quoted,
    say_skipped,
    sentences,
    store_option,
    typed,
    window,
)

if TYPE_CHECKING:
    from subscribers.config import Config
    from subscribers.insight.answer import Question
    from subscribers.store import Store

_LAST_NS = (1 << 63) - 1


@click.command()
@click.argument("name", required=False)
@store_option
@config_option("services, endpoints, prices; ./observe.yaml, or that which filled the store")
@click.option("--from", "since", metavar="WHEN", help="Not older: 2h, 1d, or 2026-11-21T08:00:00Z.")
@click.option("--to", "until", metavar="WHEN", help="Not younger, in the same forms.")
@click.option("--last", metavar="TIME", help="The last 30m, 24h or 7d; instead of --from and --to.")
@click.option("--endpoint", "endpoints", multiple=True, metavar="NAME", help="Of this endpoint; repeatable.")
@click.option("--service", "services", multiple=True, metavar="NAME", help="Of this service; repeatable.")
@click.option("--by", metavar="FIELD", default="", help="Split by a field of your own, such as tenant.")
@click.option(
    "--most", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Rows of a table."
)
@json_option
def insight(
    name: str | None,
    store: Path,
    config: Path | None,
    since: str | None,
    until: str | None,
    last: str | None,
    endpoints: tuple[str, ...],
    services: tuple[str, ...],
    by: str,
    most: int,
    as_json: bool,
) -> None:
    """Answer the question NAME from the store; without NAME, list the questions.

    Times are those of the events. Estimates have a ~, and what is inferred says so.
    """
    from subscribers.insight import INSIGHTS
    from subscribers.insight.answer import Question

    if name is None:
        return _list(as_json)
    if name not in INSIGHTS:
        raise click.BadParameter(_unknown(typed(name), INSIGHTS), param_hint="NAME")
    first, end = _times(since, until, last, time.time_ns())
    must_exist(store)
    with sentences():
        settings = config_of(config_of_store(store, config))
        _must_be(endpoints, settings.endpoints, "--endpoint", settings)
        _must_be(services, settings.services, "--service", settings)
        question = Question(
            first_unix_nano=first,
            last_unix_nano=end,
            config=settings,
            endpoints=tuple(map(typed, endpoints)),
            services=tuple(map(typed, services)),
            by=typed(by).strip(),
            most=most,
        )
        _answer(name, store, question, as_json)
    return None


def _answer(name: str, path: Path, question: Question, as_json: bool) -> None:
    from console import insight_view as view
    from subscribers.insight import ask
    from subscribers.store import Store

    opened = Store(path)
    _must_have_data(opened, question)
    answer = ask(name, opened.query, question)
    say_skipped(opened)
    if as_json:
        click.echo(json.dumps(view.as_json(answer), ensure_ascii=False, indent=1))
    else:
        view.render(answer, output())


def _must_have_data(store: Store, question: Question) -> None:
    """Raise ClickException where the store is empty; say on stderr where it has nothing of the time."""
    from console.store_times import extent
    from console.words import instant

    if (told := extent(store)) is None:
        say_skipped(store)
        raise click.ClickException(f"{store.path} is empty: nothing can be answered from it")
    first, last = told
    if last < question.first_unix_nano or first > question.last_unix_nano:
        click.echo(
            f"Warning: the store has nothing of this time, only from {instant(first)} to {instant(last)}",
            err=True,
        )


def _list(as_json: bool) -> None:
    from subscribers.insight import INSIGHTS

    if as_json:
        click.echo(
            json.dumps([{"name": name, "tells": tells} for name, (_, tells) in INSIGHTS.items()], indent=1)
        )
        return
    width = max(map(len, INSIGHTS))
    for name, (_, tells) in INSIGHTS.items():
        click.echo(f"{name:<{width}}  {tells}")


def _times(since: str | None, until: str | None, last: str | None, now_unix_nano: int) -> tuple[int, int]:
    """Return --from and --to, or --last, in nanoseconds since the epoch. Raises UsageError."""
    if last is not None:
        if since is not None or until is not None:
            raise click.UsageError("give --last, or --from and --to, one of the two")
        if not (span := duration_ns(last)):
            raise click.BadParameter(
                f"{quoted(last)} is no duration such as 30m, 24h or 7d", param_hint="--last"
            )
        return max(0, now_unix_nano - span), now_unix_nano
    first, end = _moment(since, "--from", now_unix_nano), _moment(until, "--to", now_unix_nano)
    if first is not None and end is not None and end <= first:
        raise click.BadParameter(f"{quoted(until or '')} does not lie after --from", param_hint="--to")
    if end is None and first is not None and first < now_unix_nano:
        # Without an end there is no period of equal length before it to compare with.
        end = now_unix_nano
    return first or 0, _LAST_NS if end is None else end


def _moment(text: str | None, option: str, now_unix_nano: int) -> int | None:
    try:
        return window(text, None, now_unix_nano)[0]
    except click.BadParameter as error:
        raise click.BadParameter(error.message, param_hint=option) from None


def _must_be(names: tuple[str, ...], known: Mapping[str, Any], option: str, config: Config) -> None:
    """Raise BadParameter for a name that observe.yaml does not have; without one any name may be right."""
    for name in names if config.files else ():
        if typed(name) not in known:
            raise click.BadParameter(_unknown(typed(name), known), param_hint=option)


def _unknown(name: str, known: Mapping[str, Any]) -> str:
    from difflib import get_close_matches

    close = get_close_matches(name, known, n=1)
    hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(known) or 'none at all'}"
    return f"{quoted(name)} is none; {hint}"
