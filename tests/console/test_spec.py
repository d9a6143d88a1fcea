"""The published contracts say what the code says."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.spec import DOCS, configuration, documents, main, stale
from subscribers.config_schema import schema
from subscribers.tables import TABLES


def test_nothing_published_is_stale() -> None:
    """Every generated document is what `python -m console.spec` would write now."""
    assert stale(DOCS) == []


def test_published_schema_is_the_one_that_validates() -> None:
    """docs/spec/observe-v1.schema.json is byte for byte the schema that drives validation."""
    source = Path(__file__).parents[2] / "subscribers" / "observe-v1.schema.json"
    assert (DOCS / "spec" / "observe-v1.schema.json").read_bytes() == source.read_bytes()


def test_every_key_is_documented() -> None:
    """Each key of each named part of the schema has its row in the documentation, with its description."""
    text = configuration(schema())
    parts = [schema(), *schema()["$defs"].values()]
    parts += [branch for part in parts for branch in part.get("oneOf", ()) if "properties" in branch]
    for part in parts:
        for key in part.get("properties", {}):
            assert f"`{key}`" in text, key


def test_every_link_leads_somewhere() -> None:
    """The named parts that rows link to are headings of the document."""
    text = configuration(schema())
    headings = {line[3:] for line in text.splitlines() if line.startswith("## ")}
    assert all(f"(#{name})" not in text or name in headings for name in schema()["$defs"])


def test_tables_as_json() -> None:
    """tables.json and tables.glue.json hold every table."""
    published = {name: documents()[f"spec/{name}"] for name in ("tables.json", "tables.glue.json")}
    assert [table["name"] for table in json.loads(published["tables.json"])] == list(TABLES)
    assert [table["Name"] for table in json.loads(published["tables.glue.json"])] == list(TABLES)


def test_writing_and_checking(tmp_path: Path) -> None:
    """--check fails with a sentence while a document is missing or altered, and passes once written."""
    run = CliRunner()
    first = run.invoke(main, ["--check", "--out", str(tmp_path)])
    assert (first.exit_code, "stale: spec/observe-v1.schema.json" in first.output) == (1, True)
    assert list(tmp_path.iterdir()) == []
    assert run.invoke(main, ["--out", str(tmp_path)]).exit_code == 0
    assert run.invoke(main, ["--check", "--out", str(tmp_path)]).exit_code == 0
    (tmp_path / "spec" / "tables.md").write_bytes(b"\xff")
    altered = run.invoke(main, ["--check", "--out", str(tmp_path)])
    assert altered.output == "Error: stale: spec/tables.md; run 'python -m console.spec' and commit\n"


@pytest.mark.parametrize("name", ["docs", "docs/spec"])
def test_a_folder_that_cannot_be_written(tmp_path: Path, name: str) -> None:
    """A file in the way of a folder is a sentence, not a traceback."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("in the way")
    result = CliRunner().invoke(main, ["--out", str(tmp_path / "docs")])
    assert result.exit_code == 1
    assert "cannot be written" in result.output
