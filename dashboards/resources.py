"""What a template and observe.yaml describe, as values: resources, endpoints, services, who feeds whom.

IDs of resources are `<kind>:<logical ID>`; of one in a nested stack `<kind>:<stack>/<logical ID>`. IDs are
what metrics (`expressions.Metric.subject`), edges and overrides name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from subscribers.config import EMPTY, Config, Endpoint, Service
from subscribers.signals import Side

Kind = Literal[
    "function",
    "rest_api",
    "http_api",
    "websocket_api",
    "queue",
    "topic",
    "stream",
    "firehose",
    "table",
    "state_machine",
    "bus",
    "rule",
    "bucket",
    "load_balancer",
    "target_group",
    "database",
    "database_cluster",
    "ecs_service",
    "graphql",
    "distribution",
]
#: How one resource reaches another: `feeds` (an event source), `routes` (a gateway), `writes` (a grant or an
#: environment variable names it), `dead_letters` (what fails goes there), `fronts` (a load balancer, a CDN).
How = Literal["feeds", "routes", "writes", "dead_letters", "fronts"]
Target = Literal["serverless", "legacy", "unknown"]
NoteLevel = Literal["info", "warning", "error"]


class Place(msgspec.Struct, frozen=True):
    """Where something is written: path of the file as it was given, line from 1; 0 where none is known."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What was not understood, is missing or is worth knowing, as a sentence."""

    level: NoteLevel
    text: str
    place: Place = Place()
    #: The resource, endpoint or service it is about; "" for none.
    subject: str = ""
    #: Why, as a sentence, where the text ends with it: notes of one reason are told together.
    reason: str = ""


class Name(msgspec.Struct, frozen=True, kw_only=True):
    """A deployed name: known, or given by an expression inside the stack.

    known: the name itself, "" where only a deployed stack has it. expression: what gives it inside the same
    template, e.g. {"Ref": "SubmitClaim"}; a text where it is known. pattern: with `*` for what is not known,
    e.g. `*-SubmitClaim-*`, the shape of names that CloudFormation makes; `known` itself where that is known.
    """

    known: str = ""
    expression: Any = ""
    pattern: str = ""

    @property
    def shown(self) -> str:
        """The name for people: the known one, else the pattern."""
        return self.known or self.pattern


class Resource(msgspec.Struct, frozen=True, kw_only=True):
    """One resource. limits: numbers of its configuration, by the names in LIMITS; facts: texts, by FACTS."""

    id: str
    kind: Kind
    logical_id: str
    name: Name
    type: str = ""
    limits: dict[str, float] = {}
    facts: dict[str, str] = {}
    #: Log groups it writes to.
    log_groups: tuple[Name, ...] = ()
    #: `Metadata.HybridObserve` of the template: overrides, as in observe.yaml's `dashboards.resources`.
    metadata: dict[str, Any] = {}
    #: Name of the template's condition under which it exists; "" for always.
    condition: str = ""
    #: Name of its condition, also where the parameters' defaults make that true: a fragment needs it.
    declared: str = ""
    #: Logical IDs of the nested stacks it is in, outermost first.
    stack: tuple[str, ...] = ()
    place: Place = Place()


