"""Prometheus's own rule files of all alarms, and CloudFormation that puts them into its managed service."""

from __future__ import annotations

import json
from typing import Any

import yaml

from dashboards.alarms.told import Told
from dashboards.alarms.values import Alarms
from dashboards.cloudwatch.metrics import Absent
from dashboards.grafana.asked import grouped
from dashboards.grafana.recorded import alert_of, burn_alert, recording
from dashboards.grafana.rules import groups_of, told_of_burn
from dashboards.resources import Note, System, slug

#: What stands before Prometheus, and how it is set.
NEEDS = (
    "Prometheus needs our metrics by OTLP through a collector with the processor deltatocumulative, and "
    "AWS's by yet-another-cloudwatch-exporter with its period as scrape interval (namespaces of our own as "
    "customNamespace). Grafana's rules and these are the same alarms: use one of the two."
)


def prometheus_files(system: System, alarms: Alarms) -> tuple[dict[str, str], list[Note]]:
    """Return rules/alerts.yaml, rules/recording.yaml and aps.template.yaml below prometheus/."""
    alerts: list[dict[str, Any]] = []
    records: list[dict[str, Any]] = []
    absent: list[tuple[str, str]] = []
    for alarm in alarms.alarms:
        made = alert_of(alarm, Told.of_alarm(alarm), system, groups_of(alarm.name, alarms.composites))
        if isinstance(made, Absent):
            absent.append((alarm.name, made.reason))
        else:
            alerts.append(made)
    for slo in alarms.slos:
        recorded = recording(slo, system)
        if isinstance(recorded, Absent):
            absent.append((slo.name, recorded.reason))
            continue
        records += recorded
        groups = groups_of(slo.name, alarms.composites)
        alerts += [burn_alert(slo, burn, told_of_burn(slo, burn), system, groups) for burn in slo.burns]
    name = slug(system.title)
    texts = {
        "alerts.yaml": _file(f"{name}-alerts", alerts),
        "recording.yaml": _file(f"{name}-recording", records),
    }
    files = {f"prometheus/rules/{file}": text for file, text in texts.items()}
    files["prometheus/aps.template.yaml"] = _managed(name, texts)
    notes = [Note(level="info", text=NEEDS)]
    notes += [
        Note(level="warning", text=f"Prometheus's rules have no {', '.join(names)}: {reason}")
        for reason, names in grouped(absent).items()
    ]
    return files, notes


def _file(name: str, rules: list[dict[str, Any]]) -> str:
    groups = [{"name": name, "interval": "1m", "rules": rules}] if rules else []
    return _text({"groups": groups})


def _managed(name: str, texts: dict[str, str]) -> str:
    """CloudFormation of rule groups; Data is the text of a rule file."""
    resources = {
        f"Rules{index}": {
            "Type": "AWS::APS::RuleGroupsNamespace",
            "Properties": {
                "Workspace": {"Ref": "WorkspaceArn"},
                "Name": f"{name}-{file.split('.')[0]}",
                "Data": text,
            },
        }
        for index, (file, text) in enumerate(texts.items(), 1)
        if "rules:" in text
    }
    template = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": "Alerting and recording rules in Amazon Managed Service for Prometheus.",
        "Parameters": {"WorkspaceArn": {"Type": "String", "Description": "ARN of the workspace."}},
        "Resources": resources or {"Nothing": {"Type": "AWS::CloudFormation::WaitConditionHandle"}},
    }
    return _text(template)


def _text(tree: dict[str, Any]) -> str:
    dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
    # Rules share parts; aliases in YAML would only confuse.
    plain = json.loads(json.dumps(tree))
    return str(yaml.dump(plain, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1_000_000))
