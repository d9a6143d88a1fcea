"""docs/testing.md: its table is the module, its snippets run, its example passes and fails as it says."""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from observe.services import source_of
from observe.testing import LambdaContext, events
from tests.observe.test_testing_events import BUILDERS, CARRYING, CONTEXT, OTHER, WRAPPERS, built

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
#: What the page's snippets are about.
NAMES = {
    "events": events,
    "LambdaContext": LambdaContext,
    "handler": lambda event, context: None,
    **dict.fromkeys(("caller", "one"), CONTEXT),
    "other": OTHER,
    **{name: {"a": 1} for name in ("detail", "data", "payload")},
}


def _rows(title: str) -> list[list[str]]:
    """The cells of the table that stands below a heading or a sentence."""
    table = PAGE.partition(title)[2].partition("|---|")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[1:]]


def test_the_table_is_the_module() -> None:
    """Every builder has a row with its source, and says whether and where it carries a context."""
    rows = _rows("| builder |")
    assert [row[0].strip("`") for row in rows] == list(dict.fromkeys(row[0].strip("`") for row in rows))
    told = {name.strip("`"): (source, place) for name, source, place in rows}
    assert told.keys() == set(events.__all__) - {"Message"}
    for name, (source, place) in told.items():
        found = source_of(built(name, **({"context": CONTEXT} if name in CARRYING else {})))
        assert found is not None
        assert source == found.name, name
        carries = name in CARRYING or name in WRAPPERS
        assert (place != "-") == carries, name


def test_every_builder_says_what_it_is() -> None:
    """In the first sentence of its docstring."""
    for name in BUILDERS:
        documented = inspect.getdoc(getattr(events, name))
        assert documented, name
        assert documented.splitlines()[0].rstrip().endswith((".", ":")), name


def test_the_pages_snippets_run() -> None:
    """Those that are not the example: the imports, the batches, the synchronous call."""
    others = [block for block in BLOCKS if "def " not in block]
    assert len(others) == len(BLOCKS) - 1
    for block in others:
        exec(compile(block, "docs/testing.md", "exec"), dict(NAMES))  # our own page


def test_the_http_example_has_its_body_and_its_context() -> None:
    """A payload that does not come first, which is why the page shows it."""
    (block,) = [block for block in BLOCKS if "body=" in block and "def " not in block]
    event = eval(block, dict(NAMES))  # our own page
    assert event["body"] == '{"amount": 100}'
    assert event["pathParameters"] == {"id": "CLM-1"}
    assert event["headers"]["x-correlation-id"] == CONTEXT.correlation_id


@pytest.mark.parametrize(
    ("build", "raised"),
    [
        (lambda: events.sqs("x", queue=5), TypeError),  # type: ignore[arg-type]
        (lambda: events.http_api("POST", "/a", route="/b"), ValueError),
        (lambda: events.sqs("x" * 2_000_000, queue="a name with blanks"), None),
        (lambda: events.sqs("x" * 2_000_000, context=CONTEXT), ValueError),
    ],
)
def test_what_is_checked_is_what_the_page_says(build: Any, raised: type[Exception] | None) -> None:
    """Kinds and contradictions; not sizes and names, unless a context needs the room."""
    if raised is None:
        assert build()["Records"]
    else:
        with pytest.raises(raised):
            build()


def test_events_inside_events_are_built_as_the_table_says() -> None:
    """Each expression of the table is an event that the layer knows."""
    expressions = [
        expression
        for row in _rows("### Events inside events")
        for expression in re.findall(r"`(events\..*?)`", row[1])
    ]
    assert len(expressions) > 9
    for expression in expressions:
        whole = expression.replace("...", "events.direct(payload, context=caller)")
        assert source_of(eval(whole, dict(NAMES))) is not None, expression  # our own page


def _pytest(folder: Path, source: str, root: Path = ROOT) -> subprocess.CompletedProcess[str]:
    path = folder / "test_example.py"
    path.write_text(source, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), str(path)],
        cwd=folder,
        env={"PYTHONPATH": str(root), "PATH": os.environ.get("PATH", ""), "HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_example_passes_and_fails_as_the_page_says(tmp_path: Path) -> None:
    """With two attributes of its own the function keeps the ID; with ten the test ends as the page quotes."""
    (example,) = [block for block in BLOCKS if "def " in block]
    passed = _pytest(tmp_path, example)
    assert passed.returncode == 0, passed.stdout
    failed = _pytest(tmp_path, example.replace("ATTRIBUTES = 2\n", "ATTRIBUTES = 10\n"))
    (quoted,) = re.findall(r"```\n(AssertionError: .*)\n```", PAGE)
    assert failed.returncode == 1
    assert quoted in failed.stdout


def test_the_example_passes_with_the_layers_folder_on_the_path(tmp_path: Path, opt: Path) -> None:
    """python/ of the zip is enough: it finds observe-lib/ beside it."""
    (example,) = [block for block in BLOCKS if "def " in block]
    whose = f"{example}\n\ndef test_whose():\n    assert observe.__file__.startswith({str(opt)!r})\n"
    whose += "    assert any(path.endswith('observe-lib') for path in __import__('sys').path)\n"
    passed = _pytest(tmp_path, whose, opt / "python")
    assert passed.returncode == 0, passed.stdout
    assert "2 passed" in passed.stdout
