"""What the layer costs, beside the bare handler and its peers, in one run.

    python bench/layer.py [--cold 20] [--warm 500] [--json FILE]

As Lambda runs it: the real runtime client in a process of its own, the built zip unpacked to a
read-only folder, no bytecode written, the variants taken in turn so that a slow moment of the machine
hits them all. Cold: from the start of the process to its first request for work. First reply: with the
invocation after it, in which what is loaded on first use is loaded. Warm: from the event handed over to
the result posted, by a server that does nothing else (bench/warm.py), in blocks, for on Lambda a function
has its processor's caches to itself. Bytes: what a warm invocation writes to stdout and stderr. What is
compared: bench/variants.py.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from variants import VARIANTS, Variant
from warm import WarmProcess

from console.local.cloudwatch import MemoryLogWriter
from console.local.function import LocalFunction
from lambda_layer import build

#: Invocations of one variant in a row.
_BLOCK = 50
EVENT = {
    "version": "2.0",
    "routeKey": "POST /claims",
    "rawPath": "/claims",
    "rawQueryString": "",
    "headers": {"x-correlation-id": "CLM-889123", "content-type": "application/json"},
    "requestContext": {
        "accountId": "123456789012",
        "apiId": "a1b2c3d4e5",
        "domainName": "a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com",
        "http": {
            "method": "POST",
            "path": "/claims",
            "protocol": "HTTP/1.1",
            "sourceIp": "192.0.2.1",
            "userAgent": "curl/8.4.0",
        },
        "requestId": "JKJaXmPLvHcESHA=",
        "routeKey": "POST /claims",
        "stage": "$default",
        "timeEpoch": 1583348638390,
    },
    "body": "{}",
    "isBase64Encoded": False,
}


class Runner:
    """One variant: new processes for cold starts, one process for warm invocations."""

    def __init__(self, variant: Variant, task: Path, opt: Path) -> None:
        task.mkdir()
        for name, source in {"app.py": variant.source, **variant.files}.items():
            (task / name).write_text(textwrap.dedent(source))
        self.variant, self._task, self._opt = variant, task, opt
        self._site = task.with_name(f"{task.name}-site")
        variant.site.fill(self._site)
        self.cold_ms: list[float] = []
        self.first_ms: list[float] = []
        self.warm_us: list[float] = []
        self.bytes: list[int] = []

    def _function(self, log: MemoryLogWriter) -> LocalFunction:
        layer = self.variant.layer
        return LocalFunction(
            "submit-claim",
            self.variant.handler,
            self._task,
            opt=self._opt if layer else None,
            isolated_site=self._site,
            environment={
                **({"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"} if layer else {}),
                **self.variant.environment,
            },
            timeout_s=30,
            memory_mb=512,
            log=log,
        )

    def cold(self) -> None:
        """Start a process, let it serve once."""
        with self._function(MemoryLogWriter()) as function:
            result = function.invoke(EVENT)
        if result.status != "success" or result.init_ms is None:
            raise SystemExit(f"{self.variant.name}: {result.payload.decode()}")
        self.cold_ms.append(result.init_ms)
        self.first_ms.append(result.init_ms + result.duration_ms)

    def warm(self, rounds: int) -> Iterator[None]:
        """Serve in a process that is warm; yields after each block, so that variants take turns."""
        payload = json.dumps(EVENT).encode()
        output = self._site.with_suffix(".out")
        with self._function(MemoryLogWriter()) as function, WarmProcess(function.config, output) as process:
            for _ in range(100):
                process.invoke(payload)
            while len(self.warm_us) < rounds:
                for _ in range(10):  # fill the caches again
                    process.invoke(payload)
                before = process.settled()
                self.warm_us += [process.invoke(payload) for _ in range(_BLOCK)]
                self.bytes.append((process.settled() - before) // _BLOCK)
                yield


def _measure(runners: list[Runner], cold: int, warm: int, console: Console) -> None:
    with console.status("cold starts") as status:
        for number in range(cold + 1):
            status.update(f"cold starts, round {number} of {cold}")
            for runner in runners:
                runner.cold()
        for runner in runners:
            del runner.cold_ms[0], runner.first_ms[0]  # the first round fills the file cache
        status.update(f"warm invocations, {warm} rounds")
        rounds = [runner.warm(warm) for runner in runners]
        while all([next(each, 0) is None for each in rounds]):  # noqa: C419  # every variant, every block
            pass


def _rows(runners: list[Runner]) -> list[dict[str, Any]]:
    medians = {
        runner.variant.name: {
            "cold_ms": statistics.median(runner.cold_ms),
            "first_ms": statistics.median(runner.first_ms),
            "warm_us": statistics.median(runner.warm_us),
            "stdout_bytes": statistics.median(runner.bytes),
        }
        for runner in runners
    }
    return [
        {
            "variant": variant.name,
            **medians[variant.name],
            **{
                f"{name}_added": value - medians[variant.base][name]
                for name, value in medians[variant.name].items()
                if variant.name != variant.base
            },
            "budget": dict(variant.budget),
        }
        for variant in (runner.variant for runner in runners)
    ]


def _table(rows: list[dict[str, Any]], cold: int, warm: int) -> Table:
    title = f"Medians of {cold} cold starts and {warm} warm invocations; what is added; budgets in brackets"
    table = Table(title=title)
    for name in ("", "cold ms", "first reply ms", "warm us", "bytes"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for row in rows:
        figures = (("cold_ms", ".1f"), ("first_ms", ".1f"), ("warm_us", ".0f"), ("stdout_bytes", ".0f"))
        table.add_row(row["variant"], *(_cell(row, name, form) for name, form in figures))
    return table


def _cell(row: dict[str, Any], name: str, form: str) -> str:
    """A figure, what of it is added, and the budget of that with a mark where it is missed."""
    parts = [f"{row[name]:{form}}"]
    added, budget = row.get(f"{name}_added"), row["budget"].get(name)
    if added is not None and added != row[name]:
        parts.append(f"{added:+{form}}")
    if budget is not None:
        parts.append(f"\\[{budget:g}]" + (" over" if added > budget else ""))
    return " ".join(parts)


def _size(archive: Path) -> str:
    """The zip's size, and whose bytecode is in it: it grows with each interpreter that the machine has."""
    size = f"{archive.stat().st_size / 1e6:.2f} MB (budget {build.ZIP_MAX_BYTES / 1e6:g} MB)"
    found = [version for version in build.VERSIONS if build.interpreter(version)]
    missing = [version for version in build.VERSIONS if version not in found]
    absent = f"; no interpreter found for {', '.join(missing)}" if missing else ""
    return f"layer zip: {size}, bytecode for Python {', '.join(found)}{absent}"


def main() -> None:
    """Run the benchmark and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cold", type=int, default=20, help="cold starts of each variant")
    parser.add_argument("--warm", type=int, default=1000, help="warm invocations of each variant")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    root = Path(__file__).parents[1]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="observe-bench-")))
        opt = folder / "opt"
        archive = build.ensure(root / "build")
        build.unpack(archive, opt)
        stack.callback(build.remove, opt)
        runners = [Runner(variant, folder / f"task{n}", opt) for n, variant in enumerate(VARIANTS)]
        _measure(runners, arguments.cold, arguments.warm, console)
    rows = _rows(runners)
    Console(width=120 if not os.isatty(1) else None).print(_table(rows, arguments.cold, arguments.warm))
    print(_size(archive))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
