"""How the files are installed in Kibana, as markdown, and what each rule means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.alarms.words import condition_words
from dashboards.kibana.objects import KIBANA
from dashboards.kibana.texts import burn_name, burn_words
from dashboards.resources import System

_HEAD = """# {title}: Kibana {version}

Made by `observe dashboards`; change observe.yaml or the template, not these files.

## Dashboards, data views and saved searches
{order}
```sh
export KIBANA=https://kibana.example.com   # with /s/<space> where it is not the default space
for file in {files}; do
  curl --fail-with-body -X POST "$KIBANA/api/saved_objects/_import?overwrite=true" \\
    -H 'kbn-xsrf: true' -H "Authorization: ApiKey $KIBANA_API_KEY" --form file=@"$file"
done
```

Each answer must say `"success":true` and the number of objects. What is there under the same IDs is replaced.
Import into one space: in a second one Kibana gives the objects new IDs; links and rules name the old ones.

## Rules

After the import, for they name its data views. The key needs all privileges of Logs (Observability). A rule
has no connector: add yours in Kibana, or as `actions`.
Creating twice makes two rules; delete the old ones (tag `hybrid-observe`) first.

```sh
for rule in rules/*.json; do
  curl --fail-with-body -X POST "$KIBANA/api/alerting/rule" \\
    -H 'kbn-xsrf: true' -H 'Content-Type: application/json' \\
    -H "Authorization: ApiKey $KIBANA_API_KEY" --data @"$rule"
done
```
"""


def install_text(system: System, alarms: Alarms, rules: Mapping[str, Any], files: Sequence[str]) -> str:
    """Return install.md. rules: by name, those that there are; files: to import, in order."""
    head = _HEAD.format(
        title=system.title, version=KIBANA, order=order_text(files, "data views"), files=" ".join(files)
    )
    return "\n".join([head, *rule_rows(alarms, rules)]) + "\n"


def order_text(files: Sequence[str], views: str) -> str:
    """Return a paragraph on the order of the files to import; nothing where there is one."""
    if len(files) == 1:
        return ""
    return (
        f"\nThey are more than one import takes: {len(files)} files, to import in this order. Each repeats\n"
        f"the {views} and searches that its dashboards need; links between them work when all are there.\n"
    )


def rule_rows(alarms: Alarms, rules: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a table of rules: what each judges, means, and where its runbook is."""
    if not rules:
        return
    yield "| rule | severity | tells when | meaning | owner | runbook |"
    yield "|---|---|---|---|---|---|"
    for alarm in alarms.alarms:
        if alarm.name in rules:
            about = " ".join(part for part in (alarm.about, alarm.reason) if part)
            yield _row(
                alarm.name,
                alarm.severity,
                condition_words(alarm.condition),
                about,
                alarm.owner,
                alarm.runbook,
            )
    for slo in alarms.slos:
        for burn in slo.burns:
            name = burn_name(slo, burn)
            if name in rules:
                about = " ".join(part for part in (f"{slo.title}.", slo.about) if part)
                yield _row(name, burn.severity, burn_words(burn), about, slo.owner, slo.runbook)


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"
