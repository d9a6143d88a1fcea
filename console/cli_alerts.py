"""`observe alerts`: rules, open alerts, one evaluation by hand."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from console.cli_parse import config_of
from console.terminal import config_option, json_option, moment, output, quoted, sentences, store_option

if TYPE_CHECKING:
    from subscribers.alerts.plan import Plan

#: In the store's folder, where OBSERVE_STATE names nothing else.
STATE_FILE = "alerts.sqlite"
_config_option = config_option("rules and destinations; ./observe.yaml, or that which filled the store")


def _state_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--state",
        envvar="OBSERVE_STATE",
        metavar="ADDRESS",
        help="Where rules remember: a file ending in .sqlite, or dynamodb:TABLE; alerts.sqlite in the store.",
    )(command)


@click.group()
def alerts() -> None:
    """What is judged, what is open, and what people are told."""


@alerts.command("list")
@_config_option
@store_option
@json_option
def list_(config: Path | None, store: Path, as_json: bool) -> None:
    """List every rule that is judged, when it fires, whom it tells, and why it is there."""
    from console.alert_rules import render_rules, rules_json

    with _said():
        plan = _planned(config, store)
        if as_json:
            click.echo(json.dumps(rules_json(plan), ensure_ascii=False, indent=1))
        else:
            render_rules(plan, output())


@alerts.command()
@_config_option
@store_option
@_state_option
@json_option
def show(config: Path | None, store: Path, state: str | None, as_json: bool) -> None:
    """Show the alerts that are open, each as it is told: what, since when, which side, whom it hit."""
    from console import alerts as view
    from subscribers.alerts.changes import changes_of
    from subscribers.alerts.evaluator import OWN_RULES
    from subscribers.alerts.message import surroundings_of
    from subscribers.alerts.remembered import Memory

    with _said():
        plan, opened = _planned(config, store), _opened(store, state)
        incidents = Memory(opened).incidents()
        if as_json:
            click.echo(json.dumps(view.incidents_json(incidents), ensure_ascii=False, indent=1))
            return
        now_s = int(time.time())
        rules = [*OWN_RULES, *plan.rules.values()]
        services = {incident.finding.service for incident in incidents}
        around = surroundings_of(plan.config, rules, changes_of(plan, opened, now_s, services))
        found = view.messages(incidents, around, now_s)
        for n, text in enumerate(found):
            click.echo(("\n" + "-" * 80 + "\n\n" if n else "") + text)
        if not found:
            click.echo("No alert is open.")


@alerts.command()
@_config_option
@store_option
@_state_option
@click.option("--at", "at", metavar="TIME", help="As if it were this time; now where missing.")
@click.option("--apply", is_flag=True, help="Remember what is found, and tell the destinations.")
@json_option
def evaluate(
    config: Path | None, store: Path, state: str | None, at: str | None, apply: bool, as_json: bool
) -> None:
    """Judge every rule once, on what subscribers have counted into the state.

    Without --apply what is found is printed: nobody is told, and nothing is written. With it this is what
    the evaluator does every minute.
    """
    from console import alerts as view
    from subscribers.alerts.evaluation import Evaluation
    from subscribers.alerts.state_overlay import OverlayState

    with _said():
        plan, opened = _planned(config, store), _opened(store, state)
        now_s = _at_s(at)
        if not apply:
            judged = Evaluation(plan, OverlayState(opened)).judge(int(now_s) // 60 * 60)
            if as_json:
                click.echo(msgspec.json.format(msgspec.json.encode(judged), indent=1).decode())
            else:
                view.render_findings(judged.findings, output())
            for rule, why in judged.failed.items():
                click.echo(f"{rule} cannot be judged: {why}", err=True)
            return
        made = _evaluator(plan, opened, store).evaluate(now_s)
        if as_json:
            click.echo(msgspec.json.format(msgspec.json.encode(made), indent=1).decode())
            return
        for notice in made.notices:
            click.echo(f"{notice.action} {notice.key}: {notice.incidents[0].finding.said}")
        told = f"{len(made.open)} open, {made.told.sent} notifications sent, {len(made.told.failed)} failed"
        click.echo(f"{told}{f', {made.untold} with nobody to tell' if made.untold else ''}", err=True)
        if made.told.failed:
            raise click.ClickException("; ".join(f"{name}: {why}" for name, why in made.told.failed))


@alerts.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@_config_option
@store_option
@_state_option
@json_option
def flows(names: tuple[str, ...], config: Path | None, store: Path, state: str | None, as_json: bool) -> None:
    """Show what of each flow is overdue, what came late, and what came without a start."""
    from console import alerts as view
    from subscribers.alerts.flows import judge_flow
    from subscribers.alerts.flows_audit import unmatched_ends
    from subscribers.alerts.state_overlay import OverlayState

    with _said():
        found = _planned(config, store).flows
        if unknown := [name for name in names if name not in found]:
            known = ", ".join(found) or "none: is --config given?"
            raise click.UsageError(f"{quoted(unknown[0])} is no flow of observe.yaml; there is {known}")
        # Judging writes; looking does not.
        opened, now_s = OverlayState(_opened(store, state)), int(time.time())
        told: list[dict[str, Any]] = []
        for flow in found.values():
            if not names or flow.name in names:
                report, unmatched = judge_flow(flow, opened, now_s)[1], unmatched_ends(flow, opened, now_s)
                told.append(view.flow_json(report, unmatched))
                if not as_json:
                    view.render_flow(report, unmatched, output())
        if as_json:
            click.echo(json.dumps(told, ensure_ascii=False, indent=1))
        elif not told:
            click.echo("observe.yaml has no flows.")


def _at_s(at: str | None) -> float:
    """Return the time that --at names. Raises BadParameter for one that is not yet."""
    now_ns = time.time_ns()
    at_ns = moment(at, "--at", now_ns) if at else now_ns
    if at_ns > now_ns:
        raise click.BadParameter("is a time that is not yet", param_hint="--at")
    return at_ns / 1e9


def _planned(given: Path | None, store: Path) -> Plan:
    """Return what is judged: by the file that was given, else by that which is found."""
    from console.store_config import config_of_store
    from subscribers.alerts.counting import planned

    path = config_of_store(store, given)
    if path is None:
        click.echo("No observe.yaml: the rules that are on by default.", err=True)
    elif path != given:
        click.echo(f"By {path}", err=True)
    return planned(config_of(path))


def _opened(store: Path, address: str | None) -> Any:
    from subscribers.alerts.state_of import state_of

    if not address and not (store / STATE_FILE).exists():
        raise click.ClickException(
            f"{store} has no {STATE_FILE}: no subscriber has counted there. Give one "
            f"OBSERVE_STATE={store / STATE_FILE} (observe demo does), or name the state with --state"
        )
    try:
        return state_of(address or f"sqlite:{store / STATE_FILE}")
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--state") from error


def _evaluator(plan: Plan, opened: Any, store: Path) -> Any:
    from subscribers.alerts.evaluator import Evaluator
    from subscribers.alerts.notify import Notifier
    from subscribers.configured import keeper_of
    from subscribers.secrets import Secrets

    keeper = keeper_of({"OBSERVE_STORE": str(store), **os.environ}, ())
    return Evaluator(plan, opened, Notifier(plan.config.destinations, keeper, Secrets()))


@contextmanager
def _said() -> Iterator[None]:
    """What goes wrong with alerts is a sentence, too."""
    from subscribers.alerts.remembered import BusyError
    from subscribers.alerts.state import StateError
    from subscribers.settings_error import SettingsError

    with sentences():
        try:
            yield
        except (StateError, BusyError, SettingsError) as error:
            raise click.ClickException(str(error)) from error
