"""The checks of three tools see links in our own markup that nobody turned into addresses."""

from __future__ import annotations

from importlib import import_module

import msgspec
import pytest

from dashboards.rendered import Options
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM


@pytest.mark.parametrize("target", ["datadog", "kibana", "opensearch"])
@pytest.mark.parametrize("kind", ["page", "query"])
def test_markup_that_is_shown_is_a_problem(target: str, kind: str) -> None:
    """A description with `[label](page:...)` would be read as it stands."""
    made = import_module(f"dashboards.{target}.render").render(SYSTEM, PAGES, ALARMS, Options())
    text = f"{made.files['install.md']}[All]({kind}:story)\n"
    broken = msgspec.structs.replace(made, files={**made.files, "install.md": text})
    found = import_module(f"tests.dashboards.{target}.checks").problems(broken, SYSTEM, PAGES, ALARMS)
    assert any(f"]({kind}:" in one for one in found)
