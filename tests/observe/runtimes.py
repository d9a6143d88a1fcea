"""What tests run the layer under: other Pythons with Lambda's runtime client, and AWS's emulator.

Each is installed once, from a lock with hashes, into a folder under build/ that is named after the lock.
"""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from lambda_layer import build
from tests.conftest import ROOT

OWN = f"{sys.version_info.major}.{sys.version_info.minor}"
_MACHINES = {"x86_64": "x86_64", "aarch64": "arm64"}


def find(version: str) -> Path:
    """Return the interpreter of this version: on the path or of pyenv. Skips where there is none."""
    if executable := build.interpreter(version):
        return Path(executable)
    pytest.skip(f"no Python {version} on this machine")


def runtime_site(version: str, python: Path) -> Path:
    """Return a folder with awslambdaric and httpx for that interpreter. Skips where pip cannot fill it."""
    command = ["--python", str(python), "install", "--only-binary=:all:", "--target"]
    return _cached("runtimes", f"runtime-{version}", command)


def emulator() -> Path:
    """Return AWS's runtime interface emulator for this machine, out of the wheel of aws-sam-cli.

    Skips where there is none, or where pip cannot fetch it.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        pytest.skip(f"aws-sam-cli has no emulator for {sys.platform} on {platform.machine()}")
    folder = _cached("emulator", "emulator", ["download", "--dest"])
    program = folder / f"aws-lambda-rie-{machine}"
    if not program.exists():
        (wheel,) = folder.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory(dir=folder) as temporary:
            found = Path(archive.extract(f"samcli/local/rapid/{program.name}", temporary))
            found.chmod(0o755)
            found.replace(program)
    return program


def _cached(lock: str, name: str, command: list[str]) -> Path:
    """A folder that pip fills by `command`, whose last word asks for it; another run may do so, too."""
    requirements = ROOT / "requirements" / f"{lock}.txt"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = ROOT / "build" / f"{name}-{digest}"
    if folder.exists():
        return folder
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{name}-") as temporary:
        filled = Path(temporary) / "filled"
        pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *command, str(filled)]
        locked = ["--require-hashes", "--no-deps", "--requirement", str(requirements)]
        done = subprocess.run([*pip, *locked], capture_output=True, text=True, check=False)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()[-1:]
            pytest.skip(f"pip could not install {requirements.name}: {''.join(said)}")
        try:
            filled.rename(folder)
        except OSError:  # another run was first
            if not folder.exists():
                raise
    return folder
