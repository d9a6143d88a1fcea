"""Every target of every template of the corpus is valid, whatever shape the template has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Protocol

import pytest

from dashboards.alarms.values import Alarms
from dashboards.made import Made, made_of
from dashboards.output import TARGETS, render
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered
from dashboards.resources import System
from dashboards.template.values import Deployment
from subscribers.config import EMPTY, load
from tests.dashboards.cases import CASES


class Check(Protocol):
    """What a target's checks.py has."""

    def __call__(
        self, rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms
    ) -> list[str]:
        """Return every problem as a sentence."""


@cache
def made(name: str) -> Made:
    case = CASES[name]
    return made_of(case.templates, load(case.observe) if case.observe else EMPTY, Deployment())


def problems(target: str, of: Made) -> list[str]:
    check: Check = import_module(f"tests.dashboards.{target}.checks").problems
    return check(render(of, target, Options()), of.system, of.pages, of.alarms)


def test_the_corpus_has_templates_of_many_shapes() -> None:
    """The example, the project's own, and ten more at least."""
    assert {"example", "own"} <= set(CASES)
    assert len(CASES) >= 12


@pytest.mark.parametrize("name", CASES)
def test_every_template_shows_something(name: str) -> None:
    """A system page at least, with panels, and a page of its own for each endpoint and service."""
    found = made(name)
    pages = {page.name for page in found.pages}
    assert "system" in pages
    assert sum(page.kind == "endpoint" for page in found.pages) == len(found.system.endpoints)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_every_target_is_valid(name: str, target: str) -> None:
    """What the tool's validators say of the generated files: nothing."""
    assert problems(target, made(name)) == []


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", CASES)
def test_a_second_run_generates_the_same(name: str, target: str) -> None:
    """Files of an unchanged template are the same, byte for byte, and in the same order."""
    of = made(name)
    first, second = (render(of, target, Options()).files for _ in range(2))
    assert list(first.items()) == list(second.items())
    assert all(text.endswith("\n") for text in first.values())
