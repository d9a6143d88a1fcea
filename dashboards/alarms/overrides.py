"""What observe.yaml and `Metadata.HybridObserve` say about an alarm: the most specific wins, key by key.

    dashboards.alarms.<rule>                      of every subject
    Metadata.HybridObserve of the template        Alarms: {<rule>: ...}, Busy, Hide, Owner, Runbook
    dashboards.resources.<key>.alarms.<rule>      key: a service, then a logical ID, then an ID of the model

Keys of Metadata may be in CamelCase. Whatever cannot hold is a Note, and the default stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from dashboards.alarms.drafts import Draft
from dashboards.alarms.rules import Rule
from dashboards.model.marks import Marks
from dashboards.model.metadata import as_observe_yaml, field_name
from dashboards.resources import Note, Place
from subscribers.alerts.model import SEVERITIES
from subscribers.config import duration_ms

_DAY_S, _HOUR_S = 86_400, 3_600
#: Keys that say over which time is judged: one of them that cannot hold sends all three back.
_WINDOW = ("period", "periods", "datapoints")
FIELDS = ("off", "threshold", "severity", "minimum", "missing", *_WINDOW)


class Said(msgspec.Struct, frozen=True):
    """One value of an override, and where it is written."""

    value: Any
    place: Place


class Override(msgspec.Struct, frozen=True):
    """All that is said about one alarm. fields: by FIELDS; of the subject: busy, hide, owner, runbook."""

    fields: dict[str, Said]
    subject: dict[str, Said]

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is said for a key of FIELDS."""
        return self.fields[key].value if key in self.fields else default

    def own(self, key: str, default: Any = None) -> Any:
        """Return what is said about the subject itself."""
        return self.subject[key].value if key in self.subject else default

    @property
    def place(self) -> Place | None:
        """Where the most specific of it is written; None where nothing is."""
        return next((said.place for said in reversed(self.fields.values())), None)


def override_of(draft: Draft, tree: Mapping[str, Any], places: Marks) -> Override:
    """Return what holds for a draft. tree: observe.yaml's `dashboards`."""
    fields: dict[str, Said] = {}
    subject: dict[str, Said] = {}
    _add(
        fields,
        tree.get("alarms", {}).get(draft.rule),
        lambda: places.place("dashboards", "alarms", draft.rule),
    )
    metadata = from_metadata(draft.metadata)
    alarms = metadata.pop("alarms", {})
    _add(subject, metadata, lambda: draft.place)
    _add(fields, alarms.get(draft.rule), lambda: draft.place)
    for key in draft.keys:
        entry = tree.get("resources", {}).get(key)
        if entry is None:
            continue
        own = {name: value for name, value in entry.items() if name != "alarms"}
        _add(subject, own, lambda key=key: places.place("dashboards", "resources", key))
        written = entry.get("alarms", {}).get(draft.rule)
        _add(
            fields,
            written,
            lambda key=key: places.place("dashboards", "resources", key, "alarms", draft.rule),
        )
    return Override(fields, subject)


def _add(into: dict[str, Said], values: Any, place: Any) -> None:
    if isinstance(values, Mapping):
        where = place()
        for key, value in values.items():
            into.pop(key, None)  # the latest is the most specific, and stands last
            into[key] = Said(value, where)


def from_metadata(metadata: Any) -> dict[str, Any]:
    """Return `Metadata.HybridObserve` as observe.yaml would have it; what has another shape is left out."""
    if not isinstance(metadata, Mapping):
        return {}
    out = as_observe_yaml(metadata)
    kept = {key: out[key] for key in ("busy", "hide") if isinstance(out.get(key), bool)}
    kept |= {key: out[key] for key in ("owner", "runbook") if isinstance(out.get(key), str)}
    alarms = out.get("alarms")
    rules = alarms.items() if isinstance(alarms, Mapping) else ()
    kept["alarms"] = {
        rule: {key: value for key, value in fields.items() if _fits(key, value)}
        for rule, fields in rules
        if isinstance(fields, Mapping)
    }
    return kept


