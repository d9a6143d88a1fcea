"""A route with two targets: a share of its requests to one, the rest to the other.

API Gateway's HTTP API has no such thing; teams split traffic in CloudFront, or with weighted aliases.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

_STRIDE = 61  # next to 100 times the golden ratio, and without a common divisor with 100
_GOLDEN = 0.6180339887498949


class Spread:
    """A source of numbers 0 <= x < 100, evenly spread instead of random. Thread-safe.

    Of every 100 numbers in a row, counted from the first, each whole percent gets exactly one: "75 percent"
    of 100 requests is 75, in whatever order they come. The fraction differs from hundred to hundred, so
    that 0.5 percent is met, too, over some hundreds.
    """

    def __init__(self) -> None:
        self._next = 0
        self._guard = threading.Lock()

    def __call__(self) -> float:
        """Return the next number."""
        with self._guard:
            number, self._next = self._next, self._next + 1
        return number * _STRIDE % 100 + number // 100 * _GOLDEN % 1.0


@dataclass(frozen=True, slots=True)
class Weighted(Generic[T_co]):
    """`percent` of the requests go to `first`, the others to `other`. choose: 0 <= x < 100, e.g. a Spread."""

    first: T_co
    other: T_co
    percent: float
    choose: Callable[[], float] = field(default_factory=Spread)

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError(f"a percentage is between 0 and 100, not {self.percent}")

    def pick(self) -> T_co:
        """Return the target of the next request."""
        return self.first if self.choose() < self.percent else self.other
