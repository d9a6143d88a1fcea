"""Mistakes in overrides: names that are none, keys that fit nothing, values that cannot hold together."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Sequence

from dashboards.alarms.drafts import Draft
from dashboards.alarms.overrides import (
    Override,
    from_metadata,
    metadata_problems,
    override_of,
    window_note,
    window_of,
)
from dashboards.alarms.rules import RULES
from dashboards.expressions import Percent
from dashboards.model.marks import Marks
from dashboards.resources import Note, Place, System
from subscribers.config_problems import shown

#: What an override of a promise may say.
_OF_SLO = ("off", "severity", "minimum")


def notes_of(system: System, drafts: Sequence[Draft], places: Marks) -> Iterator[Note]:
    """Yield a Note for each mistake: of observe.yaml, then of templates, then of values."""
    seen: set[Note] = set()
    found = (*_rules(system, drafts, places), *_resources(system, drafts, places), *_metadata(system, drafts))
    for note in (*found, *_values(system, drafts, places)):
        if note not in seen:  # one entry may hold for many subjects
            seen.add(note)
            yield note


def _rules(system: System, drafts: Sequence[Draft], places: Marks) -> Iterator[Note]:
    fitting = {draft.rule for draft in drafts}
    for rule in system.config.dashboards.get("alarms", {}):
        place = places.place("dashboards", "alarms", rule)
        if rule not in RULES:
            yield _unknown(rule, place)
        elif rule not in fitting:
            text = (
                f"dashboards.alarms.{rule} holds for nothing: there is no "
                f"{RULES[rule].of.replace('_', ' ')} that it fits"
            )
            yield Note(level="info", text=text, place=place)


def _resources(system: System, drafts: Sequence[Draft], places: Marks) -> Iterator[Note]:
    by_key: dict[str, set[str]] = {}
    for draft in drafts:
        for key in draft.keys:
            by_key.setdefault(key, set()).add(draft.rule)
    names = _names(system)
    said = {note.subject for note in system.notes}
    for key, entry in system.config.dashboards.get("resources", {}).items():
        # What is hidden is in no System any more, and the model says itself what is nothing.
        if entry.get("hide") or key in said - names.keys():
            continue
        if key not in names:
            text = f"there is no resource, endpoint or service {shown(key)}{_hint(key, names)}"
            yield Note(level="warning", text=text, place=places.place("dashboards", "resources", key))
            continue
        for rule in entry.get("alarms", {}):
            place = places.place("dashboards", "resources", key, "alarms", rule)
            if rule not in RULES:
                yield _unknown(rule, place, key)
            elif rule not in by_key.get(key, ()):
                yield _unfit(rule, key, place)


def _metadata(system: System, drafts: Sequence[Draft]) -> Iterator[Note]:
    by_subject: dict[str, set[str]] = {}
    for draft in drafts:
        by_subject.setdefault(draft.subject, set()).add(draft.rule)
    for one in system.resources.values():
        if not one.metadata:
            continue
        for text in metadata_problems(one.metadata):
            yield Note(level="warning", text=text, place=one.place, subject=one.id)
        for rule in from_metadata(one.metadata).get("alarms", {}):
            if rule not in RULES:
                yield _unknown(rule, one.place, one.id)
            elif rule not in by_subject.get(one.id, ()):
                yield _unfit(rule, one.id, one.place)


def _values(system: System, drafts: Sequence[Draft], places: Marks) -> Iterator[Note]:
    for draft in drafts:
        override = override_of(draft, system.config.dashboards, places)
        if not override.fields:
            continue
        if draft.rule.startswith("endpoint-slo-"):
            yield from _of_slo(draft, override)
            continue
        _, problem = window_of(RULES[draft.rule], override)
        if problem:
            yield window_note(draft, override, problem)
        if "minimum" in override.fields and not isinstance(draft.of, Percent):
            text = f"{draft.rule} judges no share, so that minimum means nothing to it"
            place = override.fields["minimum"].place
            yield Note(level="warning", text=text, place=place, subject=draft.subject)


def _of_slo(draft: Draft, override: Override) -> Iterator[Note]:
    for key, said in override.fields.items():
        if key not in _OF_SLO:
            text = (
                f"{draft.rule} of {draft.subject}: {key} means nothing to a promise; it may have "
                f"{', '.join(_OF_SLO)}"
            )
            yield Note(level="warning", text=text, place=said.place, subject=draft.subject)


def _names(system: System) -> dict[str, None]:
    """Every name that an entry of `dashboards.resources` may have, in order."""
    names: dict[str, None] = {}
    for resource in system.resources.values():
        names |= {resource.logical_id: None, resource.id: None}
    return names | dict.fromkeys(system.endpoints) | dict.fromkeys(system.services)


def _unknown(rule: str, place: Place, subject: str = "") -> Note:
    text = f"there is no rule of alarms {shown(rule)}{_hint(rule, RULES)}"
    return Note(level="warning", text=text, place=place, subject=subject)


def _unfit(rule: str, subject: str, place: Place) -> Note:
    text = (
        f"{rule} does not hold for {subject}: it is about {RULES[rule].of.replace('_', ' ')}s, or what "
        "it needs is not there"
    )
    return Note(level="warning", text=text, place=place, subject=subject)


def _hint(name: str, known: Iterable[str]) -> str:
    folded = {one.lower(): one for one in known}
    close = difflib.get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return f"; did you mean {shown(folded[close[0]])}?" if close else ""