#: Names in Resource.limits: meaning and unit. Absent where the template does not say and AWS has no default.
LIMITS: dict[str, str] = {
    "timeout_s": "function: its Timeout",
    "memory_mb": "function: MemorySize",
    "reserved_concurrency": "function: ReservedConcurrentExecutions",
    "provisioned_concurrency": "function: of its alias or version",
    "visibility_s": "queue: VisibilityTimeout",
    "retention_s": "queue: MessageRetentionPeriod",
    "max_receives": "queue: maxReceiveCount of its RedrivePolicy",
    "max_in_flight": "queue: 120,000, of a FIFO queue 20,000 (quota)",
    "retention_h": "stream: RetentionPeriodHours",
    "shards": "stream: ShardCount, where it is provisioned",
    "timeout_limit_s": "state_machine: TimeoutSeconds of its definition",
    "read_units": "table: provisioned",
    "write_units": "table: provisioned",
    "max_connections": "database: of its parameter group, or estimated of its class",
    "storage_gb": "database: AllocatedStorage",
    "desired": "ecs_service: DesiredCount",
}
#: Names in Resource.facts.
FACTS: dict[str, str] = {
    "runtime": "function: e.g. python3.13",
    "architecture": "function: x86_64 or arm64",
    "package": "function: Zip or Image",
    "snap_start": "function: PublishedVersions, where it is on",
    "log_format": "function: Text or JSON (LoggingConfig)",
    "layer": "function: `observe` where the exec wrapper or the layer of Hybrid Observe is attached",
    "stage": "rest_api, http_api, websocket_api: name of the stage",
    "metrics": "rest_api, http_api: `detailed` where metrics by route are on; bucket: ID of request metrics",
    "access_log": "rest_api, http_api: shown name of the access log's group",
    "fifo": "queue, topic: true",
    "mode": "table, stream: on_demand or provisioned",
    "bus": "rule: ID of its bus resource, or `default`",
    "load_balancer": "target_group: ID of its load balancer",
    "type": "load_balancer: application or network; state_machine: STANDARD or EXPRESS",
    "full_name": "load_balancer, target_group: what CloudWatch's dimension wants (app/name/id), where known",
    "cluster": "ecs_service: name of its cluster",
    "engine": "database: e.g. postgres",
    "class": "database: e.g. db.t4g.medium",
    "service": "the service of observe.yaml it belongs to",
    "title": "http_api, websocket_api, graphql: its title; its name is an ID that no template tells",
    "schedule": "function, state_machine, queue: expressions of schedules that start it, `; ` between",
}


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """Who feeds whom: IDs of resources. label: such as the event's name or the rule's pattern."""

    source: str
    target: str
    how: How
    label: str = ""
    #: Of an event source of a queue or stream: batch size, window; empty otherwise.
    facts: dict[str, str] = {}


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route of a gateway or rule of a load balancer, and what it leads to.

    method: upper case, `ANY` for all; path: as the gateway has it, `$default` included. target: ID of the
    resource (a function, a queue, a state machine), "" for something outside of the templates; url: of a
    proxied one, as far as it is known.
    """

    id: str
    api: str
    method: str
    path: str
    side: Target
    target: str = ""
    url: str = ""
    #: How long the gateway waits for the answer, in seconds.
    limit_s: float = 0.0
    #: Whether the gateway has metrics of this very route.
    is_metered: bool = False
    place: Place = Place()

    @property
    def route(self) -> str:
        """`METHOD /path`, as observe.yaml writes it."""
        return f"{self.method} {self.path}"


class Implementation(msgspec.Struct, frozen=True, kw_only=True):
    """One side of an endpoint. functions, resources: IDs; routes: IDs of the routes that lead to it."""

    side: Side
    service: str
    route: str
    routes: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    #: Load balancers, target groups, databases, ECS services that belong to its service.
    resources: tuple[str, ...] = ()
    log_groups: tuple[Name, ...] = ()
    #: Whether its function serves this endpoint and nothing else, so that the function's metrics are its own.
    is_alone: bool = False


class EndpointView(msgspec.Struct, frozen=True, kw_only=True):
    """An endpoint: of observe.yaml, or a route of a template that observe.yaml does not name."""

    name: str
    route: str
    legacy: Implementation | None = None
    serverless: Implementation | None = None
    #: As observe.yaml has it; None where only the template does.
    config: Endpoint | None = None
    #: Resources its request passes on to, directly or through others: IDs, nearest first.
    downstream: tuple[str, ...] = ()
    #: Queues that are its dead letters: IDs.
    dead_letters: tuple[str, ...] = ()
    owner: str = ""
    runbook: str = ""
    place: Place = Place()

    @property
    def sides(self) -> tuple[Implementation, ...]:
        """Its implementations, legacy first."""
        return tuple(side for side in (self.legacy, self.serverless) if side is not None)


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service of either side: of observe.yaml, or a function that observe.yaml does not name."""

    name: str
    side: Side
    functions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    log_groups: tuple[Name, ...] = ()
    endpoints: tuple[str, ...] = ()
    config: Service | None = None
    owner: str = ""
    runbook: str = ""
    place: Place = Place()


class System(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that is shown and alarmed. Every tuple and mapping is in a stable order."""

    title: str = "Hybrid system"
    resources: dict[str, Resource] = {}
    edges: tuple[Edge, ...] = ()
    routes: dict[str, Route] = {}
    endpoints: dict[str, EndpointView] = {}
    services: dict[str, ServiceView] = {}
    #: IDs of the functions, queues and tables of Hybrid Observe's own pipeline, where a template has it.
    pipeline: tuple[str, ...] = ()
    notes: tuple[Note, ...] = ()
    config: Config = EMPTY
    #: The templates that were read, as they were given.
    files: tuple[str, ...] = ()
    region: str = ""
    account: str = ""
    #: Name of the deployed stack; "" where nobody said.
    stack: str = ""

    def of_kind(self, *kinds: Kind) -> Iterator[Resource]:
        """Yield the resources of some kinds, in order."""
        return (resource for resource in self.resources.values() if resource.kind in kinds)

    def into(self, target: str, *hows: How) -> Iterator[Edge]:
        """Yield the edges that lead to a resource; of every kind where none is given."""
        return (edge for edge in self.edges if edge.target == target and (not hows or edge.how in hows))

    def out_of(self, source: str, *hows: How) -> Iterator[Edge]:
        """Yield the edges that leave a resource."""
        return (edge for edge in self.edges if edge.source == source and (not hows or edge.how in hows))


def slug(text: str) -> str:
    """Return a text as a name of files, pages and alarms: lower case, digits and single hyphens; never ""."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-") or "unnamed"


def kebab(text: str) -> str:
    """Return a logical ID or name as a slug, words of CamelCase apart: `SubmitClaim` is `submit-claim`."""
    return slug(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text))
