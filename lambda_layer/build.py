"""Build the layer's zip: the same inputs give the same bytes.

    /opt/python/observe/     nothing but our own package, so that no other layer's file is overwritten
    /opt/observe-lib/        its dependencies, which `observe.entry` appends last to sys.path
    /opt/observe-exec        the exec wrapper

One zip serves x86_64 and arm64 (pure Python throughout) and Python 3.11 to 3.14: bytecode is shipped
for every interpreter that is found, as unchecked hash-based .pyc, which survive a zip's time stamps.
/opt is read-only in Lambda, so bytecode that is not shipped is compiled again at every cold start. It is
without docstrings, assertions and the columns of tracebacks: a quarter of the zip that nobody reads there.

    BuildError      pip failed, an interpreter is missing in a release build, the zip is too large
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import observe

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
#: Our budget; Lambda's own limit is 50 MB zipped, 250 MB unzipped with all layers.
ZIP_MAX_BYTES = 6_000_000
#: The earliest time a zip can hold; a real one would change the bytes with every build.
_TIME = (1980, 1, 1, 0, 0, 0)
_SOURCE = Path(observe.__file__).parent
_HERE = Path(__file__).parent
#: What pip writes that differs from run to run or serves nobody in a layer; and sources in C.
_UNWANTED = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "WHEEL")
_UNREAD = (".c", ".h", ".pyi")
_STRIPPED = ".opt-2.pyc"


class BuildError(Exception):
    """The layer cannot be built; the message says what to do. `reason` is low-cardinality."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Built:
    """What was built. sha256: hex digest of the zip. compiled, missing: Python versions."""

    path: Path
    size_bytes: int
    sha256: str
    compiled: tuple[str, ...]
    missing: tuple[str, ...]


def build(out: Path, *, release: bool = False) -> Built:
    """Build the layer's zip at `out`; with `release`, fail where an interpreter is missing."""
    found = dict(_interpreters())
    missing = tuple(version for version in VERSIONS if version not in found)
    if release and missing:
        raise BuildError(
            "interpreter_missing",
            f"a release build compiles for {', '.join(VERSIONS)}; not found: {', '.join(missing)}",
        )
    if out.exists() and not out.is_file():
        raise BuildError("not_a_file", f"{out} is there and is no regular file: it is not replaced")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="observe-layer-") as folder:
        stage = Path(folder) / "opt"
        _stage(stage)
        for interpreter in found.values():
            _compile(interpreter, stage)
        temporary = out.with_name(f"{out.name}.{os.getpid()}.tmp")  # others may be building it, too
        _zip(stage, temporary)
    size = temporary.stat().st_size
    if size > ZIP_MAX_BYTES:
        temporary.unlink()
        raise BuildError("too_large", f"the zip is {size:,} bytes; the budget is {ZIP_MAX_BYTES:,}")
    temporary.replace(out)
    digest = hashlib.sha256(out.read_bytes()).hexdigest()
    return Built(out, size, digest, tuple(found), missing)


def ensure(folder: Path) -> Path:
    """Return a zip built from the present sources, building it in `folder` only when they changed."""
    digest = hashlib.sha256()
    for path in (*sorted(_sources()), _HERE / "observe-exec", Path(__file__), requirements()):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    digest.update(repr(sorted(_interpreters())).encode())
    out = folder / f"observe-layer-{digest.hexdigest()[:16]}.zip"
    if not out.exists():
        build(out)
    return out


def unpack(archive: Path, opt: Path) -> None:
    """Unpack the zip into `opt` as Lambda does into /opt: modes kept, nothing writable."""
    with zipfile.ZipFile(archive) as source:
        for info in source.infolist():
            target = opt / info.filename
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(source.read(info))
            target.chmod((info.external_attr >> 16) & 0o555)
    for directory in sorted((path for path in opt.rglob("*") if path.is_dir()), reverse=True):
        directory.chmod(0o555)


def remove(opt: Path) -> None:
    """Remove a folder that `unpack` made."""
    for path in opt.rglob("*"):
        if path.is_dir():
            path.chmod(0o755)
    shutil.rmtree(opt, ignore_errors=True)


