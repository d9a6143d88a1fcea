"""Faults by a seed: of single requests, and bursts of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from random import Random

from tests.backends.server import FAULTS, Backend, Fault, Received

#: How often each kind comes, of all faults; hangs take long.
_WEIGHTS: dict[str, float] = {"hang": 0.2, "hang_after": 0.2, "401": 0.5, "slow": 0.5}
_BURSTS: tuple[Fault, ...] = ("503", "500", "429", "reset", "429_after")


class Faults:
    """The fault of each request: a share of all at random, and now and then several in a row."""

    def __init__(self, seed: int, share: float, *, burst_share: float = 0.004) -> None:
        self._random, self._share, self._burst_share = Random(seed), share, burst_share
        self._burst: Fault | None = None
        self._left = 0
        self._lock = threading.Lock()
        self.is_on = True

    def __call__(self, n: int, request: Received) -> Fault | None:
        """Return the fault of the n-th request."""
        with self._lock:
            if not self.is_on:
                return None
            if self._left:
                self._left -= 1
                return self._burst
            if self._random.random() < self._burst_share:
                self._burst, self._left = self._random.choice(_BURSTS), self._random.randrange(2, 9)
                return self._burst
            if self._random.random() >= self._share:
                return None
            weights = [_WEIGHTS.get(fault, 1.0) for fault in FAULTS]
            return self._random.choices(FAULTS, weights)[0]


def refusals(backend: Backend, seed: int, share: float = 0.02, seconds: float = 0.3) -> Callable[[], None]:
    """Return what now and then closes the backend's port for a while, while invocations go on."""
    random = Random(seed)
    busy = threading.Lock()

    def refuse() -> None:
        with busy, backend.refusing():
            threading.Event().wait(seconds)

    def between() -> None:
        if not busy.locked() and random.random() < share:
            threading.Thread(target=refuse, daemon=True).start()

    return between
