"""`observe demo`: the whole job once, on real input, told on the terminal.

Data goes to stdout, talk and progress to stderr; nothing needs a terminal.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from console.demo import report, scenario, session
from console.demo import serve as serving
from console.demo.session import DemoFailedError, Session
from lambda_layer import build

#: More clients than the legacy application has database connections.
CLIENTS = 6


@contextmanager
def started(store: Path, talk: Console, port: int = 0) -> Iterator[Session]:
    """Start the demo's system into an empty store; say on `talk` what runs.

    Raises DemoFailedError, NotStartedError, TemplateError, NotDeployedError, BuildError or StoreError.
    """
    with session.alone(store):
        session.fresh(store)
        with _started(store, talk, port) as running:
            yield running


@contextmanager
def _started(store: Path, talk: Console, port: int) -> Iterator[Session]:
    talk.print("Hybrid Observe demo: a claims system in the middle of its migration, on this machine.")
    _free(port)
    archive = _layer(talk)
    with session.running(archive, store, port) as running:
        functions = ", ".join(running.system.stack.functions)
        talk.print(
            f"Running: a legacy application, functions {functions} with the layer attached "
            f"({running.system.runtime}), SQS, SNS, EventBridge, Kinesis, S3 and CloudWatch Logs "
            "(moto), a front door.",
            highlight=False,
        )
        if running.system.runtime == "stand-in":
            talk.print(
                "Note: the real Lambda runtime client cannot be had on this machine; "
                "a stand-in takes its part."
            )
        yield running


def _free(port: int) -> None:
    """Better told now than when everything else has started."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise DemoFailedError(
                "port", f"port {port} of 127.0.0.1: {error.strerror}; give another"
            ) from error


def run(store: Path, out: Console, talk: Console, *, serve: bool = False, port: int = 0) -> None:
    """Run the demo into `store`; print what it found to `out`, what it does to `talk`.

    serve: go on until Ctrl-C. port: the front door's, 0 for a free one. Raises what `started` raises.
    """
    with started(store, talk, port) as running:
        whole(running, out, talk)
        if serve:
            _serve(running, talk)


def _serve(running: Session, talk: Console) -> None:
    try:
        serving.serve(running, talk, threading.Event())
    except KeyboardInterrupt:
        talk.print("Ended.")


def whole(running: Session, out: Console, talk: Console) -> None:
    """Drive the scenario, deliver its logs, and print the report."""
    name = _drive(running, talk)
    pending = running.subscription.pending()
    with _progress(talk, "Log payloads to the subscriber  ", pending) as done:
        total = running.deliver(done)
    total.plus(running.collect(running.system.reports, name))
    if total.failed:
        raise DemoFailedError(
            "payload_failed", f"the subscriber failed on {total.failed} payloads: {total.why}"
        )
    report.whole(running, out, name)


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


def _drive(running: Session, talk: Console) -> str:
    """Morning, noon, and the night's report, whose name is returned. Raises DemoFailedError."""
    morning, noon = scenario.morning(), scenario.noon()
    with _progress(talk, "Requests through the front door ", len(morning) + len(noon)) as done:
        answers = running.send(morning, done)
        answers += running.send(noon, done, CLIENTS)
    for answer in answers[: len(morning)]:
        if not answer.as_expected:
            raise DemoFailedError("unexpected_answer", str(answer))
    for answer in answers[len(morning) :]:
        if not answer.as_expected:
            talk.print(f"Note: {answer}", highlight=False)
    running.settle()
    name = running.system.nightly()
    talk.print(f"The night: the legacy system's report {name} is delivered to S3.", highlight=False)
    running.settle()
    return name
