"""What `observe dashboards model` prints."""

from __future__ import annotations

import io
import json

from rich.console import Console

from console.dashboards_model_view import as_json, render
from dashboards.resources import Note, Place, System
from tests.dashboards.sample import SYSTEM


def _printed(system: System) -> str:
    out = io.StringIO()
    render(system, Console(file=out, width=80))
    return out.getvalue()


def test_both_sides_of_an_endpoint_and_what_they_lead_to_are_printed() -> None:
    """Every resource is counted, every endpoint has its sides."""
    told = _printed(SYSTEM)
    assert "3 functions, 1 REST API, 1 HTTP API" in told
    assert "submit: POST /claims, of claims" in told
    assert "legacy     claims-legacy (no route of the templates)" in told
    assert "by http_api:TheHttpApi/POST /claims to function:SubmitClaim, metrics by route" in told
    assert "then       queue:TheQueue, function:AssessClaim" in told


def test_notes_are_printed_last_errors_first_with_file_and_line() -> None:
    """And what is in them is data, never markup."""
    notes = (
        Note(level="info", text="[red]fine[/red]"),
        Note(level="error", text="not fine", place=Place("template.yaml", 12)),
    )
    lines = _printed(System(notes=notes)).splitlines()
    assert lines[-2:] == ["  error    template.yaml:12: not fine", "  info     [red]fine[/red]"]


def test_nothing_understood_is_said() -> None:
    """An empty system prints sentences, too."""
    assert "nothing that is shown" in _printed(System())
    assert "Nothing." in _printed(System())


def test_the_model_is_json_for_programs() -> None:
    """As System, without observe.yaml's own tree."""
    tree = json.loads(json.dumps(as_json(SYSTEM)))
    assert "config" not in tree
    assert tree["endpoints"]["submit"]["config"] is True
    assert set(tree["resources"]) == set(SYSTEM.resources)
