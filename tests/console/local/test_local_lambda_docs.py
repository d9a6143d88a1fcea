"""docs/local-lambda.md: its snippets run from the first to the last, and print what it says."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from console.local import launch

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "local-lambda.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.runtime
def test_its_snippets_run_as_they_stand(tmp_path: Path) -> None:
    """In a process of their own: a span of the layer, what leaks in, a stack that settles."""
    script = tmp_path / "page.py"
    source = "\n".join(BLOCKS)
    assert source.count("stack.settled(timeout_s=20)") == 1
    script.write_text(source.replace("stack.settled(timeout_s=20)", "assert stack.settled(timeout_s=20)"))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("success ")
    assert '"resourceSpans"' in lines[0]
    said = re.findall(r"b'(\[.*?\])'", PAGE)
    printed = re.findall(r"^b'(\[.*?\])'$", done.stdout, re.MULTILINE)
    assert [json.loads(each) for each in printed] == [json.loads(each) for each in said]
    assert re.search(r"^http://\S+ http://\S+ \S+ arn:aws:sns:\S+$", done.stdout, re.MULTILINE)


def test_it_names_what_lambdas_runtime_brings_along() -> None:
    """Every package of the runtime's that a function would import by itself."""
    told = PAGE.partition("brings along (awslambdaric, ")[2].partition(")")[0]
    inner = {"awslambdaric", "runtime_client", "simplejson", "snapshot_restore_py"}
    assert set(told.split(", ")) == set(launch._RUNTIME_PACKAGES) - inner
