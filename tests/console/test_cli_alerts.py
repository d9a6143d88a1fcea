"""`observe alerts`: rules, open alerts, flows, one evaluation; and what it says of garbage."""

from __future__ import annotations

import json
import re
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from console import store_config
from console.cli import cli
from subscribers.alerts.counting import Counting
from subscribers.alerts.plan import plan_of
from subscribers.alerts.state_sqlite import SqliteState
from subscribers.alerts.tally import Tally
from subscribers.config import loads
from subscribers.config_meaning import BUILT_IN_RULES
from tests.subscribers.samples import log

YAML = """
version: 1
services:
  web: {side: legacy, log_groups: [/web]}
  fn: {side: serverless, log_groups: [/aws/lambda/fn]}
alerts:
  defaults: {built_in: false}
  rules:
    errors: {type: threshold, of: {signal: log, level: ERROR}, value: 2, by: [service], window: 5m, late: 1m}
flows:
  arrive:
    key: order
    start: {signal: log, service: fn, contains: ordered, called: order taken}
    ends: [{signal: log, service: web, contains: shipped, called: the shipping list}]
    deadline: {within: 1m}
"""
#: Some minutes ago, so that what was counted is summed.
THEN_S = int(time.time()) // 60 * 60 - 600
PAGE = (Path(__file__).parents[2] / "docs" / "alerts.md").read_text(encoding="utf-8")


def run(*arguments: str, **environ: str) -> Result:
    """Run `observe alerts`."""
    return CliRunner().invoke(cli, ["alerts", *arguments], env={"OBSERVE_STATE": "", **environ})


@pytest.fixture(name="store")
def store_(tmp_path: Path) -> Path:
    """A store with a state in which three errors and an order that never arrived were counted."""
    (tmp_path / "observe.yaml").write_text(YAML)
    at_ns = THEN_S * 10**9
    signals = [
        log(str(n), service="web", level="ERROR", correlation_id=f"web-{n}", time_unix_nano=at_ns)
        for n in range(3)
    ]
    ordered = log(
        "o",
        service="fn",
        side="serverless",
        message="ordered",
        correlation_id="web-o",
        attributes={"order": "A-1"},
        time_unix_nano=at_ns,
    )
    tally = Tally(plan_of(loads(YAML)), clock=lambda: THEN_S + 5)
    Counting(tally, SqliteState(tmp_path / "alerts.sqlite")).append([*signals, ordered])
    return tmp_path


def given(store: Path) -> list[str]:
    """The options of a store and its configuration."""
    return ["--store", str(store), "--config", str(store / "observe.yaml")]


def test_every_rule_is_listed_with_when_it_fires_and_why() -> None:
    """Without a configuration those that are on by default."""
    told = run("list", "--store", "nowhere")
    assert told.exit_code == 0
    names = {line.split()[0] for line in told.stdout.splitlines() if not line.startswith(" ")}
    # How near a timeout is needs a template.
    assert names == set(BUILT_IN_RULES) - {"function-near-timeout"}
    assert "over 5% of at least 20 in 5 min, in 2 of 3 windows" in told.stdout
    assert "tells nobody: observe.yaml has no destinations" in told.stdout
    rules = json.loads(run("list", "--store", "nowhere", "--json").stdout)
    assert {rule["name"] for rule in rules} == names
    assert all(rule["fires"] and rule["reason"] for rule in rules)


def test_a_type_of_each_is_told_in_words(tmp_path: Path) -> None:
    """The documentation's own example."""
    (block,) = re.findall(r"```yaml\n(destinations:.*?)```", PAGE, re.S)
    services = "services:\n" + "".join(
        f"  {name}: {{side: {side}, log_groups: [/{name}]}}\n"
        for name, side in (("orders", "serverless"), ("mainframe", "legacy"))
    )
    endpoint = (
        "endpoints: {checkout: {route: POST /o, serverless: {service: orders}, slo: {availability: 99.9}}}\n"
    )
    (tmp_path / "observe.yaml").write_text(f"version: 1\n{services}{endpoint}{block}")
    told = run("list", "--config", str(tmp_path / "observe.yaml"))
    assert told.exit_code == 0, told.stderr
    for said in (
        "p95 > 800 ms in 10 min, at least 50 events",
        "over 2% of at least 50 in 5 min, in 2 of 3 windows",
        "none comes by 03:30 Europe/Paris mon, tue, wed, thu, fri",
        "3 of a kind that was not seen in 14 d",
        "sum of 1 h is 40% less than 7 d before, both of at least 100 events",
        "99.9% answered without failure over 28 d",
        "tells on-call",
    ):
        assert said in told.stdout