def metadata_problems(metadata: Any) -> Iterator[str]:
    """Yield a sentence for everything in `Metadata.HybridObserve` that means nothing."""
    if not isinstance(metadata, Mapping):
        yield "Metadata.HybridObserve is not a mapping"
        return
    for key, value in metadata.items():
        name = field_name(key)
        if name not in ("alarms", "busy", "hide", "owner", "runbook"):
            yield f"Metadata.HybridObserve has no key '{key}': it may have alarms, busy, hide, owner, runbook"
        elif name == "alarms" and isinstance(value, Mapping):
            yield from _metadata_alarms(value)
        elif name == "alarms" or not isinstance(value, bool if name in ("busy", "hide") else str):
            yield f"Metadata.HybridObserve: {key} cannot be {value!r}"


def _metadata_alarms(alarms: Mapping[Any, Any]) -> Iterator[str]:
    for rule, fields in alarms.items():
        if not isinstance(fields, Mapping):
            yield f"Metadata.HybridObserve: {rule} needs keys such as threshold or off, not {fields!r}"
            continue
        for key, value in fields.items():
            if field_name(key) not in FIELDS:
                yield f"Metadata.HybridObserve: {rule} has no key '{key}': it may have {', '.join(FIELDS)}"
            elif not _fits(field_name(key), value):
                yield f"Metadata.HybridObserve: {key} of {rule} cannot be {value!r}"


def _fits(key: str, value: Any) -> bool:
    """Whether a value of Metadata is what observe.yaml's schema would let through."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    match key:
        case "off":
            return isinstance(value, bool)
        case "threshold":
            return is_number
        case "minimum":
            return is_number and value >= 0
        case "severity":
            return value in SEVERITIES
        case "missing":
            return value in ("ok", "breaching", "keep")
        case "periods" | "datapoints":
            return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1440
        case "period":
            return isinstance(value, str) and _seconds(value) is not None
    return False


def _seconds(text: str) -> float | None:
    try:
        return duration_ms(text) / 1000
    except ValueError:
        return None


class Window(msgspec.Struct, frozen=True):
    """Over which time is judged."""

    period_s: int
    periods: int
    datapoints: int


def window_of(rule: Rule, override: Override) -> tuple[Window, str]:
    """Return the window, and why what is said cannot hold: "" where it can. Then the rule's own is returned.

    One that says fewer periods and no datapoints means all of them.
    """
    own = Window(rule.period_s, rule.periods, rule.datapoints)
    if not any(key in override.fields for key in _WINDOW):
        return own, ""
    period_s = _seconds(override.get("period", f"{rule.period_s}s")) or 0.0
    periods = override.get("periods", rule.periods)
    datapoints = override.get("datapoints", min(rule.datapoints, periods))
    problem = _window_problem(period_s, periods, datapoints)
    return (own, problem) if problem else (Window(int(period_s), periods, datapoints), "")


def _window_problem(period_s: float, periods: int, datapoints: int) -> str:
    if period_s < 60 or period_s % 60:
        return f"a period of {period_s:g} s is not a multiple of 1m"
    if period_s > _DAY_S:
        return "a period is at most 1d"
    if datapoints > periods:
        return f"datapoints ({datapoints}) cannot be more than periods ({periods})"
    most_s = _DAY_S if period_s < _HOUR_S else 7 * _DAY_S
    if period_s * periods > most_s:
        longer = ", or 7 days with periods of 1h or more" if period_s < _HOUR_S else ""
        looked = f"{periods} periods of {period_s:g} s are {period_s * periods / _HOUR_S:g} h"
        return f"{looked}: CloudWatch looks back at most {most_s // _HOUR_S} h{longer}"
    return ""


def window_note(draft: Draft, override: Override, problem: str) -> Note:
    """Return the note about a window that cannot hold."""
    said = [override.fields[key] for key in override.fields if key in _WINDOW]
    text = f"{draft.rule} of {draft.subject}: {problem}; the rule's own periods hold"
    return Note(
        level="warning", text=text, place=said[-1].place if said else draft.place, subject=draft.subject
    )
