"""Chaos: events through faults of every kind into every sink, and what became of each of them.

    python bench/chaos.py [--events 1000000] [--seed 1] [--sink NAME] [--json FILE]

A stream of Kinesis brings them to the deployed handler in a process of its own, which is killed at random
moments; what it did not settle comes again, maybe cut in two. Strict backends fail as networks and real ones
do; now and then nothing can be kept either. Then the faults end, what waits in the retry queue is redriven,
and every event is looked for: in the backend, or among what is kept. A sink that accepted nothing fails the
run, too, and so does one of which something still waits to be tried again.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from tests.chaos.run import Result, run
from tests.chaos.targets import TARGETS

#: Records of one invocation: 50 events each.
_BATCH_RECORDS = 20
_LEGEND = """\
accepted: distinct events that the backend has; redelivered: items that the redrive at the end delivered;
repeated: events that came to the backend more than once, under their own IDs; of sinks with * no ID makes
a repeat harmless, so theirs come only from the stream, which brings a batch again after a kill or where
nothing could be kept; failures, cuts: invocations that failed, batches cut in two; kept, by reason:"""


def _run(n: int, events: int, seed: int) -> Result:
    return run(TARGETS[n], events, seed + n, batch_records=_BATCH_RECORDS)


def _is_repeatable(result: Result) -> bool:
    return next(target.is_repeatable for target in TARGETS if target.name == result.name)


def _table(results: list[Result]) -> Table:
    table = Table(title="Every event: taken by the backend, or kept with a reason", show_footer=True)

    def total(name: str) -> str:
        return f"{sum(getattr(result, name) for result in results):,}"

    table.add_column("sink", "all", no_wrap=True)
    for name in ("events", "accepted", "redelivered", "stored", "unaccounted", "repeated"):
        table.add_column(name, total(name), justify="right", no_wrap=True)
    faults = sum(sum(result.faults.values()) for result in results)
    table.add_column("faults", f"{faults:,} of {total('requests')}", justify="right", no_wrap=True)
    for name in ("kills", "failures", "cuts"):
        table.add_column(name, total(name), justify="right", no_wrap=True)
    table.add_column("s", f"{sum(result.seconds for result in results):,.0f}", justify="right", no_wrap=True)
    for result in results:
        table.add_row(
            result.name if _is_repeatable(result) else f"{result.name} *",
            *(
                f"{getattr(result, name):,}"
                for name in ("events", "accepted", "redelivered", "stored", "unaccounted", "repeated")
            ),
            f"{sum(result.faults.values()):,} of {result.requests:,}",
            f"{result.kills}",
            f"{result.failures}",
            f"{result.cuts}",
            f"{result.seconds:.0f}",
        )
    return table


def main() -> None:
    """Run and print one table; the exit code is 1, with a sentence each, where something must not be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=1_000_000, help="of all sinks together")
    parser.add_argument("--seed", type=int, default=1, help="the same seed has the same faults")
    parser.add_argument("--sink", help="only sinks whose names begin so")
    parser.add_argument("--json", type=Path, help="write the rows to this file, too")
    arguments = parser.parse_args()
    wanted = [n for n, target in enumerate(TARGETS) if target.name.startswith(arguments.sink or "")]
    if not wanted:
        parser.error(f"no sink begins so; there are: {', '.join(target.name for target in TARGETS)}")
    events = -(-arguments.events // len(wanted))
    with ProcessPoolExecutor(2) as pool:
        runs = [pool.submit(_run, n, events, arguments.seed) for n in wanted]
        results = []
        for one in runs:
            results.append(one.result())
            print(f"{results[-1].name}: {results[-1].seconds:.0f} s", file=sys.stderr)
    Console(width=150).print(_table(results))
    print(_LEGEND)
    for result in results:
        if result.reasons:
            reasons = ", ".join(f"{reason} {n:,}" for reason, n in sorted(result.reasons.items()))
            print(f"  {result.name}: {reasons}")
    if arguments.json:
        rows = [result._asdict() for result in results]
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    if problems := [problem for result in results for problem in result.problems]:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
