"""What people are told of one alert at one time."""

from __future__ import annotations

from hashlib import sha256
from typing import Literal

import msgspec

from subscribers.alerts.incidents_values import Incident
from subscribers.alerts.model import Severity

#: trigger: it begins; update: it goes on, is worse, or has more groups; resolve: it is over.
Action = Literal["trigger", "update", "resolve"]


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to tell. Times are epoch seconds. Between two triggers of a key there is one resolve.

    incidents: of a resolve those that are over, else those that are open, the worst and oldest first.
    """

    key: str
    action: Action
    rule: str
    #: Of this alert since its trigger, from 1.
    revision: int
    at_s: int
    triggered_s: int
    since_s: int
    severity: Severity
    #: The most urgent since the trigger, this notice included, and without it; "" before the trigger.
    peak: Severity
    peak_before: Severity | Literal[""] = ""
    incidents: tuple[Incident, ...]
    #: Over since it was told last, while others go on.
    recovered: tuple[Incident, ...] = ()
    #: Why it is told now, or why it is over.
    reason: str = ""
    #: Names of destinations; empty for all.
    notify: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The same for the same notice, however often it is made: 32 hex digits."""
        told = f"{self.key}\0{self.triggered_s}\0{self.action}\0{self.revision}"
        return sha256(told.encode("utf-8", "replace")).hexdigest()[:32]
