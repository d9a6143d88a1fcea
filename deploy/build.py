"""The contents of the layer and of the functions, for `sam build`: python -m deploy.build PART FOLDER.

    layer       the layer's zip, unpacked: lambda_layer.build makes it
    function    subscribers/ and observe/, the packages of requirements/subscribers.txt for Python 3.13 on
                arm64, the YAML files of deploy/, bytecode where a Python 3.13 is found

boto3 is the runtime's. Not packed is DuckDB, which only the embedded store needs.
Exit codes: 0, 1 with a sentence. https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/building-custom-runtimes.html
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from lambda_layer import build as layers

ROOT = Path(__file__).resolve().parents[1]
#: Of template.yaml's Runtime and Architectures: tests/test_template.py holds them together.
PYTHON, MACHINE = "3.13", "aarch64"
#: What Amazon Linux 2023 (glibc 2.34) takes, the newest first.
PLATFORMS = tuple(f"manylinux{tag}_{MACHINE}" for tag in ("_2_34", "_2_28", "_2_17", "2014"))
#: Lambda's limit of a function with its layers, unzipped.
#: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
UNZIPPED_MAX_BYTES = 250 * 1024 * 1024
LOCK = ROOT / "requirements" / "subscribers.txt"
PACKAGES = ("observe", "subscribers")
_CODE = (".py", ".json", ".typed")


def layer(folder: Path) -> None:
    """Unpack a layer built from the present sources into `folder`. Raises BuildError."""
    with zipfile.ZipFile(layers.ensure(ROOT / "build")) as archive:
        for info in archive.infolist():
            path = Path(archive.extract(info, folder))
            path.chmod((info.external_attr >> 16) & 0o777)


def function(folder: Path, config: Path = ROOT / "deploy") -> None:
    """Put all that a function needs into `folder`. config: where its observe.yaml is. Raises BuildError."""
    check(config / "observe.yaml")
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*"):
            if path.suffix in _CODE:
                _copy(path, folder / path.relative_to(ROOT))
    for path in (*config.rglob("*.yaml"), *config.rglob("*.yml")):
        _copy(path, folder / path.relative_to(config))
    _install(folder)
    _compile(folder)
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    if size > UNZIPPED_MAX_BYTES:
        raise layers.BuildError("too_large", f"{size:,} bytes unzipped; Lambda takes {UNZIPPED_MAX_BYTES:,}")


def check(path: Path) -> None:
    """Check observe.yaml where this Python has what that needs, else say so. Raises BuildError."""
    try:
        from subscribers.config import load
        from subscribers.config_problems import ConfigError
    except ImportError as error:
        print(f"{path} was not checked: {error}; try `make demo` first", file=sys.stderr)
        return
    try:
        load(path)
    except ConfigError as error:
        raise layers.BuildError("bad_config", str(error)) from error


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _install(folder: Path) -> None:
    """Wheels for Lambda's processor, whatever this machine's is, each checked against its locked hash."""
    _run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-compile", "--require-hashes", "--only-binary=:all:"),
            *("--implementation", "cp", "--python-version", PYTHON),
            *(f"--platform={platform}" for platform in PLATFORMS),
            *("--target", str(folder), "--requirement", str(LOCK)),
        ],
        "pip_failed",
    )
    shutil.rmtree(folder / "bin", ignore_errors=True)


def _compile(folder: Path) -> None:
    """/var/task is read-only: bytecode that is not there is made anew at every cold start."""
    interpreter = layers.interpreter(PYTHON)
    if not interpreter:
        print(f"no Python {PYTHON} found: the function compiles itself at every cold start", file=sys.stderr)
        return
    command = (interpreter, "-I", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash")
    _run([*command, "-s", str(folder), "-p", "/var/task", str(folder)], "compile_failed")


def _run(command: list[str], reason: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise layers.BuildError(reason, tail)


#: By what deploy/Makefile asks for.
PARTS = {"layer": layer, "function": function}


def main(arguments: list[str]) -> int:
    """Build one part into a folder, and return the exit code."""
    try:
        part, folder = arguments
        make = PARTS[part]
    except (ValueError, KeyError):
        print(f"usage: python -m deploy.build {{{','.join(PARTS)}}} FOLDER", file=sys.stderr)
        return 2
    try:
        make(Path(folder))
    except layers.BuildError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
