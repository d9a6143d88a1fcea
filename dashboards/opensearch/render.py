"""Pages and alarms for OpenSearch Dashboards 2.17 and the Alerting plugin: objects to import, monitors, how.

saved-objects.ndjson     index patterns, saved searches, visualisations and dashboards
saved-objects-2.ndjson   what is too much for one import, and so on
monitors/<alarm>.json    bodies of POST _plugins/_alerting/monitors
install.md               the commands, and what each monitor means
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.kibana.bundles import bundles
from dashboards.kibana.install import order_text, rule_rows
from dashboards.kibana.objects import dashboard_id, search_id
from dashboards.kibana.pages import queries_of
from dashboards.kibana.render import few, judged, rule_notes
from dashboards.kibana.shown import notes_of, shown
from dashboards.kibana.store import INDICES, store_of
from dashboards.kibana.texts import Places
from dashboards.opensearch.monitors import burn_monitor, monitor_of
from dashboards.opensearch.objects import OPENSEARCH, pattern_object, search_object
from dashboards.opensearch.pages import page_objects
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered, pretty
from dashboards.resources import Note, System

_TOOL = "OpenSearch Dashboards"
_HEAD = """# {title}: OpenSearch Dashboards {version}

Made by `observe dashboards`; change observe.yaml or the template, not these files.

## Dashboards, index patterns, saved searches
{order}
```sh
export DASHBOARDS=https://dashboards.example.com   # in Amazon OpenSearch Service: https://<domain>/_dashboards
for file in {files}; do
  curl --fail-with-body -X POST "$DASHBOARDS/api/saved_objects/_import?overwrite=true" \\
    -H 'osd-xsrf: true' -u "$USERNAME:$PASSWORD" --form file=@"$file"
done
```

Each answer must say `"success":true` and the number of objects. What is there under the same IDs is replaced.

## Monitors

A monitor has no notification channel: add yours in Alerting, or as `actions` of its trigger. Creating twice
makes two monitors; delete the old ones first.

```sh
export OPENSEARCH=https://opensearch.example.com:9200
for monitor in monitors/*.json; do
  curl --fail-with-body -X POST "$OPENSEARCH/_plugins/_alerting/monitors" \\
    -H 'Content-Type: application/json' -u "$USERNAME:$PASSWORD" --data @"$monitor"
done
```
"""


def render(system: System, pages: Sequence[Page], alarms: Alarms, options: Options) -> Rendered:  # noqa: ARG001
    """Return the files for OpenSearch. options: none is used."""
    store, notes = store_of(system, "opensearch")
    found = [shown(page, system, store) for page in pages]
    queries = queries_of(pages)
    places = Places(
        pages={page.name: f"#/view/{dashboard_id(page.name, system)}" for page in pages},
        queries={name: f"discover#/view/{search_id(name, system)}" for name in queries},
        alerts="alerting#/dashboard",
    )
    saved = bundles(
        (pattern_object(index, store, system) for index in INDICES),
        (search_object(query, system) for query in queries.values()),
        (tuple(page_objects(page, system, store, alarms, places)) for page in found),
    )
    monitors, absent = judged(
        alarms,
        lambda alarm: monitor_of(alarm, system, store),
        lambda slo, burn: burn_monitor(slo, burn, system, store),
    )
    head = _HEAD.format(
        title=system.title,
        version=OPENSEARCH,
        order=order_text(tuple(saved), "index patterns"),
        files=" ".join(saved),
    )
    files = {
        "install.md": "\n".join([head, *rule_rows(alarms, monitors)]) + "\n",
        **{f"monitors/{name}.json": pretty(monitors[name]) for name in sorted(monitors)},
        **saved,
    }
    told = (*notes, *notes_of(_TOOL, found), *rule_notes(_TOOL, absent), *_limits(pages, alarms, monitors))
    return Rendered(files=files, notes=told)


def _limits(pages: Sequence[Page], alarms: Alarms, monitors: dict[str, Any]) -> tuple[Note, ...]:
    """What OpenSearch's monitors and Vega are not, once each."""
    told = [alarm for alarm in alarms.alarms if alarm.name in monitors]
    panels = [panel for page in pages for section in page.sections for panel in section.panels]
    said = (
        (
            [one.name for one in told if one.condition.missing == "keep"],
            "a monitor cannot keep its state without data: it is completed",
        ),
        (
            [one.name for one in told if one.suppressed_by],
            "monitors do not silence each other: acknowledge the alert, or disable the monitor",
        ),
        (
            [one.name for one in alarms.composites],
            "a composite monitor needs the IDs of its parts: make it when they are there",
        ),
        (
            [panel.id for panel in panels if panel.links],
            "a chart in Vega has no drilldowns: the links stand below the title of the section",
        ),
    )
    return tuple(
        Note(level="info", text=f"{_TOOL} ({few(names)}): {reason}.") for names, reason in said if names
    )
