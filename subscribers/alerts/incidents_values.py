"""What is remembered of an alert, and how it is to be treated. Times are epoch seconds, UTC."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec

from subscribers.alerts.model import SEVERITIES, Finding, Rule, Severity
from subscribers.config import duration_ms

#: PagerDuty's limit of a dedup key; Opsgenie's alias may have 512.
KEY_MAX = 255
#: pending: breaching, told when `group_wait` is over; muted, inhibited: breaching, not told; open: told;
#: held: told, not breaching any more, resolved after `flapping_hold`; resolved: kept for a while.
IncidentState = Literal["pending", "muted", "inhibited", "open", "held", "resolved"]


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What people know of the alert of a rule; the same in all its incidents that were told."""

    triggered_s: int
    #: When it was told last.
    at_s: int
    #: Counted up by each notice.
    revision: int
    #: The most urgent that was told.
    peak: Severity
    #: Destinations; empty for all.
    notify: tuple[str, ...] = ()


class Incident(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that was breached for one group. id: of both; key: of what is told together, its rule's."""

    id: str
    key: str
    rule: str
    group: dict[str, str] = {}
    state: IncidentState
    #: When it was seen to breach first, and when it came into its state.
    opened_s: int
    changed_s: int
    #: Begin of the first window that breached.
    since_s: int
    #: Of what goes on some minutes old (incidents_kept), and so is the finding.
    last_breach_s: int
    #: The last one that breached.
    finding: Finding
    #: Whether it did not breach when it was judged last.
    is_quiet: bool = False
    #: None while nobody was told. Of a resolved one: what was told.
    told: Told | None = None
    #: Why it is muted, inhibited or resolved.
    why: str = ""

    @property
    def severity(self) -> Severity:
        """How urgent it was when it breached last."""
        return self.finding.severity

    @property
    def is_live(self) -> bool:
        """Whether it is not resolved."""
        return self.state != "resolved"

    @property
    def is_breaching(self) -> bool:
        """Whether it breaches, as far as is known."""
        return self.state not in ("held", "resolved")


class Inhibition(msgspec.Struct, frozen=True):
    """While `source` is open, `targets` stay quiet. Names of rules."""

    source: str
    targets: tuple[str, ...]


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """How findings become notices. Seconds; see `policy_of`."""

    #: Rules that are configured, by name.
    rules: Mapping[str, Rule] = {}
    notify: tuple[str, ...] = ()
    mute: tuple[dict[str, Any], ...] = ()
    inhibit: tuple[Inhibition, ...] = ()
    group_wait_s: int = 0
    #: Further groups of an open alert are gathered so long; what is more urgent than before is told at once.
    update_wait_s: int = 300
    #: How often an open alert is told again; 0 for never.
    repeat_s: int = 0
    flapping_hold_s: int = 300
    #: How long an alert stays open while nothing can be said of it.
    unknown_hold_s: int = 3600
    keep_resolved_s: int = 3600
    #: Rules that could not be judged this time: nothing is known of them.
    unjudged: frozenset[str] = frozenset()
    #: Which deployment this is, for keys: two that share a PagerDuty service must not resolve each other's.
    scope: str = ""


def policy_of(
    alerts: Mapping[str, Any], rules: Iterable[Rule], scope: str = "", unjudged: Iterable[str] = ()
) -> Policy:
    """Return the policy that observe.yaml's `alerts` names. rules: all that are judged, built-in ones too."""
    defaults = alerts.get("defaults", {})

    def seconds(name: str, default: int) -> int:
        return duration_ms(defaults[name]) // 1000 if name in defaults else default

    return Policy(
        rules={rule.name: rule for rule in rules},
        notify=tuple(defaults.get("notify", ())),
        mute=tuple(alerts.get("mute", ())),
        inhibit=tuple(
            Inhibition(entry["source"], tuple(entry["targets"])) for entry in alerts.get("inhibit", ())
        ),
        group_wait_s=seconds("group_wait", 0),
        repeat_s=seconds("repeat", 0),
        flapping_hold_s=seconds("flapping_hold", 300),
        unjudged=frozenset(unjudged),
        scope=scope,
    )


def rank(severity: Severity) -> int:
    """Return how urgent a severity is, 0 for the least."""
    return SEVERITIES.index(severity)


def worst(severities: Iterable[Severity]) -> Severity:
    """Return the most urgent; info of none."""
    return max(severities, key=rank, default="info")


def key_of(rule: str, scope: str = "") -> str:
    """Return the key under which a rule's alert is told, at most KEY_MAX characters of ASCII."""
    return _cut("/".join(part for part in ("observe", scope, rule) if part))


def id_of(key: str, group: Mapping[str, str]) -> str:
    """Return the ID of an incident: that of its alert and a digest of its group, in any order."""
    digest = sha256(msgspec.json.encode(sorted((_text(k), _text(v)) for k, v in group.items()))).hexdigest()
    return f"{key}/{digest[:16]}"


def _cut(key: str) -> str:
    plain = "".join(c if c.isascii() and c.isprintable() and c != " " else "_" for c in key)
    if plain == key and len(key) <= KEY_MAX - 17:
        return key
    return f"{plain[: KEY_MAX - 40]}/{sha256(_text(key).encode()).hexdigest()[:16]}"


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
