"""Metrics on stdout: one line a data point, no socket, no agent.

    metrics.increment("claims.submitted", tags={"product": "motor"})
    metrics.timing("legacy.lookup", 12.5)

The formats are OBSERVE_METRICS_FORMAT's; see docs/spec/lines.md. A value that is no finite number
is left out and said once, as every fault of telemetry is.
"""

from __future__ import annotations

import math

from observe import guard, settings, stdout, wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    Tags = Mapping[str, object] | Iterable[str] | None

__all__ = ["decrement", "distribution", "gauge", "histogram", "increment", "set", "timing"]


def increment(name: str, value: float = 1, tags: Tags = None) -> None:
    """Add `value` to the count `name`. tags: {"key": "value"} or ["key:value"]."""
    guard.guarded(_write, "count", name, value, tags)


def decrement(name: str, value: float = 1, tags: Tags = None) -> None:
    """Subtract `value` from the count `name`."""
    guard.guarded(_decrement, name, value, tags)


def gauge(name: str, value: float, tags: Tags = None) -> None:
    """Record that `name` is `value` now."""
    guard.guarded(_write, "gauge", name, value, tags)


def histogram(name: str, value: float, tags: Tags = None) -> None:
    """Record one value of a distribution that each host summarises."""
    guard.guarded(_write, "histogram", name, value, tags)


def distribution(name: str, value: float, tags: Tags = None) -> None:
    """Record one value of a distribution that is summarised over all hosts."""
    guard.guarded(_write, "distribution", name, value, tags)


def timing(name: str, value: float, tags: Tags = None) -> None:
    """Record a duration in milliseconds."""
    guard.guarded(_write, "timing", name, value, tags)


def set(name: str, value: object, tags: Tags = None) -> None:
    """Count `value` as one of the distinct values of `name`."""
    guard.guarded(_write, "set", name, guard.said(value), tags)


def _decrement(name: str, value: float, tags: Tags) -> None:
    _write("count", name, -value, tags)


def _write(kind: str, name: str, value: object, tags: Tags) -> None:
    found = settings.get()
    if found.mode == "propagate" or found.disabled:
        return
    line = wire.metric_line(
        kind,
        name,
        guard.said(value) if kind == "set" else _number(name, value),
        _pairs(tags),
        stdout.now(),
        form=found.metrics_format,
        namespace=found.metrics_namespace,
        level=found.level if found.json_mode else "",
    )
    if len(line) > wire.LINE_MAX_BYTES:
        raise ValueError(f"metric {name[:64]}: {len(line)} bytes are too many for a line")
    stdout.write(line)


def _number(name: str, value: Any) -> float:
    """A finite int or float, whatever numeric type it came as; raises ValueError or TypeError else."""
    number = value if type(value) in (int, float) else int(value) if isinstance(value, bool) else float(value)
    if not math.isfinite(number):
        raise ValueError(f"metric {name}: {value!r} is not a finite number")
    return number


def _pairs(tags: Tags) -> list[tuple[str, str]]:
    """(key, value) of each tag; a single text is one tag, a tag without a colon has no value."""
    if tags is None:
        return []
    keys = getattr(tags, "keys", None)
    if callable(keys):
        return [(str(key), guard.said(tags[key])) for key in keys()]  # type: ignore[index]
    parted = (str(tag).partition(":") for tag in ([tags] if isinstance(tags, str) else tags))
    return [(key, value) for key, _, value in parted]
