"""The list of alarms: everything is there, data is never markup, and programs get numbers."""

from __future__ import annotations

import io
import json

import msgspec
import pytest
from rich.console import Console

from console.alarm_list_view import as_json, render
from dashboards.alarms.build import alarms_of
from dashboards.alarms.values import Alarms
from dashboards.cloudwatch.render import render as templates
from dashboards.pages.build import pages_of
from dashboards.priced import Bill, bill_of
from dashboards.rendered import Options
from dashboards.resources import System
from tests.dashboards.alarms.systems import resource, system
from tests.dashboards.sample import SYSTEM


def billed(system: System, alarms: Alarms) -> Bill:
    """What CloudWatch would bill for the very templates."""
    return bill_of(system, alarms, templates(system, pages_of(system, alarms), alarms, Options()))


def rendered(system: System, alarms: Alarms) -> str:
    """What is printed, in a width that folds nothing."""
    out = io.StringIO()
    render(system, alarms, billed(system, alarms), Console(file=out, width=200))
    return out.getvalue()


def test_every_alarm_is_listed_with_threshold_reason_owner_and_price() -> None:
    """The most urgent first; then promises, composites, totals and what is not judged."""
    made = alarms_of(SYSTEM)
    text = rendered(SYSTEM, made)
    for one in (*made.alarms, *made.slos, *made.composites):
        assert one.title in text
        assert one.name in text
    assert "90% of its Timeout of 2 s." in text
    assert "more than 5% of at least 20 requests, in 2 of 3 periods of 5 min" in text
    assert "owner      claims" in text
    assert "owner      nobody is named" in text
    assert "USD 0.60 a month" in text
    assert "- endpoint-slow of policy" in text
    assert "told by    endpoint-submit" in text
    assert "silent     while endpoint-submit is open" in text
    assert "not verified" in text
    assert text.index("error     ") < text.index("warning   ") < text.index("promise   ")


def test_nothing_to_tell_is_said_in_totals() -> None:
    """An empty system has no alarms and costs nothing."""
    assert "0 alarms of 0 tell by themselves" in rendered(System(), Alarms())


@pytest.mark.parametrize("width", [80, 120, 200])
def test_a_narrow_terminal_has_every_word_in_its_place(width: int) -> None:
    """Folded between words behind what it is; only what has no space is wider than the terminal."""
    out = io.StringIO()
    out.isatty = lambda: True  # type: ignore[method-assign]
    made = alarms_of(SYSTEM)
    render(SYSTEM, made, billed(SYSTEM, made), Console(file=out, width=width, color_system=None))
    lines = out.getvalue().splitlines()
    assert [line for line in lines if len(line) > width and len(line.split()) > 2] == []
    assert {line[10:21] for line in lines if line.startswith(" " * 10)} >= {
        "when       ",
        "owner      ",
        " " * 11,
    }


def test_what_is_not_judged_for_one_reason_is_one_line() -> None:
    """Of 300 functions three are named."""
    many = system(*(resource("function", f"Function{n}", limits={"timeout_s": 9}) for n in range(300)))
    text = rendered(many, alarms_of(many))
    [line] = [one for one in text.splitlines() if one.startswith("- function-near-timeout of ")]
    assert "function:Function2 (template.yaml:7) and 297 more: with more than 100 functions" in line


def test_prices_are_an_estimate_with_two_decimals() -> None:
    """By severity, and all of them."""
    made = alarms_of(SYSTEM)
    text = rendered(SYSTEM, made)
    assert "Estimate of what they cost a month in CloudWatch" in text
    assert f"USD {billed(SYSTEM, made).total_usd:>9,.2f}" in text


def test_data_is_never_markup() -> None:
    """Titles come from templates."""
    made = alarms_of(SYSTEM)
    odd = msgspec.structs.replace(made.alarms[0], title="[red]x[/red]\x1b[2J")
    text = rendered(SYSTEM, Alarms(alarms=(odd,)))
    assert "[red]x[/red]" in text
    assert "\x1b" not in text


def test_programs_get_the_same_as_json() -> None:
    """Numbers as numbers, the condition in words beside them."""
    made = alarms_of(SYSTEM)
    tree = json.loads(json.dumps(as_json(SYSTEM, made, billed(SYSTEM, made))))
    assert len(tree["alarms"]) == len(made.alarms)
    assert tree["usd_per_month"] == sum(
        round(one["usd_per_month"] * 100) for key in ("alarms", "slos", "composites") for one in tree[key]
    ) / 100 + sum(one["usd"] for one in tree["others"])
    first = tree["alarms"][0]
    assert first["condition"]["threshold"] == 5
    assert first["condition_words"].startswith("5xx: more than 5%")
    assert tree["off"]
    assert tree["notes"] == []
