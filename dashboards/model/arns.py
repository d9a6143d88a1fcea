"""Which resource a known ARN, URL or name is."""

from __future__ import annotations

import fnmatch
import re

from dashboards.resources import Kind, Resource

_QUEUE_URL = re.compile(r"https://(?:sqs\.[^/]*|[^/]*\.queue\.[^/]*)/[^/]+/([^/?]+)\Z")
#: Service of an ARN -> (kind, what the resource's part looks like; group 1 is its name).
#: https://docs.aws.amazon.com/service-authorization/latest/reference/reference_policies_actions-resources-contextkeys.html
_ARNS: dict[str, tuple[tuple[Kind, re.Pattern[str]], ...]] = {
    "lambda": (("function", re.compile(r"function:([^:/]+)")),),
    "sqs": (("queue", re.compile(r"([^:/]+)\Z")),),
    "sns": (("topic", re.compile(r"([^:/]+)")),),
    "kinesis": (("stream", re.compile(r"stream/([^:/]+)")),),
    "firehose": (("firehose", re.compile(r"deliverystream/([^:/]+)")),),
    "dynamodb": (("table", re.compile(r"table/([^:/]+)")),),
    "states": (("state_machine", re.compile(r"stateMachine:([^:/]+)")),),
    "events": (
        ("bus", re.compile(r"event-bus/([^:/]+)")),
        ("rule", re.compile(r"rule/(?:[^/]+/)?([^:/]+)\Z")),
    ),
    "s3": (("bucket", re.compile(r"([^:/]+)")),),
    "rds": (("database", re.compile(r"db:([^:/]+)")), ("database_cluster", re.compile(r"cluster:([^:/]+)"))),
}


class Index:
    """Resources by kind and name, and by the pattern of a name that is partly known."""

    def __init__(self) -> None:
        self._names: dict[tuple[Kind, str], str] = {}
        self._patterns: dict[tuple[Kind, str], str] = {}

    def add(self, resource: Resource) -> None:
        """Add a resource. Of two with one name the first is found."""
        name = _plain(resource.name.known)
        if name:
            self._names.setdefault((resource.kind, name), resource.id)
        elif resource.name.pattern.strip("*-"):
            self._patterns.setdefault((resource.kind, _plain(resource.name.pattern)), resource.id)

    def by_name(self, kind: Kind, name: str) -> str:
        """Return the resource of a kind with this deployed name, "" for none."""
        return self._names.get((kind, name)) or self._of_shape(kind, name)

    def find(self, text: str) -> list[str]:
        """Return the resources that an ARN or a queue's URL names; `*` in it is what is not known."""
        if match := _QUEUE_URL.match(text):
            return [found] if (found := self.by_name("queue", match[1])) else []
        parts = text.split(":", 5)
        if len(parts) < 6 or parts[0] != "arn":
            return []
        for kind, shape in _ARNS.get(parts[2], ()):
            if match := shape.match(parts[5]):
                return self._all(kind, match[1])
        return []

    def _all(self, kind: Kind, name: str) -> list[str]:
        if not name.strip("*-"):
            return []
        if "*" not in name:
            return [found] if (found := self.by_name(kind, name)) else []
        if (kind, name) in self._patterns:
            return [self._patterns[kind, name]]
        return [one for (of, known), one in self._names.items() if of == kind and _is_like(known, name)]

    def _of_shape(self, kind: Kind, name: str) -> str:
        fits = (one for (of, shape), one in self._patterns.items() if of == kind and _is_like(name, shape))
        return next(fits, "")


def _is_like(name: str, shape: str) -> bool:
    return fnmatch.fnmatchcase(name, shape.replace("[", "[[]"))


def _plain(name: str) -> str:
    """The name in an ARN that is itself the name, as a state machine's is."""
    return name.rpartition(":")[2] if name.startswith("arn:") else name