def requirements() -> Path:
    """Return the locked dependencies: beside this file in a wheel, in requirements/ in a checkout."""
    for path in (_HERE / "requirements.txt", _HERE.parent / "requirements" / "layer.txt"):
        if path.exists():
            return path
    raise BuildError("lock_missing", "requirements/layer.txt is missing: reinstall hybrid-observe")


def _sources() -> Iterator[Path]:
    return (path for path in _SOURCE.rglob("*") if path.suffix == ".py" or path.name == "py.typed")


def _stage(stage: Path) -> None:
    for path in _sources():
        target = stage / "python" / "observe" / path.relative_to(_SOURCE)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    shutil.copyfile(_HERE / "observe-exec", stage / "observe-exec")
    (stage / "observe-exec").chmod(0o755)
    library = stage / "observe-lib"
    _install(library)
    _trim(library)


def _install(library: Path) -> None:
    """Pure-Python wheels only, each checked against its locked hash."""
    wanted = ("--only-binary=:all:", "--platform", "any", "--implementation", "py", "--abi", "none")
    _run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-compile", "--require-hashes", *wanted),
            *("--target", str(library), "--requirement", str(requirements())),
        ],
        "pip_failed",
        "pip could not install the layer's dependencies",
    )


def _trim(library: Path) -> None:
    shutil.rmtree(library / "bin", ignore_errors=True)
    for path in list(library.rglob("*")):
        if path.suffix in _UNREAD or (path.name in _UNWANTED and path.parent.name.endswith(".dist-info")):
            path.unlink()
        elif path.suffix in (".so", ".pyd"):
            raise BuildError(
                "not_pure", f"{path.name} is native code: one zip could not serve both processors"
            )


def _interpreters() -> Iterator[tuple[str, str]]:
    """(version, executable) of every interpreter that is found and runs."""
    for version in VERSIONS:
        if executable := interpreter(version):
            yield version, executable


@functools.cache
def interpreter(version: str) -> str:
    """Return the executable of a Python ("3.12"), "" for none: this one, on the path, or of pyenv."""
    return next((executable for executable in _candidates(version) if _runs(executable, version)), "")


def _candidates(version: str) -> Iterator[str]:
    name = f"python{version}"
    if version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield sys.executable
    if found := shutil.which(name):
        yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from map(str, sorted(pyenv.glob(f"versions/{version}.*/bin/{name}"), reverse=True))


def _runs(executable: str, version: str) -> bool:
    """A version manager's shim may be on the path and lead nowhere."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run(
            [executable, "-I", "-c", code], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.stdout.strip() == version


def _compile(interpreter: str, stage: Path) -> None:
    """Bytecode whose file names are those that Lambda will see, in any hash order the same."""
    command = [interpreter, "-I", "-X", "no_debug_ranges", "-m", "compileall", "-q", "-f", "-o", "2"]
    command += ["--invalidation-mode", "unchecked-hash"]
    _run(
        [*command, "-s", str(stage), "-p", "/opt", str(stage / "python"), str(stage / "observe-lib")],
        "compile_failed",
        f"{interpreter} could not compile the layer",
        PYTHONHASHSEED="0",
    )
    for path in stage.rglob(f"*{_STRIPPED}"):  # under the name that Python looks for
        path.rename(path.with_name(path.name.removesuffix(_STRIPPED) + ".pyc"))


def _run(command: Sequence[str], reason: str, message: str, **environment: str) -> None:
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, **environment}
    )
    if done.returncode:
        tail = "\n".join((done.stdout + done.stderr).strip().splitlines()[-5:])
        raise BuildError(reason, f"{message}:\n{tail}")


def _zip(stage: Path, out: Path) -> None:
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(path for path in stage.rglob("*") if path.is_file()):
            info = zipfile.ZipInfo(path.relative_to(stage).as_posix(), _TIME)
            mode = 0o755 if path.stat().st_mode & stat.S_IXUSR and path.name == "observe-exec" else 0o644
            info.external_attr = (stat.S_IFREG | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, path.read_bytes(), compresslevel=9)
