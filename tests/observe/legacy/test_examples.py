"""docs/legacy-carriers.md: its examples run, and no function goes without one."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import observe
import observe.legacy
from tests.observe.legacy.contexts import WHOLE

PAGE = (Path(__file__).parents[3] / "docs" / "legacy-carriers.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
#: What examples need no line of: the reverse of another, a check, an escape.
HELPERS = {
    *("compact.form_of", "compact.from_crockford", "compact.to_crockford", "compact.reference"),
    *("archives.document", "archives.read_document", "sqlcomment.comment"),
    *("syslog.element", "syslog.escape", "syslog.unescape"),
}


def test_the_examples_run() -> None:
    """From the first to the last, in one module, inside a request."""
    assert len(EXAMPLES) > 5
    with observe.use(WHOLE):
        exec(compile("\n".join(EXAMPLES), "docs/legacy-carriers.md", "exec"), {})


def public() -> set[str]:
    return {
        f"{module}.{name}"
        for module in observe.legacy.__all__
        if module[0].islower()
        for name, function in inspect.getmembers(getattr(observe.legacy, module), inspect.isfunction)
        if not name.startswith("_") and function.__module__ == f"observe.legacy.{module}"
    }


def test_every_function_has_an_example() -> None:
    """Or is one of few helpers, which are public, too."""
    shown = set(re.findall(r"\b([a-z]\w*\.[a-z]\w*)\(", "\n".join(EXAMPLES)))
    assert public() - shown == HELPERS


def reasons(source: str) -> set[str]:
    """The second argument of each Written, either of two, and what stops the parser."""
    found: set[str] = set()
    for call in ast.walk(ast.parse(source)):
        name = getattr(getattr(call, "func", None), "id", "")
        if name == "_RefusedError" or (name == "Written" and len(call.args) == 2):
            told = call.args[-1]
            either = (told.body, told.orelse) if isinstance(told, ast.IfExp) else (told,)
            found |= {one.value for one in either if isinstance(one, ast.Constant)}
    return found


def test_every_reason_is_explained() -> None:
    """The page has each word that a document can come back with."""
    table = PAGE.partition("## Reasons")[2].partition("## ")[0]
    modules = [getattr(observe.legacy, name) for name in observe.legacy.__all__ if name[0].islower()]
    found = set().union(*(reasons(inspect.getsource(module)) for module in modules))
    found |= {"signed", "encrypted", "no_place"}  # by way of a variable
    assert {"extra", "ambiguous", "doctype", "not_usr", "no_context", "rfc5424"} <= found
    assert {reason for reason in found if f"`{reason}`" not in table} == set()
