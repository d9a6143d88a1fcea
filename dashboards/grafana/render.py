"""Pages and alarms for Grafana 11.6: dashboards, alert rules, and how they are provisioned.

<source>/dashboards/<page>.json      one dashboard a page
<source>/alerting/rules.yaml         alert rules, by file provisioning
prometheus/rules/alerts.yaml         the same as Prometheus's own rules; recording.yaml for burn rates
prometheus/aps.template.yaml         the same for Amazon Managed Service for Prometheus
alerting/policies.example.yaml       how messages are grouped
provisioning/*.yaml                  where dashboards are, data sources with the UIDs that rules name
annotations.json                     cutovers and deployments for POST /api/annotations
install.md                           how all of it gets into Grafana
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import yaml

from dashboards.alarms.values import Alarms
from dashboards.grafana.asked import Source, SourceName, grouped
from dashboards.grafana.boards import Board, board
from dashboards.grafana.cloudwatch import CloudWatch
from dashboards.grafana.elasticsearch import Elasticsearch
from dashboards.grafana.fields import titled
from dashboards.grafana.groups import rule_groups
from dashboards.grafana.install import install_text
from dashboards.grafana.links import Links
from dashboards.grafana.marks import marks
from dashboards.grafana.own_rules import prometheus_files
from dashboards.grafana.prometheus import Prometheus
from dashboards.grafana.provisioning import datasources, policies, providers
from dashboards.kibana.store import store_of
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered, pretty
from dashboards.resources import Note, System

SOURCES: tuple[SourceName, ...] = ("cloudwatch", "prometheus", "elasticsearch")


def render(system: System, pages: Sequence[Page], alarms: Alarms, options: Options) -> Rendered:
    """Return the files for the data source of the options, for all three where it is empty.

    Raises ValueError if there is no such data source.
    """
    if options.source and options.source not in SOURCES:
        raise ValueError(f"Grafana has no data source {options.source} here: {', '.join(SOURCES)}.")
    store, of_store = store_of(system, "elasticsearch")
    made: dict[SourceName, Source] = {
        "cloudwatch": CloudWatch(system),
        "prometheus": Prometheus(system),
        "elasticsearch": Elasticsearch(system, store),
    }
    chosen = [made[name] for name in SOURCES if options.source in ("", name)]
    files: dict[str, str] = {}
    notes: list[Note] = []
    for source in chosen:
        found, told = _of_source(source, system, pages, alarms)
        files |= found
        notes += told
        if source.name == "elasticsearch":
            notes += of_store
    if options.source in ("", "prometheus"):
        found, told = prometheus_files(system, alarms)
        files |= found
        notes += told
    files["alerting/policies.example.yaml"] = yaml_text(policies(system))
    files["annotations.json"] = pretty(marks(system))
    files["provisioning/dashboards.yaml"] = yaml_text(providers(system, chosen))
    files["provisioning/datasources.example.yaml"] = yaml_text(datasources(system, chosen, store))
    files["install.md"] = install_text(system, chosen)
    notes += _general(system, alarms, [source.name for source in chosen])
    return Rendered(files=dict(sorted(files.items())), notes=tuple(dict.fromkeys(notes)))


def yaml_text(tree: Any) -> str:
    """Return YAML for people, the same for the same tree."""
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    # Trees share parts; aliases in YAML would only confuse.
    plain = json.loads(json.dumps(tree))
    return str(yaml.dump(plain, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1_000_000))


def _of_source(
    source: Source, system: System, pages: Sequence[Page], alarms: Alarms
) -> tuple[dict[str, str], list[Note]]:
    links = Links(system, pages, source)
    boards: dict[str, Board] = {page.name: board(page, system, source, links) for page in pages}
    files = {f"{source.name}/dashboards/{name}.json": pretty(one.body) for name, one in boards.items()}
    groups, absent = rule_groups(system, pages, alarms, source, links, boards)
    files[f"{source.name}/alerting/rules.yaml"] = yaml_text(groups)
    shown = [one for each in boards.values() for one in each.absent]
    notes = [
        Note(level="info", text=f"Grafana with {source.name} cannot show {few(names)}: {reason}")
        for reason, names in grouped([(titled(measure), why) for measure, why in shown]).items()
    ]
    notes += [
        Note(level="warning", text=f"Grafana with {source.name} cannot tell {few(names)}: {reason}")
        for reason, names in grouped(absent).items()
    ]
    return files, notes


def few(names: Sequence[str]) -> str:
    """Return the first eight names, and how many more there are."""
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return ", ".join(names[:8]) + more


def _general(system: System, alarms: Alarms, sources: Sequence[str]) -> list[Note]:
    """What holds for all of it, once each."""
    found = []
    if alarms.composites:
        names = few([one.name for one in alarms.composites])
        found.append(
            f"Grafana has no composite alarms ({names}): their children have the label composite, and "
            "alerting/policies.example.yaml makes one message of those of one composite."
        )
    if quiet := [alarm.name for alarm in alarms.alarms if alarm.suppressed_by]:
        found.append(
            f"Grafana's own rules do not silence each other ({few(quiet)}): the label suppressed_by says "
            "what explains them; an Alertmanager can inhibit by it."
        )
    if marks(system):
        found.append(
            "Cutovers and deployments are annotations in Grafana's database: send each entry of "
            "annotations.json to POST /api/annotations once."
        )
    if len(sources) > 1:
        found.append(
            f"Each of {', '.join(sources)} has rules of the same alarms: install those of one, as install.md "
            f"does with those of {sources[0]}, or every alarm is told as often."
        )
    return [Note(level="info", text=text) for text in found]
