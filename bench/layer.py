"""What the layer costs, beside the bare handler and Powertools, in one run.

    python bench/layer.py [--cold 20] [--warm 500] [--json FILE]

As Lambda runs it: the real runtime client in a process of its own, the built zip unpacked to a
read-only folder, no bytecode written, the variants taken in turn so that a slow moment of the machine
hits them all. Cold: from the start of the process to its first request for work. Warm: from the event
handed over to the result posted, by a server that does nothing else (bench/warm.py), in blocks, for on
Lambda a function has its processor's caches to itself.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import statistics
import sys
import tempfile
import textwrap
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
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
    "headers": {"x-correlation-id": "CLM-889123", "content-type": "application/json"},
    "requestContext": {"http": {"method": "POST", "path": "/claims"}, "requestId": "r"},
    "body": "{}",
}
BARE = "def handler(event, context):\n    return {'statusCode': 200}\n"
OURS = """
    import observe
    log, metrics = observe.log, observe.metrics
    def handler(event, context):
        log.info("claim accepted", claim="CLM-889123")
        metrics.increment("claims.submitted", tags={"product": "motor"})
        return {"statusCode": 200}
"""
POWERTOOLS = """
    from aws_lambda_powertools import Logger, Metrics
    from aws_lambda_powertools.metrics import MetricUnit
    logger, metrics = Logger(service="f"), Metrics(namespace="n", service="f")
    @metrics.log_metrics
    @logger.inject_lambda_context(correlation_id_path='headers."x-correlation-id"')
    def handler(event, context):
        logger.info("claim accepted", claim="CLM-889123")
        metrics.add_metric(name="ClaimsSubmitted", unit=MetricUnit.Count, value=1)
        return {"statusCode": 200}
"""
HTTPX = "import httpx\n" + BARE
POWERTOOLS_PACKAGES = ("aws_lambda_powertools", "jmespath", "typing_extensions")
HTTPX_PACKAGES = ("httpx", "httpcore", "h11", "anyio", "certifi", "idna", "typing_extensions")


@dataclass(frozen=True, slots=True)
class Variant:
    """name; the handler's source; whether our layer is attached; what its figures are compared with.

    packages: what the function bundles, beside what Lambda's runtime has.
    """

    name: str
    source: str
    layer: bool
    base: str
    packages: tuple[str, ...] = ()
    budget_cold_ms: float | None = None
    budget_warm_us: float | None = None
    budget_bytes: int | None = None


VARIANTS = (
    Variant("bare handler", BARE, False, "bare handler"),
    Variant("layer attached", BARE, True, "bare handler", budget_cold_ms=10),
    Variant("layer, log + metric + span", OURS, True, "bare handler", (), 22, 60, 900),
    Variant("Powertools, log + metric", POWERTOOLS, False, "bare handler", POWERTOOLS_PACKAGES),
    Variant("bare handler, httpx", HTTPX, False, "bare handler, httpx", HTTPX_PACKAGES),
    Variant("layer attached, httpx", HTTPX, True, "bare handler, httpx", HTTPX_PACKAGES, budget_cold_ms=25),
)


class Runner:
    """One variant: new processes for cold starts, one process for warm invocations."""

    def __init__(self, variant: Variant, task: Path, opt: Path) -> None:
        task.mkdir()
        (task / "app.py").write_text(textwrap.dedent(variant.source))
        self.variant, self._task, self._opt = variant, task, opt
        self._site = task.with_name(f"{task.name}-site")
        _fill(self._site, variant.packages)
        self.cold_ms: list[float] = []
        self.warm_us: list[float] = []
        self.bytes: list[int] = []

    def _function(self, log: MemoryLogWriter) -> LocalFunction:
        layer = self.variant.layer
        return LocalFunction(
            "submit-claim",
            "app.handler",
            self._task,
            opt=self._opt if layer else None,
            isolated_site=self._site,
            environment={"AWS_LAMBDA_EXEC_WRAPPER": "/opt/observe-exec"} if layer else {},
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
                before = process.written()
                self.warm_us += [process.invoke(payload) for _ in range(_BLOCK)]
                self.bytes.append((process.settled() - before) // _BLOCK)
                yield


def _fill(site: Path, packages: tuple[str, ...]) -> None:
    """A site-packages folder with these packages and no other."""
    site.mkdir()
    for name in packages:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise SystemExit(f"{name} is not installed: make bench installs it")
        origin = Path(spec.origin)
        source = origin.parent if spec.submodule_search_locations else origin
        (site / source.name).symlink_to(source)
        if source.is_file():  # its bytecode lies beside it, as pip left it
            (site / "__pycache__").mkdir(exist_ok=True)
            for cached in (source.parent / "__pycache__").glob(
                f"{source.stem}.{sys.implementation.cache_tag}.pyc"
            ):
                (site / "__pycache__" / cached.name).symlink_to(cached)


def _measure(runners: list[Runner], cold: int, warm: int, console: Console) -> None:
    with console.status("cold starts") as status:
        for number in range(cold + 1):
            status.update(f"cold starts, round {number} of {cold}")
            for runner in runners:
                runner.cold()
        for runner in runners:
            del runner.cold_ms[0]  # the first round fills the file cache
        status.update(f"warm invocations, {warm} rounds")
        rounds = [runner.warm(warm) for runner in runners]
        while all([next(each, 0) is None for each in rounds]):  # noqa: C419  # every variant, every block
            pass


def _rows(runners: list[Runner]) -> list[dict[str, Any]]:
    medians = {
        runner.variant.name: (statistics.median(runner.cold_ms), statistics.median(runner.warm_us))
        for runner in runners
    }
    rows = []
    for runner in runners:
        variant = runner.variant
        cold, warm = medians[variant.name]
        base_cold, base_warm = medians[variant.base]
        rows.append(
            {
                "variant": variant.name,
                "cold_ms": cold,
                "cold_added_ms": cold - base_cold,
                "cold_budget_ms": variant.budget_cold_ms,
                "warm_us": warm,
                "warm_added_us": warm - base_warm,
                "warm_budget_us": variant.budget_warm_us,
                "stdout_bytes": statistics.median(runner.bytes),
                "stdout_budget_bytes": variant.budget_bytes,
            }
        )
    return rows


def _table(rows: list[dict[str, Any]], cold: int, warm: int) -> Table:
    title = f"Medians of {cold} cold starts and {warm} warm invocations; budgets in brackets"
    table = Table(title=title)
    for name in ("", "cold ms", "added ms", "warm us", "added us", "stdout bytes"):
        table.add_column(name, justify="left" if not name else "right", no_wrap=True)
    for row in rows:
        own = row["variant"].startswith("bare")
        table.add_row(
            row["variant"],
            f"{row['cold_ms']:.1f}",
            ""
            if own
            else f"{row['cold_added_ms']:+.1f}{_budget(row['cold_budget_ms'], row['cold_added_ms'])}",
            f"{row['warm_us']:.0f}",
            ""
            if own
            else f"{row['warm_added_us']:+.0f}{_budget(row['warm_budget_us'], row['warm_added_us'])}",
            f"{row['stdout_bytes']:.0f}{_budget(row['stdout_budget_bytes'], row['stdout_bytes'])}",
        )
    return table


def _budget(budget: float | None, value: float) -> str:
    """The budget in brackets, with a mark where it is missed."""
    return "" if budget is None else f" \\[{budget:g}]" + (" over" if value > budget else "")


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
    print(f"layer zip: {archive.stat().st_size / 1e6:.2f} MB (budget 6 MB)")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
