"""NOTES.md of a target: what its tool cannot show or tell, grouped by reason, and names that are to be given.

Places in templates are left out on purpose: a comment that moves lines must not make `--check` fail.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from dashboards.resources import Note, NoteLevel, System
from subscribers.config_problems import printable

NOTES = "NOTES.md"
#: Level of a note -> the title of its section, in order.
_TITLES: dict[NoteLevel, str] = {
    "error": "To be mended",
    "warning": "Left out or different",
    "info": "Worth knowing",
}
_TOOLS = {
    "cloudwatch": "CloudWatch",
    "datadog": "Datadog",
    "kibana": "Kibana",
    "opensearch": "OpenSearch Dashboards",
    "grafana": "Grafana",
}
_MARKUP = re.compile(r"([\\`*\[\]<>|])")
_BETWEEN = ": "


def notes_file(target: str, notes: Sequence[Note], system: System) -> str:
    """Return the text of NOTES.md: every note once, those of one reason together."""
    lines = [
        f"# What {_TOOLS.get(target, target)} does not show, and why",
        "",
        "Written by `observe dashboards generate`; the next run overwrites it.",
        "`observe dashboards model` tells what was not understood of the templates.",
    ]
    for level, title in _TITLES.items():
        texts = list(dict.fromkeys(_line(note.text) for note in notes if note.level == level))
        if texts:
            lines += ["", f"## {title}", "", *_grouped(texts)]
    if not notes:
        lines += ["", "Nothing is left out."]
    return "\n".join([*lines, *_names(system)]) + "\n"


def _line(text: str) -> str:
    """One line of what anybody's names may be in, as text and not as markup."""
    return _MARKUP.sub(r"\\\1", printable(" ".join(text.split())))


def _grouped(texts: Iterable[str]) -> Iterator[str]:
    """Yield the lines of a list: a reason, and below it what it is the reason of."""
    known = list(texts)
    counts = Counter(reason for text in known for reason in set(_reasons(text)))
    groups: dict[str, list[str]] = {}

    def weight(reason: str) -> tuple[bool, int, int]:
        # A reason is a sentence of its own, and those that are there once are nobody's.
        return counts[reason] > 1 and reason[:1].isupper(), counts[reason], len(reason)

    for text in known:
        reason = max(_reasons(text), key=weight)
        subject = text.removesuffix(reason).removesuffix(_BETWEEN) if counts[reason] > 1 else ""
        groups.setdefault(reason if subject else text, []).append(subject)
    for reason, subjects in groups.items():
        yield f"- {reason[:1].upper() + reason[1:] if any(subjects) else reason}"
        yield from (f"  - {subject}" for subject in subjects if subject)


def _reasons(text: str) -> list[str]:
    """The ends of a text that may be its reason: whatever stands behind a colon, and the whole."""
    parts = text.split(_BETWEEN)
    return [end for start in range(len(parts)) if (end := _BETWEEN.join(parts[start:]))] or [text]


def _names(system: System) -> Iterator[str]:
    unknown = [one.id for one in system.resources.values() if not one.name.known]
    if not unknown:
        return
    yield from ("", "## Names that only the deployed stack knows", "")
    yield "`aws cloudformation describe-stack-resources --stack-name NAME > names.json` tells them;"
    yield from ("`--names names.json` puts them in.", "")
    yield from (f"- {_line(one)}" for one in unknown)
