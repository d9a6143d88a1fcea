"""`observe demo`: the whole job once, on real input, told on the terminal.

Data goes to stdout, talk and progress to stderr; nothing needs a terminal.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from console import trace
from console.demo import drive, subscribe, system
from console.errors import ConsoleError
from console.waterfall import render
from lambda_layer import build
from subscribers.store import Store

#: In a store that the demo made; only such a store is emptied for the next run.
MARK = "made-by-observe-demo"


class DemoFailedError(ConsoleError):
    """The demo did not do what it should have. `reason` is low-cardinality."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def run(store: Path, out: Console, talk: Console) -> None:
    """Run the demo into `store`; print what it found to `out`, what it does to `talk`.

    Raises DemoFailedError, NotStartedError, PayloadFailedError, BuildError or StoreError.
    """
    _fresh(store)
    talk.print("Hybrid Observe demo: a claims system in the middle of its migration, on this machine.")
    archive = _layer(talk)
    with system.running(archive) as running:
        talk.print(
            "Running: the legacy application, functions submit-claim and assess-claim with the layer "
            f"attached ({running.runtime}), an SQS queue and CloudWatch Logs (moto), a front door.",
            highlight=False,
        )
        if running.runtime == "stand-in":
            talk.print(
                "Note: the real Lambda runtime client cannot be had on this machine; "
                "a stand-in takes its part."
            )
        answers = _drive(running, talk)
        if not running.settle(len(answers)):  # each request makes one call to the legacy side
            raise DemoFailedError(
                "not_settled", "the queue was not empty, or the legacy side silent, in time"
            )
        lines = subscribe.ship_access_log(running)
        ledger = _deliver(running, store, talk)
    _report(store, answers, lines, ledger, out)


def _fresh(store: Path) -> None:
    """See to it that there is an empty folder; only what the demo alone has written is removed."""
    if store.is_dir() and any(store.iterdir()):
        if store.is_symlink() or not _is_own(store):
            message = f"{store} has data that the demo did not write: give another folder with --store"
            raise DemoFailedError("store_not_ours", message)
        shutil.rmtree(store)
    store.mkdir(parents=True, exist_ok=True)
    probe = store / "probe"
    probe.touch()  # better told now than when everything has run
    probe.unlink()


def _is_own(store: Path) -> bool:
    """Whether the store is as the demo left it: nobody has added to it since."""
    mark = store / MARK
    known = {MARK, "manifest.json", "tables", "dead_letters", "tmp", "lock"}
    return (
        mark.is_file()
        and {path.name for path in store.iterdir()} <= known
        and mark.read_text(encoding="utf-8") == _state(store)
    )


def _state(store: Path) -> str:
    return hashlib.sha256((store / "manifest.json").read_bytes()).hexdigest()


def _layer(talk: Console) -> Path:
    with talk.status("building the layer") if talk.is_terminal else _quiet():
        archive = build.ensure(_build_folder())
    talk.print(f"Layer: {archive.name}, {archive.stat().st_size / 1e6:.1f} MB", highlight=False)
    return archive


def _build_folder() -> Path:
    """build/ of a checkout; where there is none, a cache folder of the user's."""
    root = Path(build.__file__).parents[1]
    return root / "build" if (root / "pyproject.toml").exists() else Path.home() / ".cache" / "hybrid-observe"


@contextmanager
def _quiet() -> Iterator[None]:
    yield


@contextmanager
def _progress(talk: Console, what: str, total: int) -> Iterator[Callable[..., None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=talk) as progress:
        task = progress.add_task(what, total=total)
        yield lambda *_: progress.advance(task)


def _drive(running: system.System, talk: Console) -> list[drive.Answer]:
    wanted = drive.requests()
    with _progress(talk, "Requests through the front door ", len(wanted)) as done:
        answers = drive.drive(running.url, wanted, done)
    for answer in answers:
        if not answer.as_expected:
            request = answer.request
            asked = f"{request.method} {request.path} ({request.what})"
            message = f"{asked}: {answer.status}, expected {request.expected}"
            raise DemoFailedError("unexpected_answer", message)
    return answers


def _deliver(running: system.System, store: Path, talk: Console) -> dict[str, Any]:
    wanted = subscribe.payloads(running)
    with _progress(talk, "Log payloads to the subscriber  ", len(wanted)) as advance:

        def done() -> None:
            (store / MARK).write_text(_state(store), encoding="utf-8")
            advance()

        return subscribe.deliver(running, store, wanted, done)


def _report(
    store: Path, answers: list[drive.Answer], lines: int, ledger: dict[str, Any], out: Console
) -> None:
    opened = Store(store)
    out.print()
    out.print("Requests by side", style="bold")
    trace.render_summary(trace.summary(opened), out)
    out.print()
    dropped = ", ".join(f"{count} {reason}" for reason, count in ledger["dropped"].items()) or "0"
    settled = f"{ledger['delivered']} delivered, {ledger['stored']} dead letters, {dropped} dropped"
    out.print(
        f"{len(answers)} requests sent. Log events received: {ledger['received']}, {lines} of them from the "
        f"legacy access log; {settled}.",
        highlight=False,
    )
    out.print()
    out.print(f"One request, both sides: {drive.BOTH}", style="bold", highlight=False)
    found = trace.find(opened, drive.BOTH)
    if len(found) != 1:
        raise DemoFailedError("no_story", f"{drive.BOTH} has {len(found)} stories, expected one")
    render(found[0], out)
    out.print()
    option = "" if store == Path(".observe") else f" --store {store}"
    out.print("Next, ask yourself why these two failed, and on which side:", style="bold")
    for number in (drive.FAILED, drive.SLOW):
        out.print(f"  {_command()} trace {number}{option}", highlight=False, soft_wrap=True)


def _command() -> str:
    """The command as it can be typed here: `observe` only where the shell finds it."""
    if shutil.which("observe"):
        return "observe"
    called = Path(sys.argv[0])
    if called.name != "observe":
        return f"{Path(sys.executable).name} -m console"
    return os.path.relpath(called) if called.is_relative_to(Path.cwd()) else str(called)
