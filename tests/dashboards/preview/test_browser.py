"""Preview pages in a real browser: each loads from the disk, runs its script, and asks for nothing else."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from dashboards.preview.render import preview
from tests.dashboards import sample
from tests.dashboards.preview.filled import FIRST, LAST, filled_store

CHROMIUM = shutil.which("chromium")
pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (Debian package chromium)"),
]
_OFF = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync --enable-logging=stderr --virtual-time-budget=2000 --dump-dom"
)


def opened(page: Path, profile: Path) -> tuple[str, list[str]]:
    """Open a page; return its document as the browser has it, and what it told on its console."""
    command = [CHROMIUM or "", *_OFF.split(), f"--user-data-dir={profile}", page.absolute().as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the pages of the sample."""
    folder = tmp_path_factory.mktemp("pages")
    store = filled_store(folder)
    made = preview(sample.SYSTEM, sample.PAGES, sample.ALARMS, store.query, FIRST, LAST)
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("name", ["index.html", "endpoint-submit.html", "service-assess-claim.html"])
def test_a_page_opens_without_a_word_on_the_console(name: str, pages: Path, tmp_path: Path) -> None:
    """No fault of the script, nothing refused by the page's own policy; and the graphs are there."""
    document, told = opened(pages / name, tmp_path)
    assert told == []
    assert "<main>" in document
    assert "</html>" in document


def test_a_script_that_is_not_ours_is_refused(pages: Path, tmp_path: Path) -> None:
    """The policy of the page holds in the browser, and this test would see it if it did not."""
    page = pages / "changed.html"
    text = (pages / "index.html").read_text(encoding="utf-8")
    page.write_text(text.replace("</main>", "</main><script>document.title='changed'</script>"))
    document, told = opened(page, tmp_path)
    assert "<title>changed" not in document
    assert any("Content Security Policy" in line for line in told)
