"""Functions with the layer attached."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from tests.observe.attached import WRAPPER, Ran, Run


@pytest.fixture
def run(tmp_path: Path, opt: Path) -> Iterator[Run]:
    """Make a function from source; `layer=False` for the bare one."""
    made: list[LocalFunction] = []

    def make(source: str, *, layer: bool = True, files: dict[str, str] | None = None, **options: Any) -> Ran:
        root = tmp_path / f"task{len(made)}"
        root.mkdir()
        for name, text in {"app.py": source, **(files or {})}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(textwrap.dedent(text))
        log = MemoryLogWriter()
        environment = {**(WRAPPER if layer else {}), **options.pop("environment", {})}
        folder = options.pop("opt", opt)
        handler = options.pop("handler", "app.handler")
        function = LocalFunction(
            "submit-claim",
            handler,
            root,
            opt=folder if layer else None,
            environment=environment,
            log=log,
            **{"timeout_s": 20.0, **options},
        )
        made.append(function)
        return Ran(log, function)

    yield make
    for function in made:
        function.close()
