"""docs/formats.md: a section a format, with the example that its tests read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from subscribers.formats import FORMATS
from subscribers.formats.custom import KINDS

PAGE = (Path(__file__).parents[1] / "docs" / "formats.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^### (.+)$", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_section(name: str) -> None:
    """Under its name in observe.yaml, with an example line."""
    headings = [heading for heading in SECTIONS if name in re.split(r"[ ,]+", heading.replace("`", ""))]
    assert len(headings) == 1, headings
    section = PAGE.split(f"### {headings[0]}\n", 1)[1].split("\n### ", 1)[0]
    assert re.search(r"^    \S", section, re.MULTILINE)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_custom_format_is_shown(kind: str) -> None:
    """As it is written in observe.yaml."""
    assert re.search(rf"(?:\{{|^  ){kind}:", PAGE, re.MULTILINE)