def test_the_documentation_lists_the_built_in_rules() -> None:
    """All of them, and no other."""
    section = PAGE.partition("## Rules that need no configuration")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z0-9-]+)` \|", section, re.M)) == {
        *BUILT_IN_RULES,
        "notification-failed",
        "rule-not-judged",
    }


def test_one_evaluation_says_what_is_so_and_tells_nobody(store: Path) -> None:
    """What breaches comes first; nothing is remembered as an alert."""
    told = run("evaluate", *given(store), "--at", "2m")
    assert told.exit_code == 0, told.output
    assert re.search(r"breach\s+arrive\n\s+order A-1 of order taken", told.stdout)
    assert run("show", *given(store)).stdout == "No alert is open.\n"


def test_looking_changes_nothing(store: Path) -> None:
    """Neither a preview nor the flows write: the evaluator is at work on the same state."""
    before = contents(store)
    for command in (["evaluate"], ["evaluate", "--at", "3m", "--json"], ["flows"], ["show"], ["list"]):
        options = given(store) if command != ["list"] else given(store)[2:]
        assert run(*command, *options).exit_code == 0
    assert contents(store) == before


def contents(store: Path) -> list[tuple[object, ...]]:
    """Every entry of a store's state."""
    with closing(sqlite3.connect(store / "alerts.sqlite")) as db:
        return db.execute("SELECT * FROM entries ORDER BY partition, sort").fetchall()


def test_a_store_knows_its_configuration(store: Path) -> None:
    """Who fills a store says by which file; a file that is given wins."""
    config = store / "observe.yaml"
    config.rename(store / "team.yaml")
    store_config.keep(store, store / "team.yaml")
    told = run("list", "--store", str(store))
    assert "arrive  flow, error" in told.stdout
    assert "team.yaml" in told.stderr
    (store / "team.yaml").unlink()
    assert "the rules that are on by default" in run("list", "--store", str(store)).stderr


def test_an_alert_that_is_open_is_shown_as_it_is_told(store: Path) -> None:
    """What, since when, which side, whom it hit, and the command that tells the story."""
    applied = run("evaluate", *given(store), "--apply")
    assert applied.exit_code == 0, applied.output
    assert "1 with nobody to tell" in applied.stderr
    told = run("show", *given(store))
    assert "order A-1 of order taken" in told.stdout
    assert "Side: legacy" in told.stdout
    assert "observe trace web-o" in told.stdout
    (incident,) = json.loads(run("show", *given(store), "--json").stdout)
    assert (incident["rule"], incident["state"]) == ("arrive", "open")


def test_flows_are_told_with_keys_and_traces(store: Path) -> None:
    """What is overdue as a list."""
    told = run("flows", *given(store))
    assert "overdue    A-1 since" in told.stdout
    assert "not in the shipping list" in told.stdout
    (flow,) = json.loads(run("flows", "arrive", *given(store), "--json").stdout)
    assert [item["key"] for item in flow["overdue"]] == ["A-1"]
    assert run("flows", "nothing", *given(store)).exit_code == 2


def test_an_id_in_a_command_is_quoted(tmp_path: Path) -> None:
    """What somebody has sent as an ID is pasted into a shell."""
    at_ns = THEN_S * 10**9
    ordered = log(
        "o",
        service="fn",
        message="ordered",
        correlation_id="$(rm -rf ~)",
        attributes={"order": "A-1"},
        time_unix_nano=at_ns,
    )
    (tmp_path / "observe.yaml").write_text(YAML)
    tally = Tally(plan_of(loads(YAML)), clock=lambda: THEN_S + 5)
    Counting(tally, SqliteState(tmp_path / "alerts.sqlite")).append([ordered])
    assert "observe trace '$(rm -rf ~)'" in run("flows", *given(tmp_path)).stdout


def test_a_destination_that_cannot_be_told_is_said(store: Path) -> None:
    """Exit code 1, and the reason."""
    text = YAML + 'destinations: {hook: {type: webhook, url: "http://127.0.0.1:9/"}}\n'
    (store / "observe.yaml").write_text(text)
    told = run("evaluate", *given(store), "--apply")
    assert told.exit_code == 1
    assert "hook: " in told.stderr


@pytest.mark.parametrize(
    ("arguments", "said", "code"),
    [
        (["show", "--store", "nowhere"], "no subscriber has counted there", 1),
        (["show", "--state", "garbage"], "'garbage' is no address of the state", 2),
        (["show", "--state", "dynamodb:"], "is no name of a DynamoDB table", 2),
        (["evaluate", "--state", "memory:", "--at", "yesterday"], "yesterday", 2),
        (["evaluate", "--state", "memory:", "--at", "2999-01-01"], "a time that is not yet", 2),
        (["list", "--config", "nowhere.yaml"], "nowhere.yaml", 2),
    ],
)
def test_what_cannot_be_done_is_a_sentence(arguments: list[str], said: str, code: int) -> None:
    """Never a traceback."""
    told = run(*arguments)
    assert (told.exit_code, type(told.exception)) == (code, SystemExit)
    assert said in told.stderr


def test_a_state_that_is_no_database_is_a_sentence(tmp_path: Path) -> None:
    """Nor is a file of something else a traceback."""
    (tmp_path / "alerts.sqlite").write_bytes(b"something else" * 1000)
    for command in ("show", "flows", "evaluate"):
        told = run(command, "--store", str(tmp_path))
        assert told.exit_code in (0, 1)
        assert told.exception is None or isinstance(told.exception, SystemExit)
