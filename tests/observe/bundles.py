"""What a function bundles, for tests that run it under the real runtime."""

from __future__ import annotations

import importlib.util
from pathlib import Path

HTTPX = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna")


def bundle(folder: Path, *packages: str) -> Path:
    """Put packages of the virtual environment into a folder, beside what is in it, and return it."""
    folder.mkdir(exist_ok=True)
    for name in packages:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        (folder / source.name).symlink_to(source)
    return folder
