"""The layer's zip: reproducible, laid out as documented, pure Python, within its budget."""

from __future__ import annotations

import compileall
import re
import shutil
import sys
import zipfile
from pathlib import Path

import pytest

from lambda_layer import build


def test_the_same_inputs_give_the_same_bytes(tmp_path: Path) -> None:
    """Two builds, one digest."""
    first, second = build.build(tmp_path / "1.zip"), build.build(tmp_path / "2.zip")
    assert first.sha256 == second.sha256
    assert first.size_bytes < build.ZIP_MAX_BYTES


def test_the_layout(layer_zip: Path) -> None:
    """/opt/python holds only our package; the dependencies lie apart; nothing is native code."""
    with zipfile.ZipFile(layer_zip) as archive:
        names = archive.namelist()
        wrapper = archive.getinfo("observe-exec")
    assert wrapper.external_attr >> 16 & 0o111
    assert {name.split("/")[1] for name in names if name.startswith("python/")} == {"observe"}
    assert {name.split("/")[0] for name in names} == {"python", "observe-lib", "observe-exec"}
    assert not [name for name in names if name.endswith((".so", ".pyd", "RECORD", "direct_url.json"))]
    for package in ("structlog", "opentelemetry/sdk/trace", "opentelemetry/instrumentation/httpx", "wrapt"):
        assert f"observe-lib/{package}/__init__.py" in names
    assert any("LICENSE" in name for name in names)


def test_bytecode_is_shipped_and_does_not_depend_on_time_stamps(opt: Path) -> None:
    """Each module has unchecked hash-based bytecode for this interpreter."""
    tag = sys.implementation.cache_tag
    for source in (opt / "python").rglob("*.py"):
        cached = source.parent / "__pycache__" / f"{source.stem}.{tag}.pyc"
        flags = int.from_bytes(cached.read_bytes()[4:8], "little")
        assert flags == 0b01, cached  # hash-based, unchecked: PEP 552


def test_nothing_unpacked_is_writable(opt: Path) -> None:
    """/opt is read-only."""
    assert not [path for path in opt.rglob("*") if path.stat().st_mode & 0o222]


def test_a_release_build_needs_every_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release that would compile at every cold start of a runtime is refused."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path))
    build.interpreter.cache_clear()
    try:
        with pytest.raises(build.BuildError, match=r"not found: 3\.1") as caught:
            build.build(tmp_path / "x.zip", release=True)
    finally:
        build.interpreter.cache_clear()
    assert caught.value.reason == "interpreter_missing"
    assert not (tmp_path / "x.zip").exists()


def test_pip_failing_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dependency that cannot be installed is told with pip's own last lines."""
    lock = tmp_path / "layer.txt"
    lock.write_text("structlog==26.1.0 --hash=sha256:" + "0" * 64 + "\n")
    monkeypatch.setattr(build, "requirements", lambda: lock)
    with pytest.raises(build.BuildError) as caught:
        build.build(tmp_path / "x.zip")
    assert caught.value.reason == "pip_failed"
    assert re.search(r"(?i)hash|structlog", str(caught.value))
    assert not list(tmp_path.glob("x.zip*"))


def test_ensure_builds_once(tmp_path: Path, layer_zip: Path) -> None:
    """With the same sources the zip that is there is taken."""
    shutil.copy(layer_zip, tmp_path)
    stamp = (tmp_path / layer_zip.name).stat().st_mtime_ns
    assert build.ensure(tmp_path).stat().st_mtime_ns == stamp


def test_the_entry_module_parses_on_older_pythons() -> None:
    """What Lambda imports first uses no syntax newer than Python 3.8."""
    import ast

    import observe

    folder = Path(observe.__file__).parent
    for name in ("__init__.py", "entry.py"):
        ast.parse((folder / name).read_text(encoding="utf-8"), feature_version=(3, 8))
    assert compileall.compile_file(folder / "entry.py", quiet=1)
