"""Markdown of panels: links between pages, to saved searches and elsewhere, and what an alarm is."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from dashboards.alarms.values import Alarm, Alarms, Burn, Composite, Slo
from dashboards.alarms.words import condition_words, length
from dashboards.panels import Panel

_LINK = re.compile(r"\[([^\]]*)\]\((page|query):([^)]*)\)")
_ANY_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")
#: Bold, italic and code: what is between the marks stays.
_MARKED = re.compile(r"(\*{1,3}|`+)(\S(?:.*?\S)?)\1")
_HEADING = re.compile(r"^#+ +|^[-*] +", re.MULTILINE)


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Addresses, relative to a dashboard's. pages, queries: name -> address; alerts: where alarms are."""

    pages: Mapping[str, str]
    queries: Mapping[str, str]
    alerts: str


def markdown(text: str, places: Places) -> str:
    """Return markdown in which links to pages and queries have addresses; one to nowhere is its label."""

    def linked(found: re.Match[str]) -> str:
        label, kind, name = found.groups()
        address = (places.pages if kind == "page" else places.queries).get(name)
        return f"[{label}]({address})" if address else label

    return _LINK.sub(linked, text)


def alarms_text(panel: Panel, alarms: Alarms, places: Places) -> str:
    """Return the alarms of a panel as a list: what is judged, what it means, where the runbook is."""
    known: dict[str, Alarm | Slo | Composite] = {one.name: one for one in alarms.alarms}
    known.update({one.name: one for one in alarms.slos})
    known.update({one.name: one for one in alarms.composites})
    lines = [_line(known[name]) for name in panel.alarms if name in known]
    return "\n".join([f"**[States of the alarms]({places.alerts})**", "", *lines])


def plain(text: str) -> str:
    """Return markdown as a text of one line, for a description: no link leads on from there.

    A line of links alone is left out; of others the labels stay.
    """
    told = [line for line in text.splitlines() if not line or re.search(r"\w", _ANY_LINK.sub("", line))]
    bare = _HEADING.sub("", _ANY_LINK.sub(r"\1", "\n".join(told)))
    return " ".join(_MARKED.sub(r"\2", bare).split())


def burn_name(slo: Slo, burn: Burn) -> str:
    """Return the name of a burn rate's rule: `slo-submit-availability-burn-3d`."""
    return f"{slo.name}-burn-{length(burn.long_s).replace(' ', '')}"


def burn_words(burn: Burn) -> str:
    """Return what a burn rate judges, as words."""
    windows = f"over {length(burn.long_s)} and over {length(burn.short_s)}"
    return f"the error budget burns at more than {burn.factor:g} times the allowed rate, {windows}"


def _line(one: Alarm | Slo | Composite) -> str:
    runbook = f" [Runbook]({one.runbook})" if one.runbook else ""
    about = f" {one.about}" if one.about else ""
    judged = f" ({condition_words(one.condition)})" if isinstance(one, Alarm) else ""
    return f"- **{one.title}**{judged}.{about}{runbook}"
