"""What is known of functions and their limits, as values."""

from __future__ import annotations

from typing import Literal

import msgspec

from subscribers.insight.chains_graph import Edge
from subscribers.insight.chains_sample import Sample
from subscribers.insight.template_limits import Limit

#: Invocations below which the longest is told, and no p99.
FEW = 20
_MS_PER_S = 1000


class Near(msgspec.Struct, frozen=True, kw_only=True):
    """One function and its limit. limit_s: None where nobody told it.

    gateway_s: how long the gateway in front of it waits at most, None for none. waited_p99_ms, waited_max_ms:
    with the starts that reports tell, for which a gateway waits, too, and a function's limit does not count.
    timeouts: how many of them.
    """

    service: str
    function: str
    invocations: int
    p50_ms: float
    p99_ms: float
    max_ms: float
    waited_p99_ms: float
    waited_max_ms: float
    limit_s: float | None = None
    limit_from: Literal["log", "template", ""] = ""
    gateway_s: float | None = None
    timeouts: int = 0
    correlation_ids: tuple[str, ...] = ()

    @property
    def share(self) -> float | None:
        """The p99 in percent of the limit, None where that is not known; of few invocations the longest."""
        return 100 * self.high_ms / (self.limit_s * _MS_PER_S) if self.limit_s else None

    @property
    def high_ms(self) -> float:
        """The p99, or of fewer than FEW invocations the longest."""
        return self.max_ms if self.invocations < FEW else self.p99_ms

    @property
    def waited_ms(self) -> float:
        """The same with starts."""
        return self.waited_max_ms if self.invocations < FEW else self.waited_p99_ms


class Callee(msgspec.Struct, frozen=True):
    """What a caller waits for. high_ms: the p99 of `requests`, or of fewer than FEW the longest."""

    high_ms: float
    requests: int


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """The functions of a period and their limits.

    templates: what the templates say of functions. callers: calls for which the caller has less time than
    the callee takes: (call, seconds the caller has, the callee). problems: what could not be read.
    """

    functions: tuple[Near, ...]
    templates: tuple[Limit, ...]
    callers: tuple[tuple[Edge, float, Callee], ...]
    problems: tuple[str, ...]
    sample: Sample
