"""Other layers beside ours, made of the real packages, in the one folder that Lambda unpacks them to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import ROOT

_PACKAGES = ROOT / "build" / "coexist"

#: For tests that need what the Makefile installs there.
needs_layers = pytest.mark.skipif(
    not (_PACKAGES / ".layers").exists(),
    reason="requirements/coexist.txt is not installed: make build/coexist/.layers",
)
needs_old = pytest.mark.skipif(
    not (_PACKAGES / ".old").exists(),
    reason="requirements/coexist-old.txt is not installed: make build/coexist/.old",
)

_HTTP = ("requests", "urllib3", "certifi", "charset_normalizer", "idna")
POWERTOOLS = ("aws_lambda_powertools", "aws_xray_sdk", "jmespath", "typing_extensions.py", "wrapt")
DATADOG = (
    *(
        "datadog_lambda",
        "ddtrace",
        "_ddtrace_internal",
        "datadog",
        "bytecode",
        "envier",
        "wrapt",
        "ujson*.so",
    ),
    *("opentelemetry", "typing_extensions.py", *_HTTP),
)
ELASTIC = ("elasticapm", "ecs_logging", "wrapt", *_HTTP)
NEW_RELIC = ("newrelic", *_HTTP)
OPENTELEMETRY = ("opentelemetry*", "wrapt", "packaging", "typing_extensions.py", *_HTTP)
SENTRY = ("sentry_sdk", *_HTTP)


def overlay(
    opt: Path,
    folder: Path,
    packages: Sequence[str] = (),
    *,
    files: Mapping[str, str] | None = None,
    under: str = "python",
    old: bool = False,
) -> Path:
    """Make `folder` what /opt is with our layer and another one; return it.

    packages: names in site-packages, `*` as in a shell, of another layer, which has them in its folder
    `under`. files: further files of that layer, by their path in /opt; those in its root can be executed.
    """
    (folder / "python").mkdir(parents=True)
    (folder / under).mkdir(parents=True, exist_ok=True)
    for name in ("observe-exec", "observe-lib", "python/observe"):
        (folder / name).symlink_to(opt / name)
    bundle(folder / under, *packages, old=old)
    for name, text in (files or {}).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
    return folder


def bundle(folder: Path, *packages: str, old: bool = False) -> None:
    """Put packages into a folder of the function's, or of a layer's; old: those of coexist-old.txt."""
    source = _PACKAGES / ("old" if old else "layers")
    for pattern in packages:
        for name in (pattern, f"{pattern.removesuffix('.py')}-*.dist-info"):
            for path in source.glob(name):
                target = folder / path.name
                if not target.exists():
                    target.symlink_to(path)
