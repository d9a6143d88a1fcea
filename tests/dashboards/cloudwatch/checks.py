"""Every check of what is generated for CloudWatch: cfn-lint, AWS's offline validator, our own."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import yaml
from cloudformation_validate import (  # type: ignore[import-untyped]
    CompositeEngine,
    TemplateContent,
)

from dashboards.alarms.values import Alarms
from dashboards.panels import Page
from dashboards.rendered import Rendered
from dashboards.resources import System
from tests.dashboards.cloudwatch.bodies import (
    body_problems,
    dimension_problems,
    formula_problems,
    known_values,
    resolved,
)
from tests.dashboards.cloudwatch.filter_patterns import PatternError, read
from tests.dashboards.cloudwatch.linting import linted
from tests.dashboards.cloudwatch.merged import merged_problems
from tests.dashboards.cloudwatch.preflight import preflight_problems

#: The same as safe_load's, in C where PyYAML has it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
#: Templates of one system that cfn-lint reads all of.
FEW = 3
_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
_TERM = re.compile(r'ALARM\("([^"]+)"\)')
_RULE = re.compile(
    r'(?:ALARM\("[^"]+"\)|TRUE|FALSE)'
    r'(?:( AND )ALARM\("[^"]+"\)(?:\1ALARM\("[^"]+"\))*|(?: OR ALARM\("[^"]+"\))*)'
)
_REFERENCE_SIZE = 64
_STATISTIC = re.compile(r"Sum|Average|Minimum|Maximum|SampleCount|p[0-9]{1,2}(\.[0-9]+)?")
_CONDITIONS = (
    "ComparisonOperator",
    "Threshold",
    "EvaluationPeriods",
    "DatapointsToAlarm",
    "TreatMissingData",
)


def problems(rendered: Rendered, system: System, pages: Sequence[Page], alarms: Alarms) -> list[str]:
    """Return every problem of the files, as sentences; nothing where they are valid."""
    return list(_problems(rendered, system, pages))


def _problems(rendered: Rendered, system: System, pages: Sequence[Page]) -> Iterator[str]:
    stacks = {name: text for name, text in rendered.files.items() if name.startswith("template")}
    trees: dict[str, dict[str, Any]] = {}
    for name, text in rendered.files.items():
        if not text.endswith("\n"):
            yield f"{name} does not end with a new line"
        try:
            trees[name] = yaml.load(text, LOADER)
        except yaml.YAMLError as fault:
            yield f"{name} is no YAML: {fault}"
    for name, text in stacks.items():
        if name in trees:
            yield from _template(name, text, trees[name])
    for name in _linted({name: trees[name] for name in stacks if name in trees}):
        for match in linted(stacks[name]):
            yield f"{name}: cfn-lint {match.rule.id} line {match.linenumber}: {match.message}"
    resources = [
        (name, id, one) for name in stacks if name in trees for id, one in trees[name]["Resources"].items()
    ]
    yield from _resources(resources, system)
    if fragment := trees.get("fragment.yaml"):
        if set(fragment) != {"Resources"}:
            yield "fragment.yaml has more than Resources"
        inside = [("fragment.yaml", id, one) for id, one in fragment["Resources"].items()]
        yield from _resources(inside, system)
        yield from merged_problems(fragment, system)
        if stacks and Counter(one["Type"] for _, _, one in inside) != Counter(
            one["Type"] for _, _, one in resources
        ):
            yield "fragment.yaml and the templates have different resources"
    shown = {
        one["Properties"]["DashboardName"]
        for _, _, one in resources
        if one["Type"] == "AWS::CloudWatch::Dashboard"
    }
    yield from (
        f"no dashboard shows the page {page.name}"
        for page in pages
        if not any(page.name in one for one in shown)
    )


def _linted(trees: dict[str, dict[str, Any]]) -> list[str]:
    """The templates that cfn-lint reads, which is slow: all of a few, of many the one with the most types."""
    if len(trees) <= FEW:
        return list(trees)
    kinds = {name: {one["Type"] for one in tree["Resources"].values()} for name, tree in trees.items()}
    return [max(kinds, key=lambda name: (len(kinds[name]), "AWS::CloudWatch::Dashboard" in kinds[name]))]


@cache
def _engine() -> CompositeEngine:
    return CompositeEngine()


def _template(name: str, text: str, tree: dict[str, Any]) -> Iterator[str]:
    if len(text.encode()) > 1_000_000:
        yield f"{name} has {len(text.encode())} bytes, more than 1 MB"
    for section, most in (("Resources", 500), ("Parameters", 200)):
        if len(tree.get(section, {})) > most:
            yield f"{name} has {len(tree[section])} {section.lower()}, more than {most}"
    yield from preflight_problems(name, tree)
    report = _engine().validate_template(TemplateContent(text, name))
    for found in report.diagnostics:
        if found.severity.name in ("FATAL", "ERROR"):
            yield f"{name}: cloudformation-validate {found.rule_id}: {found.message}"


def _resources(resources: list[tuple[str, str, dict[str, Any]]], system: System) -> Iterator[str]:
    names: Counter[str] = Counter()
    for _, _, one in resources:
        properties = one["Properties"]
        own = properties.get("AlarmName") or properties.get("DashboardName") or properties.get("Name", "")
        kind = "" if "AlarmName" in properties else f"|{one['Type']}"
        names[resolved(own) + kind] += 1
    yield from (
        f"{name.partition('|')[0]} is a name twice"
        for name, count in names.items()
        if count > 1 and name[0] != "|"
    )
    alarm_names = {
        one["Properties"]["AlarmName"] for _, _, one in resources if "AlarmName" in one["Properties"]
    }
    ids = {id: str(one["Properties"].get("AlarmName")) for _, id, one in resources if "Alarm" in one["Type"]}
    groups: Counter[str] = Counter()
    values = known_values(system)
    for file, id, one in resources:
        where = f"{file}, {id}"
        properties = one["Properties"]
        match one["Type"]:
            case "AWS::CloudWatch::Dashboard":
                if not _NAME.fullmatch(properties["DashboardName"]):
                    yield f"{where}: {properties['DashboardName']!r} is no name of a dashboard"
                bodies = {resolved(properties["DashboardBody"], is_true=one) for one in (True, False)}
                for body in sorted(bodies):
                    yield from body_problems(where, body, values, alarm_names)
            case "AWS::CloudWatch::Alarm":
                yield from _alarm(where, properties, values)
            case "AWS::CloudWatch::CompositeAlarm":
                yield from _composite(where, chosen(properties, ids, is_true=True), alarm_names)
                if chosen(properties, ids, is_true=False) != properties:
                    yield from _composite(where, chosen(properties, ids, is_true=False), alarm_names)
            case "AWS::Logs::MetricFilter":
                groups[resolved(properties["LogGroupName"])] += 1
                yield from _filter(where, properties)
            case "AWS::Logs::QueryDefinition":
                yield from _query(where, properties)
            case other:
                yield f"{where}: nothing of ours is a {other}"
    yield from (
        f"{group} has {count} metric filters, more than 100" for group, count in groups.items() if count > 100
    )


def chosen(tree: Any, names: dict[str, str], *, is_true: bool) -> Any:
    """Return a tree with every Fn::If decided the same way, and joins without delimiter joined."""
    match tree:
        case {"Ref": str(id)} if id in names:
            return names[id]
        case {"Fn::If": [_, yes, no]}:
            return chosen(yes if is_true else no, names, is_true=is_true)
        case {"Fn::Join": ["", [*parts]]}:
            return "".join(str(chosen(part, names, is_true=is_true)) for part in parts)
        case dict():
            done = {key: chosen(value, names, is_true=is_true) for key, value in tree.items()}
            return {key: value for key, value in done.items() if value != {"Ref": "AWS::NoValue"}}
        case list():
            return [chosen(one, names, is_true=is_true) for one in tree]
        case _:
            return tree


def _alarm(where: str, properties: dict[str, Any], values: set[str]) -> Iterator[str]:
    yield from _described(where, properties)
    yield from (f"{where}: {key} is missing" for key in _CONDITIONS if key not in properties)
    rows = properties.get("Metrics", [])
    if not rows:
        yield from _one(where, properties, values)
        rows = []
    stats = [row["MetricStat"] for row in rows if "MetricStat" in row]
    formulas = [row["Expression"] for row in rows if "Expression" in row]
    if len(stats) > 10 or len(formulas) > 10:
        yield f"{where}: {len(stats)} metrics and {len(formulas)} expressions, more than 10"
    if rows and [row.get("ReturnData", True) for row in rows].count(True) != 1:
        yield f"{where}: not exactly one row returns data"
    ids = [row["Id"] for row in rows]
    if len(ids) != len(set(ids)):
        yield f"{where}: an ID stands twice"
    yield from formula_problems(where, formulas, set(ids))
    for stat in stats:
        yield from _one(
            where, {**stat["Metric"], "Statistic": stat["Stat"], "Period": stat["Period"]}, values
        )
    periods = {stat["Period"] for stat in stats} or {properties.get("Period", 60)}
    count = properties.get("EvaluationPeriods", 1)
    if any(p * count > (604_800 if p >= 3600 else 86_400) or p > 86_400 or p % 60 for p in periods):
        yield f"{where}: {count} periods of {sorted(periods)} s are more than CloudWatch takes"
    if properties.get("DatapointsToAlarm", 1) > count:
        yield f"{where}: more data points than periods"


def _one(where: str, metric: dict[str, Any], values: set[str]) -> Iterator[str]:
    if not metric.get("Namespace") or not metric.get("MetricName"):
        yield f"{where}: a metric has no namespace or no name"
    if not _STATISTIC.fullmatch(str(metric.get("Statistic") or metric.get("ExtendedStatistic"))):
        yield f"{where}: a metric has no statistic that CloudWatch knows"
    pairs = [(one["Name"], resolved(one["Value"])) for one in metric.get("Dimensions", [])]
    yield from dimension_problems(where, pairs, values)


def _described(where: str, properties: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(properties.get("AlarmName", "")) <= 255:
        yield f"{where}: its name has not 1 to 255 characters"
    text = resolved(properties.get("AlarmDescription", ""))
    if not text or len(text) > 1024:
        yield f"{where}: its description has {len(text)} characters, not 1 to 1,024"
    actions = properties.get("AlarmActions", [])
    if isinstance(actions, list) and len(actions) > 5:
        yield f"{where}: more than 5 actions"


def _composite(where: str, properties: dict[str, Any], alarm_names: set[str]) -> Iterator[str]:
    yield from _described(where, properties)
    rule = properties["AlarmRule"]
    children = _TERM.findall(rule)
    if not _RULE.fullmatch(rule):
        yield f"{where}: its rule cannot be read"
    if len(rule) > 10_240 or len(children) > 100:
        yield f"{where}: its rule has {len(rule)} characters and {len(children)} children"
    suppressor = properties.get("ActionsSuppressor")
    for child in [*children, *([suppressor] if suppressor else [])]:
        if child not in alarm_names:
            yield f"{where}: there is no alarm {child}"
    if properties["AlarmName"] in children:
        yield f"{where}: it names itself"
    periods = [
        key
        for key in ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
        if key in properties
    ]
    if len(periods) != (2 if suppressor else 0):
        yield f"{where}: a suppressor needs both of its periods"


def _filter(where: str, properties: dict[str, Any]) -> Iterator[str]:
    for one in properties["MetricTransformations"]:
        if one["MetricNamespace"].startswith("AWS/"):
            yield f"{where}: {one['MetricNamespace']} is a namespace of AWS"
        if "DefaultValue" in one and one.get("Dimensions"):
            yield f"{where}: a default value and dimensions exclude each other"
        name = one["MetricValue"]
        if (
            name.startswith("$")
            and not name.startswith("$.")
            and name[1:] not in re.findall(r"\w+", properties["FilterPattern"])
        ):
            yield f"{where}: its pattern has no field {name}"
    pattern = properties["FilterPattern"]
    if pattern.startswith("["):
        try:
            read(pattern)
        except PatternError as fault:
            yield f"{where}: {fault}"
    if (
        len(pattern) > 1024
        or pattern.count('"') % 2
        or any(pattern.count(a) != pattern.count(b) for a, b in ("[]", "{}"))
    ):
        yield f"{where}: its pattern cannot be read"


def _query(where: str, properties: dict[str, Any]) -> Iterator[str]:
    if not 1 <= len(properties["LogGroupNames"]) <= 50:
        yield f"{where}: {len(properties['LogGroupNames'])} log groups, not 1 to 50"
    asked = set(re.findall(r"\{\{(\w+)\}\}", properties["QueryString"]))
    told = {one["Name"] for one in properties.get("Parameters", [])}
    if asked != told:
        yield f"{where}: its text asks for {sorted(asked)}, its parameters are {sorted(told)}"
    commands = [line.split()[0] for line in properties["QueryString"].split("\n| ")]
    if unknown := set(commands) - {"fields", "filter", "sort", "limit", "stats", "parse", "display"}:
        yield f"{where}: {sorted(unknown)} is no command of Logs Insights"
