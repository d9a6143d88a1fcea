"""The folder of generated files: written whole, compared, and nothing of others removed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dashboards.output import MANIFEST, Difference, FolderError, difference, write

FILES = {"cloudwatch/template.yaml": "Resources: {}\n", "cloudwatch/fragment.yaml": "{}\n"}
CLOUDWATCH = ("cloudwatch",)


def test_what_is_written_is_what_would_be_generated(tmp_path: Path) -> None:
    """A second run changes nothing, and the folder has no differences."""
    first = write(tmp_path, FILES, CLOUDWATCH)
    assert first == Difference(missing=tuple(FILES))
    assert not difference(tmp_path, FILES, CLOUDWATCH)
    assert not write(tmp_path, FILES, CLOUDWATCH)
    assert {path: (tmp_path / path).read_text() for path in FILES} == FILES


def test_a_file_that_somebody_edited_is_told_and_mended(tmp_path: Path) -> None:
    """--check fails for it, and the next run writes it again."""
    write(tmp_path, FILES, CLOUDWATCH)
    (tmp_path / "cloudwatch/template.yaml").write_text("edited")
    assert difference(tmp_path, FILES, CLOUDWATCH).changed == ("cloudwatch/template.yaml",)
    write(tmp_path, FILES, CLOUDWATCH)
    assert not difference(tmp_path, FILES, CLOUDWATCH)


def test_what_is_not_generated_any_more_is_removed_and_nothing_else(tmp_path: Path) -> None:
    """A team's own file beside ours stays."""
    write(tmp_path, FILES, CLOUDWATCH)
    (tmp_path / "cloudwatch/own.yaml").write_text("own")
    fewer = {"cloudwatch/template.yaml": "Resources: {}\n"}
    assert difference(tmp_path, fewer, CLOUDWATCH).superfluous == ("cloudwatch/fragment.yaml",)
    write(tmp_path, fewer, CLOUDWATCH)
    assert sorted(path.name for path in (tmp_path / "cloudwatch").iterdir()) == ["own.yaml", "template.yaml"]


def test_targets_that_were_not_asked_for_stay(tmp_path: Path) -> None:
    """Each target has its folder, and its part of the manifest."""
    write(tmp_path, FILES, CLOUDWATCH)
    write(tmp_path, {"grafana/system.json": "{}\n"}, ("grafana",))
    assert not difference(tmp_path, FILES, CLOUDWATCH)
    listed = json.loads((tmp_path / MANIFEST).read_text())["generated"]
    assert listed == sorted([*FILES, "grafana/system.json"])


@pytest.mark.parametrize("text", ["", "[]", '{"generated": 3}', '{"generated": [1]}', "\0"])
def test_a_damaged_manifest_is_a_sentence(text: str, tmp_path: Path) -> None:
    """Nothing is removed by what nobody wrote."""
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(FolderError, match="is not what an earlier run wrote"):
        write(tmp_path, FILES, CLOUDWATCH)


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "cloudwatch/../../outside"])
def test_a_manifest_removes_nothing_outside_of_its_folder(path: str, tmp_path: Path) -> None:
    """Whoever edits the manifest cannot have other files removed."""
    (tmp_path / "outside").write_text("kept")
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"generated": [path]}))
    assert not difference(folder, {}, (path.partition("/")[0],)).superfluous
    assert (tmp_path / "outside").exists()


def test_a_folder_that_is_a_file_is_a_sentence(tmp_path: Path) -> None:
    """The error names the path."""
    (tmp_path / "out").write_text("")
    with pytest.raises(FolderError, match="out"):
        write(tmp_path / "out", FILES, CLOUDWATCH)
