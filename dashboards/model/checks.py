"""What is worth knowing before a deployment: limits that do not fit, failures that nobody would see."""

from __future__ import annotations

from collections.abc import Iterable

from dashboards.model.draft import Draft
from dashboards.model.pointers import number
from dashboards.resources import Edge, Resource

_VISIBILITY_TIMES = 6
#: Whoever feeds a function in this way does not wait for its answer.
#: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async.html
_ASYNCHRONOUS = ("topic", "rule", "bucket")
_STREAMS = ("stream", "table")
_NAMES_MAX = 8
_METRICS = {
    "rest_api": "MethodSettings with MetricsEnabled: true for HttpMethod '*' and ResourcePath '/*'",
    "http_api": "DefaultRouteSettings with DetailedMetricsEnabled: true",
    "websocket_api": "DefaultRouteSettings with DetailedMetricsEnabled: true",
}


def check(draft: Draft, pipeline: Iterable[str]) -> None:
    """Add a note for everything that does not fit. pipeline: IDs that need no layer of their own."""
    own = set(pipeline)
    _timeouts(draft)
    _visibility(draft)
    _blind_routes(draft)
    _dead_letters(draft, own)
    _retries(draft)
    _layers(draft, own)
    _names(draft)


def _timeouts(draft: Draft) -> None:
    for route in draft.routes.values():
        function = draft.resources.get(route.target)
        if function is None or function.kind != "function" or not route.limit_s:
            continue
        timeout_s = function.limits.get("timeout_s", 0)
        if timeout_s > route.limit_s:
            said = (
                f"{function.id} may take {timeout_s:g} s, and {route.api} waits {route.limit_s:g} s for it:"
                f" the client of {route.route} has its error while the function goes on and is paid for."
            )
            draft.note("warning", said, function.place, function.id)


def _visibility(draft: Draft) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html"""
    for queue, function, edge in _fed(draft, ("queue",)):
        visibility_s, timeout_s = queue.limits.get("visibility_s"), function.limits.get("timeout_s")
        if visibility_s is None or timeout_s is None or edge.label:  # a pipe reads it, not Lambda
            continue
        wanted_s = _VISIBILITY_TIMES * timeout_s + (number(edge.facts.get("window_s")) or 0)
        if visibility_s < wanted_s:
            said = (
                f"{queue.id} hides a message for {visibility_s:g} s, and {function.id} may take"
                f" {timeout_s:g} s: AWS advises {wanted_s:g} s (six times, and the"
                " batching window), or messages are handled twice."
            )
            draft.note("warning", said, queue.place, queue.id)


def _fed(draft: Draft, kinds: tuple[str, ...]) -> Iterable[tuple[Resource, Resource, Edge]]:
    """Yield (source, function, edge) of functions that resources of some kinds feed."""
    for edge in draft.edges:
        source, target = draft.resources[edge.source], draft.resources[edge.target]
        if edge.how == "feeds" and source.kind in kinds and target.kind == "function":
            yield source, target, edge


def _blind_routes(draft: Draft) -> None:
    for api in list(draft.resources.values()):
        own = [route for route in draft.routes.values() if route.api == api.id and route.side != "unknown"]
        blind = [route.route for route in own if not route.is_metered]
        if api.kind in _METRICS and blind:
            said = (
                f"{api.id} has no metrics of {_listed(blind)}: pages show only what the whole API does. To"
                f" switch them on, give its stage {_METRICS[api.kind]}"
                " (CloudWatch bills them as custom metrics)."
            )
            draft.note("warning", said, api.place, api.id)


def _dead_letters(draft: Draft, pipeline: set[str]) -> None:
    failing = {edge.source for edge in draft.edges if edge.how == "dead_letters"}
    dead = {edge.target for edge in draft.edges if edge.how == "dead_letters"}
    for queue, function, _ in _fed(draft, ("queue",)):
        if queue.id not in failing and queue.id not in dead:
            said = (
                f"{queue.id} has no dead-letter queue: what {function.id} cannot handle comes back until it"
                " is deleted. Give it a RedrivePolicy."
            )
            draft.note("warning", said, queue.place, queue.id)
    asynchronous = {function.id: source for source, function, _ in _fed(draft, _ASYNCHRONOUS)}
    for one in draft.resources.values():
        scheduled = one.kind == "function" and "schedule" in one.facts
        if (one.id not in asynchronous and not scheduled) or one.id in failing | pipeline:
            continue
        source = asynchronous[one.id].id if one.id in asynchronous else "a schedule"
        said = (
            f"{one.id} is invoked asynchronously by {source} and has no dead letters: after two more"
            " attempts its events are lost. Give it an OnFailure destination or a dead-letter queue."
        )
        draft.note("warning", said, one.place, one.id)


def _retries(draft: Draft) -> None:
    """https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-parameters.html"""
    for stream, function, edge in _fed(draft, _STREAMS):
        limits = (edge.facts.get("retries", "-1"), edge.facts.get("record_age_s", "-1"))
        if limits == ("-1", "-1"):
            said = (
                f"{function.id} reads {stream.id} without a limit on retries: one bad record stops its shard"
                " until it expires. Give the event source MaximumRetryAttempts and an OnFailure destination."
            )
            draft.note("warning", said, function.place, function.id)


def _layers(draft: Draft, pipeline: set[str]) -> None:
    functions = [one for one in draft.resources.values() if one.kind == "function" and one.id not in pipeline]
    without = [one for one in functions if "layer" not in one.facts and _could_have(one)]
    if without:
        said = (
            f"The layer of Hybrid Observe is not on {_listed([one.logical_id for one in without])}: their"
            " logs have no correlation IDs of their own (docs/layer.md)."
        )
        draft.note("info", said, without[0].place)


def _could_have(function: Resource) -> bool:
    return function.facts.get("runtime", "python").startswith("python")


def _names(draft: Draft) -> None:
    unknown = [one.id for one in draft.resources.values() if not one.name.known]
    if unknown:
        said = (
            f"The names of {_listed(unknown)} are known only after deployment. To give them: aws"
            " cloudformation describe-stack-resources --stack-name NAME > names.json, and --names names.json."
        )
        draft.note("info", said)


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES_MAX
    return ", ".join(names[:_NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
