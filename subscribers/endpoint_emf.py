"""Requests by endpoint and side in CloudWatch: lines of the embedded metric format, so that no call is made.

    HybridObserve       Requests, RequestErrors, RequestsSlow (Count), RequestDuration (Milliseconds)
    dimensions          [endpoint, side], and [service] of the same points; of a request without an endpoint
                        [service] alone

A line is of one minute and holds at most 100 durations, the format's limit of an array.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from subscribers.endpoint_metrics import ENDPOINT, ERROR, NAME, OUTCOME, SIDE, SLOW
from subscribers.signals import Metric, Signal
from subscribers.summary import NAMESPACE
from subscribers.tables import Row

#: The sink's name in ledgers: none of observe.yaml can have a space in it.
SINK = "endpoint metrics"
#: "an array of numeric values ... must not contain more than 100"
_VALUES_MAX = 100
_MINUTE_NS = 60_000_000_000
_COUNTED = ("Requests", "RequestErrors", "RequestsSlow")


class _Key(NamedTuple):
    minute: int
    endpoint: str
    side: str
    service: str


class EndpointEmf:
    """A local sink (`outlets.Sink`) that writes the requests among signals to standard output.

    Each value is counted once while the function lives; after a kill the repeat counts twice, as CloudWatch
    knows no repeats.
    """

    def __init__(self, write: Callable[[str], object]) -> None:
        """write: takes whole lines."""
        self._write = write

    def append(self, signals: Iterable[Signal]) -> frozenset[str]:
        """Write the requests, and return the log events that they are of."""
        found = [signal for signal in signals if isinstance(signal, Metric) and signal.name == NAME]
        if lines := "".join(f"{line}\n" for line in emf_lines(found)):
            self._write(lines)
        return frozenset(point.event_id.partition(":")[0] for point in found)

    def record(self, ledger_rows: Iterable[Row]) -> None:
        """Rows of the ledger are nothing to count."""

    def dead_letter(self, reason: str, document: bytes, detail: Mapping[str, Any]) -> None:
        """Documents that cannot be read are the other sinks' affair."""


def emf_lines(points: Iterable[Metric]) -> Iterator[str]:
    """Yield lines for the points of `observe.request.duration`, in order of time, endpoint, side, service."""
    found: dict[_Key, list[Metric]] = defaultdict(list)
    for point in points:
        tags = point.tags
        key = _Key(
            max(point.time_unix_nano, 0) // _MINUTE_NS,
            tags.get(ENDPOINT, ""),
            tags.get(SIDE, ""),
            point.origin.service,
        )
        found[key].append(point)
    for key in sorted(found):
        several = found[key]
        for begin in range(0, len(several), _VALUES_MAX):
            yield _line(key, several[begin : begin + _VALUES_MAX])


def _line(key: _Key, points: list[Metric]) -> str:
    dimensions = [["service"]]
    told = {"service": key.service}
    if key.endpoint:
        dimensions = [["endpoint", "side"], ["service"]]
        told |= {"endpoint": key.endpoint, "side": key.side}
    metrics = [
        *({"Name": name, "Unit": "Count"} for name in _COUNTED),
        {"Name": "RequestDuration", "Unit": "Milliseconds"},
    ]
    directive = {"Namespace": NAMESPACE, "Dimensions": dimensions, "Metrics": metrics}
    line = {
        "_aws": {"Timestamp": key.minute * _MINUTE_NS // 1_000_000, "CloudWatchMetrics": [directive]},
        **told,
        "Requests": len(points),
        "RequestErrors": sum(point.tags.get(OUTCOME) == ERROR for point in points),
        "RequestsSlow": sum(point.tags.get(SLOW) == "true" for point in points),
        "RequestDuration": [point.value for point in points],
    }
    return msgspec.json.encode(line).decode()
