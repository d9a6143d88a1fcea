"""Signals without secrets, and which rule removed what. docs/redaction.md has the layer's part of the rules.

Only what was changed is looked at again: then the text before and after is laid side by side, and each part
that is gone is judged by the name before it, else by what it looks like. A detector that the configuration
has switched off gets its part back. What tells one request from another (IDs, times) is left alone.
What an attribute loses goes from the texts beside it, too: see controls_echoes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from msgspec.structs import replace

from observe import guard
from observe.event_line import EVENT
from observe.redaction import MARK, PAIRS
from observe.secret_names import ASKED, OPEN, PLAIN, plain_name
from subscribers import config
from subscribers.controls_echoes import Lost, Tell, leaves, without
from subscribers.controls_removed import CARD, ENCODED, KEYS, NAMES, Gone, looks_like, named_before, removed
from subscribers.controls_rules import MARK_SIGN, Rules, number_of
from subscribers.signals import Link, Log, Metric, Signal, Span

#: Detectors of what secrets look like, as observe.yaml names them.
DETECTORS = (CARD, "iban", "jwt", "token", "aws_key", "url_password", "email")
_EMAIL = "email"
_EMAIL_MARK = "[REDACTED:email]"

#: Parts of one text that are judged; what is more is gone in any case, and told as `names`.
_JUDGED_MAX = 1_000
#: What a value begins or ends with is inside the line.
_ANCHOR = re.compile(r"[\^$]|\\[Az]")
_EXPONENT = re.compile(r"[0-9]\.[0-9]{2,}[eE]")
_ENCODED_MEMBER = re.compile(r'"(?:body|data|value|key)"\s*:\s*"[A-Za-z0-9+/]{16}')


class _Place(NamedTuple):
    """Where a value is: its field, and what the name before it says of it. lost: what is gone from it."""

    field: str
    kind: int
    tell: Tell
    lost: Lost


class Redactor:
    """A configuration's redaction. rules: the names of the rules that are on. Raises PatternError."""

    def __init__(self, told: config.Redaction = config.EMPTY.redaction) -> None:
        on = DETECTORS if told.built_in is None else told.built_in
        self._off = frozenset(DETECTORS) - frozenset(on)
        patterns = list(told.patterns.items())
        self._rules = Rules(
            told.keys, told.exempt, [item["regex"] for _, item in patterns], email=_EMAIL not in self._off
        )
        self._has_patterns = bool(patterns)
        #: What a look at many lines at once needs besides `suspects`, see lane_screen: the team's names as
        #: plain_name has them, its expressions, and whether one of those knows where a text begins or ends.
        self.names = frozenset(plain_name(key.strip("*")) for key in told.keys) - {""}
        self.patterns = [item["regex"] for _, item in patterns]
        self.is_anchored = any(_ANCHOR.search(item["regex"]) for _, item in patterns)
        #: By the number of its mark: (rule, what stands in the place of what it removes).
        self._own = [(f"pattern:{name}", item["replace"]) for name, item in patterns]
        self._own.append((_EMAIL, _EMAIL_MARK))
        named = (NAMES, ENCODED, *((KEYS,) if told.keys else ()))
        self.rules: tuple[str, ...] = (
            *named,
            *(name for name in DETECTORS if name in on),
            *(rule for rule, _ in self._own[:-1]),
        )

    def suspects(self, line: str) -> bool:
        """Whether what a line of text or JSON tells may hold a secret: cheap, and never False for a line of
        whose signals `signal` would change one, with names in any usual spelling."""
        if "\\u00" in line:  # which `text` undoes before it looks
            return True
        if line.startswith("{"):
            # Written in another way than it reads: escapes, numbers with an exponent, base64.
            if "\\" in line and (self._has_patterns or "\\u" in line or "\\/" in line):
                return True
            if _EXPONENT.search(line) or _ENCODED_MEMBER.search(line):
                return True
        return self.is_anchored or self._rules.suspect(line)

    def signal(self, signal: Signal, tell: Tell) -> Signal:
        """Return a signal without secrets: the very same where there are none.

        tell: is told each removal: the rule, the field, and the text that is gone.
        """
        if isinstance(signal, Log):
            return self._log(signal, tell)
        return self._span(signal, tell) if isinstance(signal, Span) else self._metric(signal, tell)

    def _log(self, log: Log, tell: Tell) -> Log:
        changed = self._said(log, _LOG_TEXTS if log.error_type or log.error_stack else _MESSAGE, tell)
        if changed and log.attributes.get("event") == EVENT:
            changed["attributes"] = _no_longer_complete(log.attributes, changed.get("attributes"))
        return replace(log, **changed) if changed else log

    def _span(self, span: Span, tell: Tell) -> Span:
        changed = self._said(span, _SPAN_TEXTS, tell)
        if span.events and (events := self._tree(list(span.events), "events", tell, {})) != list(span.events):
            changed["events"] = tuple(events)
        links = tuple(self._link(link, at, tell) for at, link in enumerate(span.links))
        if links != span.links:
            changed["links"] = links
        return replace(span, **changed) if changed else span

    def _link(self, link: Link, at: int, tell: Tell) -> Link:
        kept = self._tree(link.attributes, f"links[{at}]", tell, {})
        return link if kept is link.attributes else replace(link, attributes=kept)

    def _metric(self, metric: Metric, tell: Tell) -> Metric:
        changed = self._texts(metric, _METRIC_TEXTS, tell, {})
        changed |= self._changed("tags", metric.tags, tell, {})
        return replace(metric, **changed) if changed else metric

    def _said(self, signal: Log | Span, fields: Iterable[tuple[str, str]], tell: Tell) -> dict[str, Any]:
        """The attributes and the texts that change: what the former lose goes from the latter."""
        lost: Lost = {}
        removals: list[tuple[str, str, str]] = []
        changed = self._changed(
            "attributes", signal.attributes, lambda *removal: removals.append(removal), lost
        )
        if lost:
            changed |= without(signal, fields, lost, tell)
        changed |= self._texts(signal, fields, tell, changed)
        for removal in removals:
            tell(*removal)
        return changed

    def _texts(
        self, signal: Signal, fields: Iterable[tuple[str, str]], tell: Tell, made: dict[str, Any]
    ) -> dict[str, Any]:
        """The texts that change. made: those that have changed already."""
        changed: dict[str, Any] = {}
        known = self._rules.clean
        for name, field in fields:
            before = made.get(name) or getattr(signal, name)
            if before and before not in known and (after := self._rules.text(before)) is not before:
                kept = self._settled_text(before, after, _Place(field, PLAIN, tell, {}))
                if kept != before:
                    changed[name] = kept
        return changed

    def _changed(self, name: str, tree: dict[str, Any], tell: Tell, lost: Lost) -> dict[str, Any]:
        kept = self._tree(tree, name, tell, lost) if tree else tree
        return {} if kept is tree else {name: kept}

    def _tree(self, before: Any, field: str, tell: Tell, lost: Lost) -> Any:
        after = self._rules.tree(before)
        return before if after is before else self._settled(before, after, _Place(field, PLAIN, tell, lost))

    # --- What was changed, by which rule --------------------------------------------------------

    def _settled(self, before: Any, after: Any, place: _Place) -> Any:
        """What stays of a value of which `after` is without secrets."""
        if before is after:
            return before
        if isinstance(before, dict) and isinstance(after, dict):
            redacted = list(after.items())
            if len(before) != len(after):  # several names became one
                each = (self._rules.tree({name: held}) for name, held in before.items())
                redacted = [member for one in each for member in one.items()]
            members = zip(before.items(), redacted, strict=True)
            return _apart(self._settled_member(before, old, new, place) for old, new in members)
        if isinstance(before, list | tuple) and isinstance(after, list | tuple) and len(before) == len(after):
            kinds = [place.kind] * len(before)
            if len(before) == 2 and isinstance(before[0], str):  # ["authorization", "..."]
                kinds[1] = max(place.kind, self._rules.kind(before[0]))
            pairs = enumerate(zip(before, after, kinds, strict=True))
            return [
                self._settled(old, new, place._replace(field=f"{place.field}[{at}]", kind=kind))
                for at, (old, new, kind) in pairs
            ]
        if isinstance(before, str) and isinstance(after, str):
            return self._settled_text(before, after, place)
        if before == after:
            return before
        rule = self._by_name(place) or (CARD if isinstance(before, int | float) else NAMES)
        if rule in self._off:
            return before
        place.lost.update(dict.fromkeys(leaves(before), rule))
        place.tell(rule, place.field, guard.said(before))
        return after

    def _settled_member(
        self, holder: dict[str, Any], old: tuple[Any, Any], new: tuple[Any, Any], place: _Place
    ) -> tuple[Any, Any]:
        name = old[0]
        field = f"{place.field}.{new[0]}"
        labels = (holder.get(by) for by, held in PAIRS if held == name)
        kind = max(self._kind(name), place.kind, *map(self._kind, labels))
        named = self._settled(name, new[0], place._replace(field=field, kind=PLAIN))
        return named, self._settled(old[1], new[1], place._replace(field=field, kind=kind))

    def _kind(self, name: object) -> int:
        """What a name says of all that it holds: an object behind `session` has names of its own."""
        kind = self._rules.kind(name) if isinstance(name, str) else PLAIN
        return PLAIN if kind == OPEN else kind

    def _settled_text(self, before: str, after: str, place: _Place) -> str:
        if before == after:
            return before
        if after == MARK:
            rule = self._by_name(place) or self._whole(before)
            return before if rule in self._off else self._told(rule, before, MARK, place)
        found = removed(before, after)
        if found is None:  # an escape was written out, or the like
            return self._told(NAMES, before, self._written(after), place)
        kept = [found.kept[0]]
        for gone, text in zip(found.gone[:_JUDGED_MAX], found.kept[1:], strict=False):
            kept += (self._part(before, gone, place), text)
        for gone, text in zip(found.gone[_JUDGED_MAX:], found.kept[_JUDGED_MAX + 1 :], strict=True):
            kept += (self._told(NAMES, before[gone.begin : gone.end], self._written(gone.mark), place), text)
        return "".join(kept)

    def _part(self, before: str, gone: Gone, place: _Place) -> str:
        """What stands in the place of a part of a text."""
        text = before[gone.begin : gone.end]
        number = number_of(gone.mark)
        if 0 <= number < len(self._own):
            rule, instead = self._own[number]
            return self._told(rule, text, instead, place)
        if text in ("", MARK):
            return MARK
        name = named_before(before, gone.begin)
        kind = self._rules.kind(name) if name else PLAIN
        rule = (KEYS if kind == ASKED else NAMES) if kind > PLAIN else ""
        rule = rule or looks_like(before, gone, holds=self._rules.text(text) != text)
        return text if rule in self._off else self._told(rule, text, gone.mark, place)

    def _whole(self, before: str) -> str:
        """The rule by which a text without a telling name is gone as a whole."""
        if self._rules.text(before) != before:
            return looks_like(before, Gone(0, len(before), MARK), holds=True)
        return ENCODED if self._rules.encoded(before) else NAMES

    def _by_name(self, place: _Place) -> str:
        return "" if place.kind <= PLAIN else KEYS if place.kind == ASKED else NAMES

    def _told(self, rule: str, text: str, instead: str, place: _Place) -> str:
        place.tell(rule, place.field, text)
        if instead == MARK:  # what another mark stands for is found in any text by its own expression
            place.lost[text] = rule
        return instead

    def _written(self, text: str) -> str:
        """A text with the configuration's replacements in the place of its rules' marks."""
        for number, (_, instead) in enumerate(self._own):
            text = text.replace(MARK_SIGN + chr(ord("\ue000") + number), instead)
        return text


def _no_longer_complete(before: dict[str, Any], after: dict[str, Any] | None) -> dict[str, Any]:
    """What of an event was redacted here is not what was delivered: it must not be sent again."""
    kept = after if after is not None else before
    marks = kept.get("invocation_event")
    if not isinstance(marks, dict) or marks == before.get("invocation_event"):
        return kept
    return {**kept, "invocation_event": {**marks, "complete": False, "redacted": True}}


def _apart(members: Iterable[tuple[Any, Any]]) -> dict[Any, Any]:
    """Members as an object: names that became the same are numbered, so that no value is lost."""
    kept: dict[Any, Any] = {}
    seen: Counter[Any] = Counter()
    for name, value in members:
        own = name
        while own in kept:
            seen[name] += 1
            own = f"{name} {seen[name] + 1}"
        kept[own] = value
    return kept


_LOG_TEXTS = (
    ("message", "message"),
    ("error_type", "error.type"),
    ("error_message", "error.message"),
    ("error_stack", "error.stack"),
)
_MESSAGE = _LOG_TEXTS[::2]
_SPAN_TEXTS = (("name", "name"), ("status_message", "status_message"))
_METRIC_TEXTS = (("name", "name"), ("set_member", "set_member"))
