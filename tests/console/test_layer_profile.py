"""`observe layer profile`, and what the layer may import at all on the bare path."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from console import layer_profile
from console.cli import cli
from tests.observe.bundles import HTTPX, bundle

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
#: select: a full stdout is known by asking before a write, which would hold up the handler.
STANDARD = frozenset(("_contextvars", "_sha2", "_sha256", "binascii", "contextvars", "resource", "select"))

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


def _tree(text: str) -> dict[str, layer_profile.Imported]:
    """Modules of lines such as `json < observe.wire`: its importer behind each; 1 us each."""
    pairs = [line.partition(" < ")[::2] for line in text.split(", ")]
    return {name: layer_profile.Imported(name, 1, 1, by) for name, by in pairs}


def test_the_guide_shows_the_table_as_it_is() -> None:
    """Its title and its columns; and the options of its command are the command's."""
    page = (Path(__file__).parents[2] / "docs" / "layer.md").read_text(encoding="utf-8")
    command, _, example = page.partition("observe layer profile ")[2].partition("\n")
    shown = layer_profile.table(list(layer_profile.parse(LINES.splitlines()).values()), 1)
    title = re.compile(r"^\d+ modules because of the layer, [\d.]+ ms$", re.MULTILINE)
    assert title.search(str(shown.title))
    assert title.search(example)
    assert re.search(f"^{' +'.join(str(each.header) for each in shown.columns)}$", example, re.MULTILINE)
    usage = CliRunner().invoke(cli, ["layer", "profile", "--help"]).output
    assert set(re.findall(r"--\w+", command)) <= set(re.findall(r"--\w+", usage))


@pytest.mark.parametrize(
    ("attached", "off", "counted"),
    [
        ("app, a < app", "app, a < app", ""),
        ("app, a < app, b < observe, observe", "app, a < app", "b observe"),
        ("app, observe, a < observe", "app, observe < app, a < app", "observe"),
        ("app, observe < app, x < a, a < observe", "app, observe < app, x < a, a < observe", "a observe x"),
        ("app, observe, a < observe.b, observe.b < observe", "app, a < app", "observe observe.b"),
        ("app, hook < a, a < app", "app, a < app", "hook"),
        ("observer, a < observer", "observer, a < observer", ""),
        ("x < y, y < x", "x < y, y < x", ""),
    ],
)
def test_what_is_the_layers(attached: str, off: str, counted: str) -> None:
    """What is not there without it, observe itself, and what only observe imports; a circle ends."""
    found = layer_profile.layers(_tree(attached), _tree(off))
    assert sorted(module.name for module in found) == counted.split()


@pytest.mark.runtime
def test_a_functions_own_imports_are_not_the_layers(tmp_path: Path) -> None:
    """One that imports httpx and observe gives what one gives that imports httpx only."""
    counted: list[set[str]] = []
    for number, imports in enumerate(("import httpx", "import observe, httpx")):
        task = bundle(tmp_path / f"task{number}", *HTTPX)
        (task / "app.py").write_text(f"{imports}\ndef handler(event, context):\n    return 1\n")
        counted.append({module.name for module in layer_profile.of(task, "app.handler", {}, 1)})
    alone, both = counted
    assert "opentelemetry.instrumentation.httpx" in alone
    assert alone == both
    assert not {name for name in alone if name.partition(".")[0] in HTTPX}


@pytest.mark.runtime
def test_what_is_installed_here_is_not_the_functions(tmp_path: Path) -> None:
    """It sees its own folder, the layer and Lambda's packages, also where it sets PYTHONPATH."""
    (tmp_path / "app.py").write_text(
        "import boto3, mine, observe\n"
        "try:\n    import rich\nexcept ImportError:\n    import only_without_rich\n"
        "def handler(event, context):\n    return 1\n"
    )
    (tmp_path / "only_without_rich.py").touch()
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "mine.py").touch()
    environment = {"PYTHONPATH": str(tmp_path / "more")}
    names = {module.name for module in layer_profile.of(tmp_path, "app.handler", environment, 1)}
    assert "observe.handler" in names
    assert not names & {"rich", "boto3", "mine", "only_without_rich"}
    (tmp_path / "only_without_rich.py").unlink()
    with pytest.raises(layer_profile.NotProfiledError, match="only_without_rich"):
        layer_profile.of(tmp_path, "app.handler", environment, 1)


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
