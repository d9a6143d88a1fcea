"""NOTES.md of a target: every note, those of one reason together, and nothing that is markup."""

from __future__ import annotations

from dashboards.left_out import notes_file
from dashboards.resources import Name, Note, Resource, System

QUEUE = Resource(id="queue:Work", kind="queue", logical_id="Work", name=Name(pattern="*-Work-*"))


def test_notes_of_one_reason_are_together() -> None:
    """The reason once, what it is the reason of below it."""
    notes = [Note(level="info", text=f"{name}: Only AWS has it.") for name in ("age", "depth")]
    text = notes_file("kibana", [*notes, Note(level="warning", text="Another: reason.")], System())
    assert "- Only AWS has it.\n  - age\n  - depth\n" in text
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
