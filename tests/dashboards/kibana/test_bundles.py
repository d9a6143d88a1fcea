"""Objects that are too many for one import: files of which each can be imported by itself, in their order."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from dashboards.kibana.bundles import bundles
from dashboards.kibana.install import install_text
from dashboards.kibana.render import render as kibana
from dashboards.opensearch.render import render as opensearch
from dashboards.rendered import Options, Rendered, Renderer
from tests.dashboards.kibana.checks import problems
from tests.dashboards.kibana.imports import bundle_problems, objects_of
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

LIMIT = 20_000
FIRST, SECOND, THIRD = "saved-objects.ndjson", "saved-objects-2.ndjson", "saved-objects-3.ndjson"


def split(renderer: Renderer, bytes_max: int = LIMIT) -> Rendered:
    """Return the files of the sample as if an import took no more than this."""
    whole = renderer(SYSTEM, PAGES, ALARMS, Options())
    objects = list(objects_of(whole))
    views = [one for one in objects if one["type"] == "index-pattern"]
    searches = [one for one in objects if one["type"] == "search"]
    pages: list[list[Any]] = [[]]
    for one in objects:
        if one["type"] in ("visualization", "dashboard"):
            pages[-1].append(one)
        if one["type"] == "dashboard":
            pages.append([])
    found = bundles(views, searches, pages[:-1], bytes_max=bytes_max)
    others = {name: text for name, text in whole.files.items() if name != FIRST}
    install = install_text(SYSTEM, ALARMS, {}, tuple(found))
    return msgspec.structs.replace(whole, files={**others, "install.md": install, **found})


GOOD = split(kibana)


@pytest.mark.parametrize("renderer", [kibana, opensearch])
def test_the_parts_are_the_whole_and_each_has_what_it_needs(renderer: Renderer) -> None:
    """No object is lost or changed, and every file is complete and within the limit."""
    parts, whole = split(renderer), split(renderer, 8_000_000)
    named = {name: text for name, text in parts.files.items() if name.endswith(".ndjson")}
    assert len(named) > 2
    assert list(bundle_problems(parts)) == []

    def texts(rendered: Rendered) -> list[str]:
        return sorted(json.dumps(one) for one in objects_of(rendered))

    assert texts(parts) == texts(whole)
    for text in named.values():
        assert len(text.encode()) <= LIMIT or text.count('"panelsJSON"') == 1


def test_the_parts_of_the_sample_are_valid() -> None:
    """The whole validator says nothing of several files."""
    assert problems(GOOD, SYSTEM, PAGES, ALARMS) == []


def test_objects_are_counted_too() -> None:
    """Three searches and one data view a file are not more than four objects."""
    searches = [{"id": f"s{n}", "references": [], "type": "search"} for n in range(7)]
    found = bundles([{"id": "v", "references": [], "type": "index-pattern"}], searches, (), objects_max=4)
    assert [text.count("\n") for text in found.values()] == [4, 4, 2]
    assert list(found) == [FIRST, SECOND, THIRD]


def test_several_files_are_told_in_their_order() -> None:
    """Whoever installs them reads how many there are, and imports them one after another."""
    text = GOOD.files["install.md"]
    assert f"for file in {FIRST} {SECOND} {THIRD}" in text
    assert "files, to import in this order" in text
    assert "in this order" not in kibana(SYSTEM, PAGES, ALARMS, Options()).files["install.md"]


def without(kind: str) -> Callable[[str], str]:
    """Return a change that takes objects of a type out of a file."""

    def change(text: str) -> str:
        kept = [line for line in text.splitlines() if json.loads(line)["type"] != kind]
        return "".join(f"{line}\n" for line in kept)

    return change


def part(change: Callable[[str], str], name: str = SECOND) -> Rendered:
    """Return the good files with one of them changed."""
    return msgspec.structs.replace(GOOD, files={**GOOD.files, name: change(GOOD.files[name])})


BROKEN: dict[str, tuple[Rendered, str]] = {
    "no data views": (part(without("index-pattern")), "refers to ('index-pattern'"),
    "a dashboard twice": (part(lambda text: text + GOOD.files[THIRD].splitlines()[-1] + "\n"), "repeats"),
    "another data view": (part(lambda text: text.replace("observe-*", "other-*")), "another one than in"),
    "the same object twice": (part(lambda text: text + text.splitlines()[0] + "\n"), "2 times"),
    "a file missing": (
        msgspec.structs.replace(GOOD, files={n: text for n, text in GOOD.files.items() if n != SECOND}),
        "the files to import are",
    ),
    "another order": (
        part(lambda text: text.replace(f"{SECOND} {THIRD}", f"{THIRD} {SECOND}"), "install.md"),
        "does not import the files",
    ),
}


@pytest.mark.parametrize("way", BROKEN)
def test_each_way_of_breaking_the_parts_is_found(way: str) -> None:
    """Files that cannot be imported one after another are refused for that."""
    broken, words = BROKEN[way]
    found = list(bundle_problems(broken))
    assert any(words in one for one in found), found[:5]
