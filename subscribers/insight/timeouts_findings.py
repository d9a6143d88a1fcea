"""What should be said of functions and their limits. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from subscribers.insight.answer import Finding
from subscribers.insight.chains_graph import Edge
from subscribers.insight.template_limits import Limit
from subscribers.insight.timeouts_values import FEW, Callee, Near, Timeouts

#: From this share of its limit on, in percent, a function's p99 is near it.
NEAR = 80.0
#: What AWS advises a queue's visibility timeout to be, in timeouts of its function.
#: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
_ADVISED = 6
_MS_PER_S = 1000


def findings(found: Timeouts) -> Iterator[Finding]:
    """Yield what should be known of functions and their limits."""
    for near in found.functions:
        if near.timeouts:
            yield _timed_out(near)
        if near.share is not None and near.share >= NEAR:
            yield _near(near)
        if near.gateway_s is not None and near.waited_ms > near.gateway_s * _MS_PER_S:
            yield _gone(near, near.gateway_s)
    for edge, limit_s, callee in found.callers:
        yield _short(edge, limit_s, callee)
    for limit in found.templates:
        yield from _of_template(limit)
    known = [near for near in found.functions if near.share is not None]
    if known and not any(near.timeouts or (near.share or 0) >= NEAR for near in known):
        text = f"No function with a known limit comes to {NEAR:.0f} % of it."
        yield Finding(level="ok", text=text, evidence={"functions": len(known)})


def _which(number: int, what: str) -> str:
    """What is known of how long they take: of few there is no p99."""
    named = what.removesuffix("s") if number == 1 else what
    return "p99" if number >= FEW else f"longest of {number} {named}"


def _high(ms: float, number: int, of: str = "") -> dict[str, Any]:
    return {f"{of}p99_ms" if number >= FEW else f"{of}longest_ms": round(ms, 3)}


def _timed_out(near: Near) -> Finding:
    limit = f" after {near.limit_s:g} s" if near.limit_s is not None else ""
    return Finding(
        level="bad",
        text=f"{near.function} timed out{limit} {_times(near.timeouts)} in {near.invocations:,} invocations.",
        evidence={"timeouts": near.timeouts, "invocations": near.invocations, "limit_s": near.limit_s},
        correlation_ids=near.correlation_ids,
    )


def _near(near: Near) -> Finding:
    return Finding(
        level="warning",
        text=(
            f"The {_which(near.invocations, 'invocations')} of {near.function} is {near.high_ms:,.0f} ms,"
            f" {near.share:.0f} % of its limit of {near.limit_s:g} s."
        ),
        evidence={
            **_high(near.high_ms, near.invocations),
            "limit_s": near.limit_s,
            "limit_from": near.limit_from,
        },
    )


def _gone(near: Near, gateway_s: float) -> Finding:
    starts = ", its start included" if near.waited_ms > near.high_ms else ""
    return Finding(
        level="bad",
        text=(
            f"The gateway waits {gateway_s:g} s for {near.function}, whose"
            f" {_which(near.invocations, 'invocations')} is {near.waited_ms:,.0f} ms{starts}: the client has"
            " an error by then, and the function is still billed."
        ),
        evidence={**_high(near.waited_ms, near.invocations), "gateway_s": gateway_s},
    )


def _short(edge: Edge, limit_s: float, callee: Callee) -> Finding:
    return Finding(
        level="warning",
        text=(
            f"{edge.caller.service} is stopped after {limit_s:g} s, but calls {edge.callee.service}"
            f" {edge.callee.operation}, whose {_which(callee.requests, 'requests')} is"
            f" {callee.high_ms:,.0f} ms."
        ),
        evidence={
            "limit_s": limit_s,
            "calls": edge.calls,
            **_high(callee.high_ms, callee.requests, "callee_"),
        },
        basis="inferred" if edge.inferred == edge.calls else "measured",
        correlation_ids=edge.correlation_ids,
    )


def _of_template(limit: Limit) -> Iterator[Finding]:
    """What the template alone tells: limits that do not fit each other."""
    if limit.timeout_s is None:
        return
    name = limit.name or limit.logical_id
    for route in limit.routes:
        if limit.timeout_s > route.limit_s:
            text = (
                f"{name} may run for {limit.timeout_s:g} s, but the {route.gateway} waits {route.limit_s:g} s"
                f" for {route.route}: the client is gone while the function is still billed."
            )
            yield Finding(level="warning", text=text, evidence=msgspec.to_builtins(route))
    for queue in limit.queues:
        seconds = queue.visibility_s
        if seconds is not None and seconds < limit.timeout_s:
            text = (
                f"{name} may run for {limit.timeout_s:g} s, but its messages appear in {queue.name} again"
                f" after {seconds:g} s: they are processed twice."
            )
            yield Finding(level="bad", text=text, evidence=msgspec.to_builtins(queue))
        elif seconds is not None and seconds < _ADVISED * limit.timeout_s + queue.window_s:
            text = (
                f"The visibility timeout of {queue.name} is {seconds:g} s; AWS advises {_ADVISED} times the"
                f" timeout of {name}, {_ADVISED * limit.timeout_s + queue.window_s:g} s."
            )
            yield Finding(level="info", text=text, evidence=msgspec.to_builtins(queue))


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"
