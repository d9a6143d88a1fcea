"""What the layer imports at a cold start, module by module: `observe layer profile`.

The function is started as Lambda starts it, with `python -X importtime`, once with the layer at work and once
with it switched off but in reach, several times each; of each module the least time counts. The function sees
its own folder, the layer and what Lambda's Python runtime itself has, and nothing else of this machine.

The layer's are the modules that are not there without it, `observe` itself, and what `observe` is the first
to import. So one that the function needs as well counts to whoever comes first.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.table import Table

from console.errors import ConsoleError
from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from lambda_layer import build


class NotProfiledError(ConsoleError):
    """The function whose imports are asked for does not start."""

    reason = "not_profiled"


#: `import time: self [us] | cumulative | imported package`, nested by two spaces a level.
_LINE = re.compile(r"import time: +(\d+) \| +(\d+) \| ( *)(\S+)\s*$")


@dataclass(frozen=True, slots=True)
class Imported:
    """One module: its own time and that with what it imports, µs; by: the module that imports it first."""

    name: str
    self_us: int
    cumulative_us: int
    by: str


def parse(lines: Iterable[str]) -> dict[str, Imported]:
    """Return the modules of `python -X importtime` by name, in the order in which they were loaded."""
    found: dict[str, Imported] = {}
    waiting: list[tuple[int, str]] = []  # a module comes after what it imports
    for line in lines:
        match = _LINE.match(line)
        if match is None:
            continue
        depth, name = len(match[3]) // 2, match[4]
        for below in [below for at, below in waiting if at == depth + 1]:
            module = found[below]
            found[below] = Imported(below, module.self_us, module.cumulative_us, name)
        waiting = [(at, below) for at, below in waiting if at <= depth]
        found.setdefault(name, Imported(name, int(match[1]), int(match[2]), ""))
        waiting.append((depth, name))
    return found


def layers(attached: Mapping[str, Imported], off: Mapping[str, Imported]) -> list[Imported]:
    """Return of the modules of a start with the layer those that are the layer's, the dearest first.

    off: those of a start with the layer switched off, and in reach for a function that imports it itself.
    """
    own = {name for name in off if not _by_observe(name, off)}
    return sorted(
        (module for name, module in attached.items() if name not in own), key=lambda module: -module.self_us
    )


def _by_observe(name: str, modules: Mapping[str, Imported]) -> bool:
    """Whether a module is `observe`, or imported by it, or by what it imports."""
    seen: set[str] = set()  # a function that takes modules out of sys.modules can make a circle
    while name and name not in seen:
        if name.partition(".")[0] == "observe":
            return True
        seen.add(name)
        name = modules[name].by
    return False


def profile(opt: Path, task: Path, handler: str, environment: Mapping[str, str], runs: int) -> list[Imported]:
    """Return the modules that are loaded because of the layer, the dearest first.

    opt: the unpacked layer; task, handler: the function. Raises NotProfiledError where it does not start.
    """
    variables = {
        **environment,
        "AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec",
        "PYTHONPROFILEIMPORTTIME": "1",
    }
    off = {**variables, "OBSERVE_DISABLED": "1"}
    if "PYTHONPATH" in off:  # then Lambda does not add /opt/python by itself
        off["PYTHONPATH"] += ":/opt/python"
    with tempfile.TemporaryDirectory(prefix="observe-site-") as site:
        attached = _least(runs, task, handler, opt=opt, isolated_site=site, environment=variables)
        # Its libraries come last, where the layer at work appends them itself.
        bare = _least(runs, task, handler, opt=opt, isolated_site=opt / "observe-lib", environment=off)
    return layers(attached, bare)


def _least(runs: int, task: Path, handler: str, **options: Any) -> dict[str, Imported]:
    least: dict[str, Imported] = {}
    for _ in range(runs):
        for name, module in _started(task, handler, **options).items():
            if name not in least or module.self_us < least[name].self_us:
                least[name] = module
    return least


def _started(task: Path, handler: str, **options: Any) -> dict[str, Imported]:
    log = MemoryLogWriter()
    with LocalFunction(
        "profiled", handler, task, timeout_s=30, memory_mb=1024, log=log, **options
    ) as function:
        result = function.invoke({})
    if result.init_ms is None or (result.error_type or "").startswith("Runtime."):
        raise NotProfiledError(f"the function does not start: {result.payload.decode()[:500]}")
    return parse(log.messages())


def of(task: Path | None, handler: str, environment: Mapping[str, str], runs: int) -> list[Imported]:
    """Profile the layer as it is built from the present sources. task: None for a handler without imports."""
    with tempfile.TemporaryDirectory(prefix="observe-profile-") as name:
        folder = Path(name)
        opt = folder / "opt"
        build.unpack(build.ensure(folder), opt)
        try:
            if task is None:
                task, handler = _empty(folder), "app.handler"
            return profile(opt, task, handler, environment, runs)
        finally:
            build.remove(opt)


def _empty(folder: Path) -> Path:
    """A function that imports nothing."""
    task = folder / "empty"
    task.mkdir(exist_ok=True)
    (task / "app.py").write_text("def handler(event, context):\n    return None\n")
    return task


def fields(module: Imported) -> dict[str, Any]:
    """Return a module as JSON fields."""
    return {
        "module": module.name,
        "self_us": module.self_us,
        "cumulative_us": module.cumulative_us,
        "imported_by": module.by,
    }


def table(modules: list[Imported], top: int) -> Table:
    """Return the dearest modules as a table, with the sum of all."""
    total = sum(module.self_us for module in modules)
    made = Table(title=f"{len(modules)} modules because of the layer, {total / 1000:.1f} ms")
    for name in ("module", "self us", "with its imports us", "imported by"):
        made.add_column(name, justify="right" if name.endswith("us") else "left")
    for module in modules[:top]:
        made.add_row(module.name, str(module.self_us), str(module.cumulative_us), module.by)
    if len(modules) > top:
        rest = sum(module.self_us for module in modules[top:])
        made.add_row(f"... {len(modules) - top} more", str(rest), "", "")
    return made
