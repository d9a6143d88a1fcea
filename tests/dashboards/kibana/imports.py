"""What is wrong with the files to import, of Kibana and OpenSearch Dashboards alike.

Each must be importable by itself, in their order: within the limits of one import, with the data views, the
searches and the visualisations that its objects refer to. A dashboard that a link leads to may be in another.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.rendered import Rendered

#: What both products import at once, where nobody set it otherwise (savedObjects.maxImportPayloadBytes).
IMPORT_MAX = 26_214_400
#: What a small domain of Amazon OpenSearch Service takes in one request: an import becomes one.
DOMAIN_MAX = 10_485_760
#: Objects that both products import at once (savedObjects.maxImportExportSize).
OBJECTS_MAX = 10_000
_FIRST = "saved-objects.ndjson"
_NAME = re.compile(r"saved-objects(?:-\d+)?\.ndjson")
_PLACE = re.compile(r"\((discover)?#/view/([^)]*)\)")
Saved = dict[str, Any]
Key = tuple[Any, Any]


def objects_of(rendered: Rendered) -> Iterator[Saved]:
    """Yield the saved objects of all files, what several files repeat once a file at most and equal once."""
    seen: set[str] = set()
    for text in _texts(rendered).values():
        here = text.splitlines()
        for line in here:
            if line not in seen and isinstance(found := _read(line), dict):
                yield found
        seen.update(here)


def bundle_problems(rendered: Rendered) -> Iterator[str]:
    """Yield what is wrong with the files: their names and order, their limits, what they lack or change."""
    texts = _texts(rendered)
    expected = [_FIRST, *(f"saved-objects-{number}.ndjson" for number in range(2, len(texts) + 1))]
    if list(texts) != expected:
        yield f"the files to import are {', '.join(texts)} and not {', '.join(expected)}"
    if f"for file in {' '.join(texts)}; do" not in rendered.files.get("install.md", ""):
        yield "install.md does not import the files in their order"
    first: dict[Key, tuple[str, str]] = {}
    for name, text in texts.items():
        found = [(line, _read(line)) for line in text.splitlines()]
        for number, (_, one) in enumerate(found, 1):
            if not isinstance(one, dict):
                yield f"line {number} of {name} is no JSON"
        objects = {line: one for line, one in found if isinstance(one, dict)}
        keys = [_key(one) for _, one in found if isinstance(one, dict)]
        yield from _limits(name, text, keys)
        yield from _lacking(name, list(objects.values()), set(keys))
        for line, one in objects.items():
            where, before = first.setdefault(_key(one), (name, line))
            if line != before:
                yield f"{name}: {_key(one)} is another one than in {where}"
            elif where != name and one.get("type") not in ("index-pattern", "search"):
                yield f"{name} repeats {_key(one)} of {where}"


def _limits(name: str, text: str, keys: Sequence[Key]) -> Iterator[str]:
    size = len(text.encode())
    for limit in (IMPORT_MAX, DOMAIN_MAX):
        if size > limit:
            yield f"{name} is larger than {limit} bytes"
    if len(keys) > OBJECTS_MAX:
        yield f"{name} has {len(keys)} objects, which are more than {OBJECTS_MAX}"
    for key, times in Counter(keys).items():
        if times > 1:
            yield f"{name} has {key} {times} times"


def _lacking(name: str, objects: Sequence[Saved], keys: set[Key]) -> Iterator[str]:
    for one in objects:
        for reference in one.get("references", ()):
            key = (reference.get("type"), reference.get("id"))
            if key not in keys and key[0] != "dashboard":
                yield f"{name}: {_key(one)} refers to {key}, which is not there"


def link_problems(objects: Sequence[Saved]) -> Iterator[str]:
    """Yield links and references to dashboards, searches and data views that no file has."""
    keys = {_key(one) for one in objects}
    for one in objects:
        text = json.dumps(one)
        targets = [("search" if kind else "dashboard", target) for kind, target in _PLACE.findall(text)]
        views = [("index-pattern", view) for view in re.findall(r"_a=\(index:([^,)]*)", text)]
        pages = [
            ("dashboard", r.get("id")) for r in one.get("references", ()) if r.get("type") == "dashboard"
        ]
        for target in (*targets, *views, *pages):
            if target not in keys:
                yield f"{_key(one)}: a link leads to {target[1]}, and there is no such {target[0]}"


def _texts(rendered: Rendered) -> Mapping[str, str]:
    return {name: text for name, text in rendered.files.items() if _NAME.fullmatch(name)}


def _read(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _key(one: Saved) -> Key:
    return one.get("type"), one.get("id")
