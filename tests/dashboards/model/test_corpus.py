"""The model of every template of the corpus, as `observe dashboards model` prints it: golden files.

To write them anew: python -m tests.dashboards.model.test_corpus, and read the difference.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from console.dashboards_model_view import render
from dashboards.model.build import model_of
from dashboards.resources import System
from dashboards.template.read import read_templates
from dashboards.template.values import Deployment
from subscribers.config import EMPTY, load
from tests.dashboards.cases import CASES, Case

_GOLDEN = Path(__file__).parent / "golden"
_ROOT = Path(__file__).parents[3]


def model(case: Case) -> System:
    """Return the model of a case, its files named from the root of the repository."""
    before = Path.cwd()
    os.chdir(_ROOT)
    try:
        files = [path.relative_to(_ROOT) for path in case.templates]
        config = load(case.observe.relative_to(_ROOT)) if case.observe is not None else EMPTY
        return model_of(read_templates(files, Deployment()), config)
    finally:
        os.chdir(before)


def printed(system: System) -> str:
    """Return a model as a pipe gets it."""
    out = io.StringIO()
    render(system, Console(file=out, width=200))
    return out.getvalue()


@pytest.mark.parametrize("name", CASES)
def test_a_template_of_the_corpus_is_understood_as_the_golden_file_says(name: str) -> None:
    """Resources, endpoints with both sides, services, dead letters, who feeds whom, and every note."""
    assert printed(model(CASES[name])) == (_GOLDEN / f"{name}.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CASES)
def test_every_name_in_a_model_of_the_corpus_is_in_it(name: str) -> None:
    """Edges, routes and sides lead to resources of the model; notes about files say which."""
    found = model(CASES[name])
    known = set(found.resources)
    assert all({edge.source, edge.target} <= known for edge in found.edges)
    assert all(route.api in known and route.target in known | {""} for route in found.routes.values())
    sides = [side for view in found.endpoints.values() for side in view.sides]
    assert all(set(side.functions) <= known and set(side.routes) <= set(found.routes) for side in sides)
    assert all(side.service in found.services for side in sides)


if __name__ == "__main__":
    _GOLDEN.mkdir(exist_ok=True)
    for case in CASES.values():
        (_GOLDEN / f"{case.name}.txt").write_text(printed(model(case)), encoding="utf-8")
