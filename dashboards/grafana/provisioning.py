"""Files by which Grafana is provisioned: where dashboards are, example data sources and notification policy.

https://grafana.com/docs/grafana/latest/administration/provisioning/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from dashboards.grafana.asked import Source
from dashboards.kibana.store import Store
from dashboards.resources import System, slug

FOLDER = "/etc/grafana/hybrid-observe"


def place(system: System) -> str:
    """Return the folder on Grafana's host in which a system's dashboards are."""
    return f"{FOLDER}/{slug(system.title)}"


def providers(system: System, sources: Iterable[Source]) -> dict[str, Any]:
    """Return provisioning/dashboards.yaml: a folder of Grafana for each data source."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": f"{slug(system.title)}-{source.name}",
                "orgId": 1,
                "folder": folder(system, source),
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 60,
                "options": {
                    "path": f"{place(system)}/{source.name}/dashboards",
                    "foldersFromFilesStructure": False,
                },
            }
            for source in sources
        ],
    }


def folder(system: System, source: Source) -> str:
    """Return the title of the folder in which dashboards and rules of a data source are."""
    return f"{system.title} ({source.name})".replace("/", "-").replace("$", "")


def datasources(system: System, sources: Iterable[Source], store: Store) -> dict[str, Any]:
    """Return provisioning/datasources.example.yaml: addresses and secrets are for whoever installs it."""
    found: list[dict[str, Any]] = []
    for source in sources:
        for name, uid in source.uids.items():
            found.append({"name": uid, "uid": uid, "type": source.name, "access": "proxy", "editable": False})
            found[-1] |= _settings(source.name, name, system, store)
    return {"apiVersion": 1, "datasources": found}


def _settings(source: str, name: str, system: System, store: Store) -> dict[str, Any]:
    if source == "cloudwatch":
        return {"jsonData": {"authType": "default", "defaultRegion": system.region or "eu-west-1"}}
    if source == "prometheus":
        return {
            "url": "http://prometheus:9090",
            "jsonData": {"httpMethod": "POST", "prometheusType": "Prometheus", "timeInterval": "60s"},
        }
    address = next(
        (
            str(one["url"])
            for one in system.config.sinks.values()
            if one.get("type") == "elasticsearch" and "url" in one
        ),
        "https://elasticsearch:9200",
    )
    json_data = {
        "index": dict(store.titles)[name],  # type: ignore[index]
        "timeField": "@timestamp",
        "logMessageField": "message",
        "logLevelField": "log.level",
        "maxConcurrentShardRequests": 5,
    }
    return {"url": address, "jsonData": json_data}


def policies(system: System) -> dict[str, Any]:
    """Return alerting/policies.example.yaml: what only is a part tells nobody, one message a composite."""
    of_system = ["system", "=", slug(system.title)]
    return {
        "apiVersion": 1,
        "policies": [
            {
                "orgId": 1,
                "receiver": "grafana-default-email",
                "group_by": ["grafana_folder", "alertname"],
                "routes": [
                    {
                        "receiver": "grafana-default-email",
                        "object_matchers": [of_system, ["composite", "=~", ".+"]],
                        "group_by": ["composite"],
                        "group_wait": "1m",
                        "repeat_interval": "4h",
                    },
                    {
                        "receiver": "grafana-default-email",
                        "object_matchers": [of_system, ["notify", "=", "no"]],
                        "mute_time_intervals": ["never-tell"],
                        "group_by": ["alarm"],
                    },
                    {
                        "receiver": "grafana-default-email",
                        "object_matchers": [of_system],
                        "group_by": ["system", "subject"],
                        "group_wait": "30s",
                        "repeat_interval": "4h",
                    },
                ],
            }
        ],
        "muteTimes": [
            {
                "orgId": 1,
                "name": "never-tell",
                "time_intervals": [{"times": [{"start_time": "00:00", "end_time": "24:00"}]}],
            }
        ],
    }
