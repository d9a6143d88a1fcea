"""NOTES.md of a target: every note, those of one reason together, and nothing that is markup."""

from __future__ import annotations

import pytest

from dashboards.left_out import notes_file
from dashboards.resources import Name, Note, Resource, System

QUEUE = Resource(id="queue:Work", kind="queue", logical_id="Work", name=Name(pattern="*-Work-*"))


def test_notes_of_one_reason_are_together() -> None:
    """The reason once, what it is the reason of below it."""
    notes = [Note(level="info", text=f"{name}: only AWS has it.") for name in ("age", "depth")]
    text = notes_file("kibana", [*notes, Note(level="warning", text="Another: reason.")], System())
    assert "- only AWS has it.\n  - age\n  - depth\n" in text
    assert text.index("- Another: reason.") < text.index("## Worth knowing")


def test_nothing_left_out_is_said() -> None:
    """The file is always there, so that its absence means something."""
    assert "Nothing is left out." in notes_file("grafana", [], System())


def test_names_that_only_a_deployment_knows_are_listed() -> None:
    """With the command that tells them."""
    text = notes_file("kibana", [], System(resources={QUEUE.id: QUEUE}))
    assert text.endswith("- queue:Work\n")
    assert "describe-stack-resources" in text


def test_texts_are_no_markup() -> None:
    """Names are anybody's."""
    text = notes_file("kibana", [Note(level="info", text="<b>*x*\n# y\x1b")], System())
    assert "- \\<b\\>\\*x\\* # y\\\\x1b\n" in text


def test_the_reason_is_what_its_maker_says_it_is() -> None:
    """Whatever colons are before it or in it."""
    why = "set `endpoint_metrics: true`"
    notes = [Note(level="info", text=f"Claims: {name}: p95: {why}", reason=why) for name in ("a", "b")]
    text = notes_file("kibana", notes, System())
    assert "- set \\`endpoint_metrics: true\\`\n  - Claims: a: p95\n  - Claims: b: p95\n" in text


@pytest.mark.parametrize(
    "text",
    [
        "{} needs `endpoint_metrics: true` in the file of services",
        "{} needs endpoint_metrics: true in the file of services",
        "{}: p95 too",
    ],
)
def test_a_colon_within_a_sentence_is_no_reason(text: str) -> None:
    """A setting stays in its sentence, and so does what is too short to be one."""
    notes = [Note(level="info", text=text.format(name)) for name in ("a", "b")]
    found = notes_file("kibana", notes, System())
    assert not [line for line in found.splitlines() if line.startswith("  - ")]
    assert found.count("\n- ") == 2


def test_names_of_services_stay_as_they_are() -> None:
    """A reason that begins with one is not capitalised."""
    notes = [Note(level="info", text=f"{name}: claims-legacy does not tell it.") for name in "ab"]
    assert "- claims-legacy does not tell it.\n  - a\n  - b\n" in notes_file("kibana", notes, System())


def test_of_many_subjects_twenty_are_listed() -> None:
    """And how many more there are; of names that only the deployed stack knows, too."""
    notes = [Note(level="info", text=f"f{n}: only CloudWatch has it.") for n in range(300)]
    many = {f"{QUEUE.id}{n}": QUEUE for n in range(300)}
    text = notes_file("kibana", notes, System(resources=many))
    assert "  - f19\n  - and 280 more\n" in text
    assert text.endswith("- and 280 more, which `observe dashboards model` lists\n")
