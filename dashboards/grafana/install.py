"""How the files get into Grafana, as markdown: what goes where, and what must not be there twice."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.grafana.asked import Source
from dashboards.grafana.marks import marks
from dashboards.grafana.provisioning import place
from dashboards.resources import System, slug

_HEAD = """# {title}: Grafana

Made by `observe dashboards` for Grafana 11.6; change observe.yaml or the template, not these files. Run the
commands in this folder, on the host of Grafana, and restart it afterwards.
"""
_SOURCES = """
## Data sources

Dashboards and rules find their data sources by these UIDs:

| UID | type |
|---|---|
{rows}

Where you have such a data source, give it the UID; else fill addresses and secrets into
`provisioning/datasources.example.yaml` and take that:

```sh
cp provisioning/datasources.example.yaml /etc/grafana/provisioning/datasources/{slug}.yaml
```
"""
_BOARDS = """
## Dashboards

```sh
mkdir -p {place}
cp -r {names} {place}/
cp provisioning/dashboards.yaml /etc/grafana/provisioning/dashboards/{slug}.yaml
```
"""
_RULES = """
## Alert rules

```sh
cp {first}/alerting/rules.yaml /etc/grafana/provisioning/alerting/{slug}.yaml
```
{others}
`alerting/policies.example.yaml` makes one message of what has one cause. It replaces the whole tree of
notification policies of the organisation: merge it into yours by hand, and name your contact points, before
it goes into `/etc/grafana/provisioning/alerting/`.
"""
_OTHERS = """
Only the rules of {first}: those of {names} are the same alarms, and each would tell
them again. Where the data of another is better, take its file instead, not as well.
"""
_CLOUDWATCH = """
## CloudWatch

What is counted from log lines needs the metric filters of the target `cloudwatch`, deployed. Generate with
`--region` and `--account` (and `--stack`, `--names`): then links and rules name log groups and functions, and
no variable has to look for them.
"""
_PROMETHEUS = """
## Prometheus

Metrics of our own come by OTLP through a collector with the processor `deltatocumulative`; AWS's by
yet-another-cloudwatch-exporter, its period as scrape interval, namespaces of our own as `customNamespace`.

`prometheus/rules/*.yaml` are the same alarms as Prometheus's own rules (`rule_files`), and
`prometheus/aps.template.yaml` puts them into Amazon Managed Service for Prometheus. Take these or Grafana's
rules above, not both.
"""
_ELASTICSEARCH = """
## Elasticsearch

The data sources read what the sink of type `elasticsearch` in observe.yaml writes: their index patterns are
in `provisioning/datasources.example.yaml`.
"""
_OF_SOURCES = {"cloudwatch": _CLOUDWATCH, "prometheus": _PROMETHEUS, "elasticsearch": _ELASTICSEARCH}
_MARKS = """
## Cutovers and deployments

Once; a second time draws every line twice. `$GRAFANA` is its address, `$TOKEN` of a service account that may
write annotations. Let CI post one with the same tags when it deploys.

```sh
jq -c '.[]' annotations.json | while read -r mark; do
  curl --fail-with-body -sS -X POST "$GRAFANA/api/annotations" -H "Authorization: Bearer $TOKEN" \\
    -H 'Content-Type: application/json' --data "$mark"
done
```
"""


def install_text(system: System, sources: Sequence[Source]) -> str:
    """Return install.md. sources: those that have files, the first of which has the rules to install."""
    names = [source.name for source in sources]
    known = {"title": system.title, "slug": slug(system.title), "place": place(system), "first": names[0]}
    rows = [f"| `{uid}` | {source.name} |" for source in sources for uid in source.uids.values()]
    others = _OTHERS.format(first=names[0], names=" and ".join(names[1:])) if names[1:] else ""
    parts = [
        _HEAD.format(**known),
        _SOURCES.format(rows="\n".join(rows), **known),
        _BOARDS.format(names=" ".join(names), **known),
        _RULES.format(others=others, **known),
        *(_OF_SOURCES[name] for name in names),
        _MARKS if marks(system) else "",
    ]
    return "".join(parts)
