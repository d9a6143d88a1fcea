"""What `observe sinks` tells and does: the sinks of observe.yaml, whether they answer, what is installed.

SinkError     what is asked for cannot be done with that sink; a sentence
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from console.errors import ConsoleError
from subscribers import configured
from subscribers.config import duration_ms
from subscribers.http import Edge
from subscribers.secrets import Secrets
from subscribers.settings_error import SettingsError
from subscribers.sinks import index_install, index_templates
from subscribers.sinks.bulk import KINDS
from subscribers.sinks.channel import AwsCall, Channel, HttpRequest, Limits, Request, Response
from subscribers.sinks.elasticsearch import auth_of, key_header, names_of
from subscribers.sinks.index_install import Step, failure

#: Types of sinks where `install` has something to install.
INDEXED = ("elasticsearch", "opensearch")
_DAY_MS = 86_400_000
_GUARANTEES = {
    "logstash": "once where its pipeline writes by %{[event][id]}, else at least once",
    "store": "once: by event ID",
    "stdout": "at least once",
}


class SinkError(ConsoleError):
    """What is asked for cannot be done with that sink."""

    reason = "sink"


class Sends(Protocol):
    """What sends requests; `subscribers.http.Edge` is one."""

    def send(self, request: Request, timeout_s: float | None = None) -> Response:
        """Return what came of a request."""


class Row(msgspec.Struct, kw_only=True):
    """A sink as it is configured. limits: of each channel's requests; problem: why it has no channels."""

    name: str
    type: str
    is_enabled: bool
    signals: list[str]
    address: str
    limits: dict[str, Limits] = {}
    guarantee: str = ""
    problem: str = ""


class Checked(msgspec.Struct):
    """What a question to a sink came to. what: was asked; said: a sentence."""

    what: str
    is_well: bool
    said: str


class Plan(msgspec.Struct, kw_only=True):
    """What is there and what is to be done. done: paths that were put."""

    sink: str
    cluster: index_templates.Cluster
    steps: list[Step]
    done: list[str] = []

    @property
    def problems(self) -> list[str]:
        """Why nothing of it may be done."""
        return [
            f"{step.asset.path}: {step.detail}{_hint(step)}"
            for step in self.steps
            if step.state in ("foreign", "unknown")
        ]

    @property
    def wanted(self) -> list[Step]:
        """The steps that change something."""
        return [step for step in self.steps if step.state in ("create", "change")]


