"""A flow of claims for the tests: lines that start it, lines that end it, a night in which it is judged."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from subscribers.alerts.flows import FlowReport, Marker, judge_flow
from subscribers.alerts.model import Calendar, Finding, Flow, FlowPoint, Selector
from subscribers.alerts.samples import Samples
from subscribers.alerts.state import Entry
from subscribers.alerts.state_memory import MemoryState
from subscribers.config import Config
from subscribers.signals import Log, Origin

PARIS = "Europe/Paris"
START = FlowPoint(name="submit-claim", selector=Selector(signal="log", contains="accepted"), key="claim")
REPORT = FlowPoint(name="nightly report", selector=Selector(signal="log"), key="claim")
LEDGER = FlowPoint(name="ledger", selector=Selector(signal="log"), key="claim")
WITHIN = Flow(name="claims", start=START, ends=(REPORT,), within_s=900)
BY_NIGHT = Flow(name="claims", start=START, ends=(REPORT,), calendar=Calendar(210, PARIS, (0, 1, 2, 3, 4)))
MARKER = Marker(Config(keys={"claim": "CLM-[0-9]+"}), "a secret")


def paris(text: str) -> int:
    """Epoch seconds of `2026-03-27 23:00` in Paris."""
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(PARIS)).timestamp())


def line(claim: str, at_s: float, said: str = "accepted", event: str = "") -> Log:
    """A line that names a claim."""
    return Log(
        event_id=event or f"{said} {claim} {at_s}",
        origin=Origin(
            "123456789012", "eu-west-1", "/aws/lambda/submit-claim", "s", "submit-claim", "serverless"
        ),
        time_unix_nano=round(at_s * 1_000_000_000),
        observed_time_unix_nano=0,
        message=f"{said} {claim}",
        correlation_id=f"desk-{claim}",
        attributes={"claim": claim},
    )


def marks(flow: Flow, lines: Iterable[Log], position: int) -> Iterator[Entry]:
    """Yield what a subscriber writes for lines at a point of a flow."""
    for one in lines:
        yield from MARKER.marks(flow, position, one, Samples().of(one))


class Watched(MemoryState):
    """A state that counts what is asked of it: reads, and entries read."""

    def __init__(self) -> None:
        super().__init__(lambda: self.clock)
        self.clock = 0.0
        self.reads = self.entries = 0

    def query(self, partition: str, first: str = "", last: str = "\U0010ffff") -> Iterator[Entry]:
        """Yield entries, each counted."""
        self.reads += 1
        for entry in super().query(partition, first, last):
            self.entries += 1
            yield entry

    def get(self, partition: str, sort: str) -> Entry | None:
        """Return an entry, counted."""
        self.reads += 1
        return super().get(partition, sort)


class Night:
    """A flow, its state, and the subscribers and the evaluator that work on it."""

    def __init__(self, flow: Flow) -> None:
        self.flow, self.state = flow, Watched()

    def starts(self, *lines: Log) -> None:
        """Deliver lines that start the flow."""
        self.state.put(marks(self.flow, lines, -1))

    def ends(self, *lines: Log, end: int = 0) -> None:
        """Deliver lines that end it."""
        self.state.put(marks(self.flow, lines, end))

    def judged(self, at_s: int) -> tuple[Finding, FlowReport]:
        """Judge the flow at a time."""
        self.state.clock = at_s
        (finding,), report = judge_flow(self.flow, self.state, at_s)
        return finding, report

    def verdicts(self, first_s: int, last_s: int) -> dict[int, str]:
        """Judge every minute, and return what was said of it."""
        return {at_s: self.judged(at_s)[0].verdict for at_s in range(first_s, last_s + 1, 60)}

    def left(self, letters: str) -> int:
        """How many entries of some kinds there are."""
        found = self.state.query(f"flow#{self.flow.name}")
        return sum(entry.sort[0] in letters for entry in found)
