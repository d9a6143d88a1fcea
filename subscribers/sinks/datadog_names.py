"""Names and tags as Datadog takes them: what it would change by itself is changed here, where it can be seen.

A name that does not begin with a letter gets a prefix: Datadog strips what comes before the first letter, and
`2xx` and `4xx` would be one.

https://docs.datadoghq.com/metrics/custom_metrics/#naming-custom-metrics
https://docs.datadoghq.com/getting_started/tagging/#define-tags
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from observe import semconv
from subscribers.signals import Origin

#: Characters, both of metric names and of tags.
NAME_MAX = 200
#: Datadog's integration of AWS has gauges of these names, and a distribution may share its name with none.
_TAKEN, _OURS = "aws.", "observe."
_FUNCTIONS = "/aws/lambda/"
_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_.]")
_LETTER = re.compile("[a-zA-Z]")
_NOT_IN_TAGS = re.compile(r"[^\w\-:./]")
#: OpenTelemetry's names -> the keys that Datadog and its integration of AWS use.
_KEYS = {
    semconv.SERVICE_NAME: "service",
    "deployment.environment.name": "env",
    "service.version": "version",
    semconv.FAAS_NAME: "functionname",
    semconv.FAAS_VERSION: "executedversion",
    semconv.CLOUD_ACCOUNT_ID: "aws_account",
    semconv.CLOUD_REGION: "region",
}


@lru_cache(maxsize=4096)
def metric_name(name: str) -> str:
    """Return a metric's name, "" for one without a letter or digit: no name can be made of it."""
    clean = _NOT_IN_NAMES.sub("_", f"{_OURS}{name}" if name.startswith(_TAKEN) else name)
    if not clean.strip("_."):
        return ""
    return (clean if _LETTER.match(clean) else f"m_{clean}")[:NAME_MAX]


@lru_cache(maxsize=8192)
def tag(key: str, value: str) -> str:
    """Return `key:value` in lower case, at most 200 characters; the key alone where there is no value.

    "" where there is neither.
    """
    clean = _NOT_IN_TAGS.sub("_", f"{_KEYS.get(key, key)}:{value}".lower()).strip(":")
    if not clean.strip("_-:./"):
        return ""
    return (clean if clean[0].isalpha() else f"t_{clean}")[:NAME_MAX].rstrip(":")


class Tagging(msgspec.Struct, frozen=True):
    """What is on everything of a sink. env: where the signal names none; fixed: of the sink's settings."""

    env: str = ""
    fixed: tuple[tuple[str, str], ...] = ()

    def tags(self, origin: Origin, own: Mapping[str, Any]) -> list[str]:
        """Return the tags of a signal: the sink's, its origin's, its own; of one key the last counts."""
        told = _told(self, origin)
        if own:
            told = {**told, **{_KEYS.get(key, key): str(value) for key, value in own.items()}}
        return [found for key, value in told.items() if (found := tag(key, value))]


@lru_cache(maxsize=1024)
def _told(tagging: Tagging, origin: Origin) -> dict[str, str]:
    told = {
        "service": origin.service,
        "env": tagging.env,
        "side": origin.side,
        "aws_account": origin.account,
        "region": origin.region,
        "functionname": function_of(origin),
    }
    return {**dict(tagging.fixed), **{key: value for key, value in told.items() if value}}


def function_of(origin: Origin) -> str:
    """Return the name of the function whose log group it is, "" for another group."""
    group = origin.log_group
    return group[len(_FUNCTIONS) :] if group.startswith(_FUNCTIONS) else ""
