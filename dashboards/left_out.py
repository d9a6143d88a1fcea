"""NOTES.md of a target: what its tool cannot show or tell, grouped by reason, and names that are to be given.

Places in templates are left out on purpose: a comment that moves lines must not make `--check` fail.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

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
#: Subjects of one reason that are listed; the rest is a number.
_SUBJECTS_MAX = 20
#: Words from which on what stands behind a colon is taken for a sentence.
_SENTENCE_WORDS = 4


def notes_file(target: str, notes: Sequence[Note], system: System) -> str:
    """Return the text of NOTES.md: every note once, those of one reason together."""
    lines = [
        f"# What {_TOOLS.get(target, target)} does not show, and why",
        "",
        "Written by `observe dashboards generate`; the next run overwrites it.",
        "`observe dashboards model` tells what was not understood of the templates.",
    ]
    for level, title in _TITLES.items():
        own = [note for note in notes if note.level == level]
        if own:
            lines += ["", f"## {title}", "", *_grouped(own)]
    if not notes:
        lines += ["", "Nothing is left out."]
    return "\n".join([*lines, *_names(system)]) + "\n"


def _line(text: str) -> str:
    """One line of what anybody's names may be in, as text and not as markup."""
    return _MARKUP.sub(r"\\\1", printable(" ".join(text.split())))


def _grouped(notes: Sequence[Note]) -> Iterator[str]:
    """Yield the lines of a list: a reason, and below it what it is the reason of."""
    split = [one for one in dict.fromkeys(map(_parts, notes)) if any(one)]
    shared = Counter(reason for _, reason in split)
    groups: dict[str, list[str]] = {}
    for subject, reason in split:
        if subject and shared[reason] > 1:
            groups.setdefault(reason, []).append(subject)
        else:
            groups.setdefault(f"{subject}{_BETWEEN if subject else ''}{reason}", [])
    for reason, subjects in groups.items():
        yield f"- {_line(reason)}"
        yield from _listed(subjects)


def _listed(subjects: Sequence[str]) -> Iterator[str]:
    yield from (f"  - {_line(subject)}" for subject in subjects[:_SUBJECTS_MAX])
    if (more := len(subjects) - _SUBJECTS_MAX) > 0:
        yield f"  - and {more:,} more"


def _parts(note: Note) -> tuple[str, str]:
    """What a note is about, and why: as its maker says, else by the first colon before a sentence."""
    text = " ".join(note.text.split())
    reason = " ".join(note.reason.split())
    if reason and text.endswith(reason):
        return text.removesuffix(reason).rstrip().removesuffix(":"), reason
    return next(_splits(text), ("", text))


def _splits(text: str) -> Iterator[tuple[str, str]]:
    for found in re.finditer(_BETWEEN, text):
        subject, reason = text[: found.start()], text[found.end() :]
        # `endpoint_metrics: true` is a setting that a sentence names.
        is_setting = "_" in subject.rpartition(" ")[2] or subject.count("`") % 2
        if not is_setting and len(reason.split()) >= _SENTENCE_WORDS:
            yield subject, reason


def _names(system: System) -> Iterator[str]:
    unknown = [one.id for one in system.resources.values() if not one.name.known]
    if not unknown:
        return
    yield from ("", "## Names that only the deployed stack knows", "")
    yield "`aws cloudformation describe-stack-resources --stack-name NAME > names.json` tells them;"
    yield from ("`--names names.json` puts them in.", "")
    yield from (f"- {_line(one)}" for one in unknown[:_SUBJECTS_MAX])
    if (more := len(unknown) - _SUBJECTS_MAX) > 0:
        yield f"- and {more:,} more, which `observe dashboards model` lists"