def rows(sinks: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Return the sinks of a configuration, in its order."""
    return [_row(name, settings) for name, settings in sinks.items()]


def edge_of(name: str, settings: Mapping[str, Any]) -> Edge:
    """Return what speaks to a sink as the subscriber does. Raises SinkError."""
    try:
        return Edge(configured.connection_of(name, settings), Secrets())
    except SettingsError as error:
        raise SinkError(str(error)) from error


def check(name: str, settings: Mapping[str, Any], edge: Sends) -> list[Checked]:
    """Ask a sink whether it answers and takes the credentials; nothing that is sent stays there.

    Raises SinkError where its settings make no channel.
    """
    kind = settings["type"]
    if kind == "store":
        return [_folder(Path(settings.get("path", configured.STORE_FOLDER)))]
    if kind == "stdout":
        return [Checked("standard output", True, "needs nobody")]
    if kind in INDEXED:
        return [_cluster_answers(settings, edge)]
    if kind in ("firehose", "cloudwatch_metrics", "xray") and not _region(settings):
        return [Checked("AWS", False, "no Region: name one in `region`, or in AWS_REGION")]
    if kind == "firehose":
        return [_stream(stream, settings, edge) for stream in dict.fromkeys(settings["streams"].values())]
    channels = _channels(name, settings)
    if kind == "cloudwatch_metrics" or settings.get("api") == "segments":
        return [_identity(settings, edge)]
    # An empty request is one: an array of nothing, an export of nothing, or Datadog's question for a key.
    asked = channels[:1] if kind in ("logstash", "datadog") else channels
    return [_answers(channel, edge) for channel in asked]


def plan(name: str, settings: Mapping[str, Any], edge: Sends, *, has_policy: bool = True) -> Plan:
    """Return what `install` would do. Only looks. Raises SinkError where nobody says what the cluster is."""
    if settings["type"] not in INDEXED:
        raise SinkError(f"{name} is of type {settings['type']}: nothing is installed there")
    is_aoss = settings.get("sigv4", {}).get("service") == "aoss"
    about = Response() if is_aoss else edge.send(_request(settings, "GET", ""))
    cluster = index_install.cluster_of(about, is_aoss=is_aoss)
    if isinstance(cluster, str):
        raise SinkError(f"{name}: {settings['url']}: {cluster}")
    if cluster.flavor.partition("_")[0] != settings["type"] and not is_aoss:
        raise SinkError(f"{name} is of type {settings['type']}, but {settings['url']} is {said_of(cluster)}")
    retention = settings.get("retention", f"{index_templates.RETENTION_DAYS}d")
    days = duration_ms(retention) // _DAY_MS
    assets = index_templates.assets(cluster, names_of(settings), days, has_policy=has_policy)
    steps = [index_install.step(asset, edge.send(_request(settings, "GET", asset.path))) for asset in assets]
    return Plan(sink=name, cluster=cluster, steps=steps)


def apply(planned: Plan, settings: Mapping[str, Any], edge: Sends) -> None:
    """Do what a plan says, in its order, and note it in `done`. Raises SinkError at the first that fails."""
    if planned.problems:
        raise SinkError(f"{planned.sink}: nothing was changed: {'; '.join(planned.problems)}")
    for step in planned.wanted:
        body = msgspec.json.encode(step.asset.body)
        told = edge.send(_request(settings, "PUT", step.asset.path + step.query, body))
        if failed := index_install.not_put(told):
            raise SinkError(f"{planned.sink}: {step.asset.path}: {failed}{_hint(step)}")
        planned.done.append(step.asset.path)


def said_of(cluster: index_templates.Cluster) -> str:
    """Return what a cluster is, for people."""
    names = {"opensearch": "OpenSearch", "aoss": "OpenSearch Serverless"}
    names |= {"elasticsearch": "Elasticsearch", "elasticsearch_serverless": "Elasticsearch Serverless"}
    version = ".".join(map(str, cluster.version)) if any(cluster.version) else ""
    return f"{names[cluster.flavor]} {version}".strip()


def _hint(step: Step) -> str:
    """What to do where the cluster has no policies: not every OpenSearch has the plugin."""
    is_policy = step.asset.kind in ("ilm", "ism") and step.state != "foreign"
    return "; --without-policy leaves deleting old indices to somebody else" if is_policy else ""


def _row(name: str, settings: Mapping[str, Any]) -> Row:
    row = Row(
        name=name,
        type=settings["type"],
        is_enabled=settings.get("enabled", True),
        signals=list(settings.get("signals", _default(settings))),
        address=_address(settings),
    )
    try:
        channels = _channels(name, settings) if row.type in configured.SHIPPED else ()
    except SinkError as error:
        row.problem = str(error)
        return row
    row.limits = {channel.name: channel.limits for channel in channels}
    row.guarantee = _guarantee(settings, channels)
    return row


def _default(settings: Mapping[str, Any]) -> Iterable[str]:
    """The signals that a sink has where its settings name none."""
    own: dict[str, Iterable[str]] = {
        "xray": ("spans",),
        "cloudwatch_metrics": ("metrics",),
        "firehose": settings.get("streams", ()),
        "store": (*KINDS, "ledger"),
        "stdout": (*KINDS, "ledger"),
    }
    return own.get(settings["type"], KINDS)


def _channels(name: str, settings: Mapping[str, Any]) -> Sequence[Channel]:
    try:
        return configured.channels_of(name, settings)
    except ValueError as error:
        raise SinkError(f"{name}: {error}") from error


def _address(settings: Mapping[str, Any]) -> str:
    region = settings.get("region", "the function's Region")
    kind = settings["type"]
    if kind == "firehose":
        return f"{', '.join(settings['streams'].values())}, {region}"
    own = {
        "store": settings.get("path", configured.STORE_FOLDER),
        "stdout": "standard output",
        "datadog": settings.get("site", "datadoghq.com"),
        "cloudwatch_metrics": f"{settings.get('namespace')}, {region}",
        "xray": region,
    }
    return str(settings.get("url") or own[kind])


def _guarantee(settings: Mapping[str, Any], channels: Iterable[Channel]) -> str:
    if settings["type"] in INDEXED:
        end = "data stream rolls over" if settings.get("data_stream") else "day's index is deleted"
        return f"once, until its {end}"
    if known := _GUARANTEES.get(settings["type"]):
        return known
    again = [channel.name for channel in channels if channel.is_repeatable]
    never = [channel.name for channel in channels if not channel.is_repeatable]
    told = f"{', '.join(again)}: at least once, by ID" if again else ""
    other = f"{', '.join(never)}: once, or a dead letter where no answer comes" if never else ""
    return "; ".join(filter(None, (told, other)))


def _request(settings: Mapping[str, Any], method: str, path: str, body: bytes = b"") -> HttpRequest:
    return HttpRequest(
        method=method,
        url=f"{settings['url'].rstrip('/')}/{path}",
        body=body,
        headers={**({"Content-Type": "application/json"} if body else {}), **key_header(settings)},
        auth=auth_of(settings),
    )


def _cluster_answers(settings: Mapping[str, Any], edge: Sends) -> Checked:
    is_aoss = settings.get("sigv4", {}).get("service") == "aoss"
    # A collection has no page about itself; what is not there answers 404, and has let us in.
    path = f"_index_template/{names_of(settings).prefix}" if is_aoss else ""
    told = edge.send(_request(settings, "GET", path))
    if told.status == 403 and b"security_exception" in told.body:
        return Checked(settings["url"], True, "the credentials are known; they may not ask for the version")
    if is_aoss and told.status == 404:
        return Checked(settings["url"], True, "OpenSearch Serverless, without our templates")
    cluster = index_install.cluster_of(told, is_aoss=is_aoss and not failure(told))
    if isinstance(cluster, str):
        return Checked(settings["url"], False, _refused(told) or cluster)
    if not is_aoss and cluster.flavor.partition("_")[0] != settings["type"]:
        return Checked(settings["url"], False, f"is {said_of(cluster)}, not {settings['type']}")
    names = names_of(settings)
    if names.is_stream:
        asked = edge.send(_request(settings, "GET", f"_index_template/{names.part}-streams"))
        if asked.status == 404:
            said = "without its templates what is written makes plain indices: `observe sinks install` them"
            return Checked(settings["url"], False, f"{said_of(cluster)}, but {said}")
    return Checked(settings["url"], True, said_of(cluster))


def _answers(channel: Channel, edge: Sends) -> Checked:
    request = channel.request(())
    told = edge.send(request)
    what = request.url if isinstance(request, HttpRequest) else channel.name
    if failed := failure(told):
        return Checked(what, False, _refused(told) or failed)
    verdict = channel.verdict((), told)
    is_well = not (verdict.is_down or verdict.is_unauthorized or verdict.is_too_large)
    return Checked(
        what, is_well, "answers, and takes the credentials" if is_well else "answers something else"
    )


def _refused(told: Response) -> str:
    if told.status not in (401, 403):
        return ""
    return f"the credentials are refused: {failure(told)}"


def _identity(settings: Mapping[str, Any], edge: Sends) -> Checked:
    call = AwsCall(
        service="sts",
        operation="get_caller_identity",
        parameters={},
        region=settings.get("region", ""),
    )
    told = edge.send(call)
    if failed := _aws_failure(told):
        return Checked("AWS", False, failed)
    who = told.result.get("Arn", "somebody")
    return Checked(
        "AWS", True, f"the credentials are {who}'s; whether they may write shows the first delivery"
    )


def _stream(stream: str, settings: Mapping[str, Any], edge: Sends) -> Checked:
    call = AwsCall(
        service="firehose",
        operation="describe_delivery_stream",
        parameters={"DeliveryStreamName": stream},
        region=settings.get("region", ""),
    )
    told = edge.send(call)
    if told.error_code.startswith("AccessDenied"):
        said = (
            "the credentials are known; they may not describe the stream, so nobody knows whether it is there"
        )
        return Checked(stream, True, said)
    if failed := _aws_failure(told):
        return Checked(stream, False, failed)
    status = str(told.result.get("DeliveryStreamDescription", {}).get("DeliveryStreamStatus", "unknown"))
    return Checked(stream, status == "ACTIVE", f"is {status}")


def _aws_failure(told: Response) -> str:
    if told.fault:
        return failure(told)
    return "" if told.status == 200 else f"{told.error_code or told.status}: {told.detail}"


def _region(settings: Mapping[str, Any]) -> str:
    """The Region that calls go to, "" where nobody names one."""
    from botocore.session import Session

    named = settings.get("region") or os.environ.get("AWS_REGION")
    return str(named or Session().get_config_variable("region") or "")


def _folder(path: Path) -> Checked:
    place: Path | None = path
    while place is not None and not place.exists():
        place = place.parent if place.parent != place else None
    is_well = place is not None and place.is_dir() and os.access(place, os.W_OK | os.X_OK)
    return Checked(str(path), is_well, "can be written" if is_well else "is no folder that can be written")
