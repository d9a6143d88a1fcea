"""Bodies of Datadog's API held against the official models of datadog-api-client, strictly.

The client keeps what it does not understand (`_unparsed`) and lets unknown keys pass; here both are problems.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from datadog_api_client import Configuration
from datadog_api_client.model_utils import UnparsedObject, validate_and_convert_types
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest

#: Folder of the rendered files -> the model of what lies there.
MODELS: dict[str, Any] = {
    "dashboards": Dashboard,
    "monitors": Monitor,
    "slos": ServiceLevelObjectiveRequest,
}
_CONFIGURATION = Configuration()  # type: ignore[no-untyped-call]


def model_problems(kind: str, body: Any) -> Iterator[str]:
    """Yield what the model of a folder does not allow, each as a sentence."""
    yield from body_problems(MODELS[kind], body)


def body_problems(model: Any, body: Any) -> Iterator[str]:
    """Yield what a model does not allow, each as a sentence."""
    try:
        found = validate_and_convert_types(  # type: ignore[no-untyped-call]
            body, (model,), ["body"], True, True, _CONFIGURATION
        )
    except Exception as fault:  # The client raises errors of five kinds, none of them our own.
        yield f"Datadog's model refuses it: {str(fault).splitlines()[0]}"
        return
    yield from _walked(found, "body")


def _walked(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, UnparsedObject) or getattr(value, "_unparsed", False):
        deeper = list(_deeper(value, path))
        yield from deeper
        if not deeper:
            yield f"Datadog's model does not know what is at {path}."
        return
    yield from _deeper(value, path)


def _deeper(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list | tuple):
        for at, one in enumerate(value):
            yield from _walked(one, f"{path}[{at}]")
        return
    # A value of one of several models is an empty shell around the one that fits.
    shells = () if isinstance(value, UnparsedObject) else getattr(value, "_composed_instances", ())
    for one in shells:
        if one is not value:
            yield from _walked(one, path)
    if hasattr(value, "_data_store"):
        known = getattr(type(value), "attribute_map", {})
        for key, one in value._data_store.items():
            if key not in known and not isinstance(value, UnparsedObject) and known:
                yield f"Datadog's model has no {path}.{key}."
            yield from _walked(one, f"{path}.{key}")
