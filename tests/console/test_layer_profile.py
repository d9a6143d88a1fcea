"""`observe layer profile`, and what the layer may import at all on the bare path."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console import layer_profile
from console.cli import cli

#: What a function that knows nothing of the layer pays for. A module more is a decision, to be made here.
OWN = frozenset(
    (
        *("capture", "context", "entry", "guard", "handler", "hooks", "ids", "invocation", "lifecycle"),
        *("notes", "outcome", "redaction", "semconv", "services", "services.invoke", "services.shapes"),
        *(
            "secret_names",
            "secret_signs",
            "settings",
            "source",
            "splice",
            "stdout",
            "w3c",
            "watchdog",
            "wire",
            "xray",
        ),
    )
)
#: Modules of the standard library that Lambda's runtime has not loaded; each is in C or next to nothing.
STANDARD = frozenset(("_contextvars", "_sha2", "_sha256", "binascii", "contextvars", "resource"))

LINES = """\
import time: self [us] | cumulative | imported package
import time:       100 |        100 |     c
import time:        50 |        150 |   b
import time:         7 |          7 |   d
a line of the function's own
import time:        30 |        187 | a
"""


def test_the_lines_of_importtime_are_a_tree() -> None:
    """Each module has its times and the one that imported it; other lines are skipped."""
    found = layer_profile.parse(LINES.splitlines())
    assert [(m.name, m.self_us, m.cumulative_us, m.by) for m in found.values()] == [
        ("c", 100, 100, "b"),
        ("b", 50, 150, "a"),
        ("d", 7, 7, "a"),
        ("a", 30, 187, ""),
    ]


@pytest.mark.runtime
def test_the_bare_path_imports_no_more_than_it_must() -> None:
    """A handler without any import gets these modules of ours, and cheap ones of the library."""
    modules = {module.name for module in layer_profile.of(None, "", {}, 1)}
    own = {name.removeprefix("observe.") for name in modules if name.startswith("observe.")}
    others = {name for name in modules if name.partition(".")[0] != "observe"}
    assert own <= OWN, own - OWN
    assert {"handler", "invocation"} <= own
    assert others <= STANDARD, others - STANDARD


@pytest.mark.runtime
def test_the_command_says_what_a_function_of_ones_own_imports(tmp_path: Path) -> None:
    """--task takes a folder; what only the layer needs is listed, the dearest first."""
    (tmp_path / "app.py").write_text(
        "import observe\nobserve.log\ndef handler(event, context):\n    return 1\n"
    )
    done = CliRunner().invoke(cli, ["layer", "profile", "--task", str(tmp_path), "--runs", "1", "--json"])
    assert done.exit_code == 0, done.output
    rows = json.loads(done.stdout)
    assert rows == sorted(rows, key=lambda row: -row["self_us"])
    assert "observe.logs" in {row["module"] for row in rows}


@pytest.mark.runtime
def test_a_function_that_does_not_start_is_told_in_a_sentence(tmp_path: Path) -> None:
    """No traceback: the runtime's own message."""
    (tmp_path / "app.py").write_text("import no_such_module\n")
    done = CliRunner().invoke(cli, ["layer", "profile", "--task", str(tmp_path), "--runs", "1"])
    assert done.exit_code == 1
    assert "does not start" in done.output
    assert "no_such_module" in done.output


def test_a_variable_without_a_value_is_refused() -> None:
    """--env wants NAME=VALUE."""
    done = CliRunner().invoke(cli, ["layer", "profile", "--env", "NAME"])
    assert done.exit_code == 2
    assert "NAME=VALUE" in done.output
