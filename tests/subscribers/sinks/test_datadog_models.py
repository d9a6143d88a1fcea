"""What is sent, held against the models of Datadog's official client; its requests, against our backend."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from subscribers.signals import Signal
from tests.backends.datadog import KEY, DatadogBackend
from tests.subscribers.sinks.test_datadog import Direct, channels, delivered, log
from tests.subscribers.sinks.test_datadog_events import CHECK, EVENT
from tests.subscribers.sinks.test_datadog_logs import made, recipes
from tests.subscribers.sinks.test_datadog_metrics import metrics

pytest.importorskip("datadog_api_client", reason="the official client `datadog-api-client` is not installed")


def converted(tree: Any, model: Any) -> Any:
    """A body as the official model; what it does not know is marked there."""
    from datadog_api_client.configuration import Configuration
    from datadog_api_client.model_utils import validate_and_convert_types

    return validate_and_convert_types(tree, (model,), ["body"], True, True, Configuration())


def model_of(path: str) -> Any:
    """The official model of what is posted to a path."""
    from datadog_api_client.v1.model.distribution_points_payload import DistributionPointsPayload
    from datadog_api_client.v1.model.event_create_request import EventCreateRequest
    from datadog_api_client.v1.model.service_checks import ServiceChecks
    from datadog_api_client.v2.model.http_log import HTTPLog
    from datadog_api_client.v2.model.metric_payload import MetricPayload

    return {
        "/api/v2/logs": HTTPLog,
        "/api/v2/series": MetricPayload,
        "/api/v1/distribution_points": DistributionPointsPayload,
        "/api/v1/events": EventCreateRequest,
        "/api/v1/check_run": ServiceChecks,
    }[path]


def test_a_model_knows_what_is_wrong() -> None:
    """Else the next test says nothing: a text for a number, a check without its status."""
    good = {"series": [{"metric": "m", "type": 3, "points": [{"timestamp": 1, "value": 1.0}]}]}
    bad = {"series": [{"metric": "m", "type": 3, "points": [{"timestamp": 1, "value": "1"}]}]}
    assert not converted(good, model_of("/api/v2/series"))._unparsed
    assert is_wrong(bad, "/api/v2/series")
    assert is_wrong([{"check": "c", "host_name": "h", "tags": []}], "/api/v1/check_run")


def is_wrong(tree: Any, path: str) -> bool:
    """Whether the official model refuses a body, or does not know a part of it."""
    try:
        found = converted(tree, model_of(path))
    except (TypeError, ValueError):  # what the official client raises derives from both
        return True
    return any(getattr(one, "_unparsed", False) for one in (found, *parts(found)))


def parts(found: Any) -> Iterator[Any]:
    """The models inside a model."""
    below = found if isinstance(found, list) else getattr(found, "_data_store", {}).values()
    for one in below:
        yield one
        if isinstance(one, list) or hasattr(one, "_data_store"):
            yield from parts(one)


@settings(max_examples=30)
@given(st.lists(recipes, max_size=4), st.lists(metrics(), max_size=8, unique_by=lambda found: found.event_id))
def test_whatever_is_sent_is_of_the_official_models(found: list[Any], points: list[Any]) -> None:
    """A law, for every intake but that of traces."""
    backend = DatadogBackend()
    signals: list[Signal] = [*(made(i, recipe) for i, recipe in enumerate(found)), *points]
    signals += [log("e", attributes=EVENT), log("c", attributes=CHECK)]
    delivered(Direct(backend), channels(), signals)
    assert {"/api/v1/events", "/api/v1/check_run"} <= {path for path, _ in backend.bodies}
    for path, tree in backend.bodies:
        assert not is_wrong(tree, path)


def test_the_backend_takes_what_the_official_client_sends() -> None:
    """Compressed as it does, with its content types and its key; and it refuses another key."""
    from datadog_api_client import ApiClient, Configuration
    from datadog_api_client.exceptions import ApiException
    from datadog_api_client.v1.api import events_api, metrics_api, service_checks_api
    from datadog_api_client.v1.model.distribution_points_content_encoding import (
        DistributionPointsContentEncoding,
    )
    from datadog_api_client.v2.api import logs_api
    from datadog_api_client.v2.api import metrics_api as metrics_api_v2
    from datadog_api_client.v2.model.content_encoding import ContentEncoding
    from datadog_api_client.v2.model.metric_content_encoding import MetricContentEncoding

    at = int(time.time())
    with DatadogBackend() as backend:
        address = {"protocol": "http", "name": backend.url.removeprefix("http://")}
        configuration = Configuration(server_index=1, server_variables=address)
        configuration.api_key["apiKeyAuth"] = KEY
        with ApiClient(configuration) as client:
            body = converted([{"message": "m", "event": {"id": "e"}}], model_of("/api/v2/logs"))
            logs_api.LogsApi(client).submit_log(body=body, content_encoding=ContentEncoding.GZIP)
            series = {"series": [{"metric": "g", "type": 3, "points": [{"timestamp": at, "value": 1.0}]}]}
            metrics_api_v2.MetricsApi(client).submit_metrics(
                body=converted(series, model_of("/api/v2/series")),
                content_encoding=MetricContentEncoding.GZIP,
            )
            points = {"series": [{"metric": "d", "points": [[float(at), [1.0, 2.0]]]}]}
            metrics_api.MetricsApi(client).submit_distribution_points(
                body=converted(points, model_of("/api/v1/distribution_points")),
                content_encoding=DistributionPointsContentEncoding.DEFLATE,
            )
            event = converted({"title": "t", "text": "x"}, model_of("/api/v1/events"))
            events_api.EventsApi(client).create_event(body=event)
            check = [{"check": "c", "host_name": "h", "status": 0, "tags": ["a:b"]}]
            service_checks_api.ServiceChecksApi(client).submit_service_check(
                body=converted(check, model_of("/api/v1/check_run"))
            )
        assert backend.accepted.total() == 6
        assert backend.answers == {"202": 5}
        configuration.api_key["apiKeyAuth"] = "wrong"
        with ApiClient(configuration) as client, pytest.raises(ApiException) as raised:
            events_api.EventsApi(client).create_event(body=event)
        assert raised.value.status == 403
