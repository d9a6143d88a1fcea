"""Alarms as values: a condition over windows, how urgent, whose, why that threshold.

Every renderer turns these into alarms of its tool. An alarm is quiet by design: it judges several periods
(M of N), needs traffic, says on purpose what missing data means, and names its reason.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dashboards.expressions import Expression
from dashboards.panels import Link
from dashboards.resources import Place
from subscribers.alerts.model import Op, Severity

#: What no data means: `ok` (nothing happened), `breaching` (silence is the fault), `keep` (the state stays).
Missing = Literal["ok", "breaching", "keep"]


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """expression op threshold, in `datapoints` of the last `periods` periods of `period_s` seconds.

    The gate of a share is in its expression (expressions.Percent.gate). unit: UCUM of the threshold.
    """

    of: Expression
    op: Op
    threshold: float
    unit: str = "1"
    period_s: int = 300
    periods: int = 3
    datapoints: int = 2
    missing: Missing = "ok"


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One alarm on one condition. name: a slug, unique in the system, e.g. `function-errors-submit-claim`.

    rule: the name of what it is an instance of, by which overrides name it, e.g. `function-errors`.
    subject: ID of the resource, endpoint or service. page: the page that shows it.
    """

    name: str
    rule: str
    subject: str
    title: str
    condition: Condition
    severity: Severity = "error"
    #: What it means and what to do first, as sentences.
    about: str = ""
    #: Why this threshold: where the number comes from, as a sentence.
    reason: str = ""
    owner: str = ""
    runbook: str = ""
    links: tuple[Link, ...] = ()
    page: str = ""
    #: Names of alarms or composites that explain it: while one of them is open this one is silent.
    suppressed_by: tuple[str, ...] = ()
    #: Whether it tells somebody by itself; one that is only part of a composite does not.
    is_told: bool = True
    #: Where its override is written; else where its subject is.
    place: Place = Place()


class Burn(msgspec.Struct, frozen=True, kw_only=True):
    """A burn rate over a long and a short window: tells when both are above the factor."""

    factor: float
    long_s: int
    short_s: int
    severity: Severity


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """A promise of an endpoint: bad and total are counts over a period; objective in percent of good ones.

    latency: the promise is that objective percent are faster than latency_ms; None where it is availability.
    """

    name: str
    endpoint: str
    title: str
    objective: float
    window_s: int
    #: Failed requests, or requests that were too slow (measure `endpoint.slow`).
    bad: Expression
    total: Expression
    latency_ms: float | None = None
    burns: tuple[Burn, ...] = ()
    #: Below as many requests in the long window nothing is told.
    minimum: float = 0.0
    about: str = ""
    owner: str = ""
    runbook: str = ""
    links: tuple[Link, ...] = ()
    page: str = ""
    place: Place = Place()


class Composite(msgspec.Struct, frozen=True, kw_only=True):
    """Open while any of its children is: one page for one cause. children: names of alarms or composites."""

    name: str
    title: str
    children: tuple[str, ...]
    severity: Severity = "error"
    about: str = ""
    owner: str = ""
    runbook: str = ""
    page: str = ""
    suppressed_by: tuple[str, ...] = ()
    is_told: bool = True


class Alarms(msgspec.Struct, frozen=True, kw_only=True):
    """All of a system, in a stable order. off: what an override switched off, with where: for the listing."""

    alarms: tuple[Alarm, ...] = ()
    slos: tuple[Slo, ...] = ()
    composites: tuple[Composite, ...] = ()
    off: tuple[tuple[str, Place], ...] = ()
