"""What can be broken in a running demo, each by what breaks it in real estates; nothing is simulated.

A fault is a context manager over a Session: broken inside the block, repaired at its end.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from console.demo.session import OFFLINE, Session, bring_back

#: How long the nightly job holds the table: longer than the function's own timeout.
HOLD_S = 3.0


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to break the demo. what: what is done to it. look: what to look for in what is shown."""

    name: str
    what: str
    look: str
    broken: Callable[[Session], AbstractContextManager[None]]
    #: Whether logs are delivered while it is broken, too.
    delivers: bool = False


@contextmanager
def _legacy_slow(session: Session) -> Iterator[None]:
    with session.system.legacy.reorganising(HOLD_S):
        yield


@contextmanager
def _function_fails(session: Session) -> Iterator[None]:
    stack = session.system.stack
    before = dict(stack.function("submit-claim").config.environment)
    stack.redeploy("submit-claim", {**before, "QUEUE_URL": before["QUEUE_URL"] + "-v2"})
    try:
        yield
    finally:
        stack.redeploy("submit-claim", before)


@contextmanager
def _sink_down(session: Session) -> Iterator[None]:
    """The folder of the store's tables becomes a file: every write fails, as on a disk that is gone."""
    tables, aside = session.store / "tables", session.store / OFFLINE
    tables.rename(aside)
    tables.touch()
    try:
        yield
    finally:
        bring_back(session.store)


@contextmanager
def _layer_broken(session: Session) -> Iterator[None]:
    """A module of the layer is missing, and every function starts anew with what is left."""
    module = session.system.opt / "python" / "observe" / "handler.py"
    try:
        with _renamed(module, module.with_suffix(".gone")):
            _recycle(session)
            yield
    finally:
        _recycle(session)


@contextmanager
def _renamed(path: Path, aside: Path) -> Iterator[None]:
    _rename(path, aside)
    try:
        yield
    finally:
        _rename(aside, path)


def _rename(path: Path, target: Path) -> None:
    """Rename within a folder that is read-only, as the layer's is."""
    mode = stat.S_IMODE(path.parent.stat().st_mode)
    path.parent.chmod(mode | stat.S_IWUSR)
    try:
        path.rename(target)
    finally:
        path.parent.chmod(mode)


def _recycle(session: Session) -> None:
    for name in session.system.stack.functions:
        session.system.stack.recycle(name)


FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            "legacy-slow",
            f"the legacy system's nightly job reorganises table CLAIMS and locks it for {HOLD_S:g} s",
            "submit-claim is what times out; the verdict names the side that made it wait, and its log line",
            _legacy_slow,
        ),
        Fault(
            "function-fails",
            "submit-claim is deployed with the URL of a queue that does not exist",
            "the legacy side answered 201 each time: the verdict names the serverless side and the call",
            _function_fails,
        ),
        Fault(
            "sink-down",
            "the store's disk is gone: no write of the subscriber succeeds",
            "payloads fail, none is lost: they come again when the store is back, and the ledger balances",
            _sink_down,
            delivers=True,
        ),
        Fault(
            "layer-broken",
            "a file of the layer is missing, and every function starts anew",
            "every client is answered as before, and the layer said why it is off; the platform's lines and "
            "the legacy logs still tell the request",
            _layer_broken,
        ),
    )
}
