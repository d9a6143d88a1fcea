"""Bodies of Datadog's API held against the official models of datadog-api-client, strictly.

The client keeps what it does not understand (`_unparsed`) and lets unknown keys pass; here both are problems.

The client takes minutes for a large system, whose widgets differ by little more than their texts. A model
looks at keys, types, enumerations, numbers and lengths of lists, so each shape of a widget or a monitor
is shown to it once: with `a` for texts that anybody may write, whose length and characters none limits.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

from datadog_api_client import Configuration
from datadog_api_client.model_utils import UnparsedObject, validate_and_convert_types
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.service_level_objective_request import ServiceLevelObjectiveRequest
from datadog_api_client.v1.model.widget import Widget

from tests.dashboards.shapes import shape

#: Folder of the rendered files -> the model of what lies there.
MODELS: dict[str, Any] = {
    "dashboards": Dashboard,
    "monitors": Monitor,
    "slos": ServiceLevelObjectiveRequest,
}
_CONFIGURATION = Configuration()  # type: ignore[no-untyped-call]


#: Keys of which the models ask the type alone.
_FREE = {
    *("alias", "content", "denominator", "description", "formula", "label", "link", "message", "name"),
    *("numerator", "q", "query", "query_string", "tags", "title", "value", "x", "y"),
}


def model_problems(kind: str, body: Any) -> Iterator[str]:
    """Yield what the model of a folder does not allow, each as a sentence."""
    if kind == "dashboards" and isinstance(body, dict) and isinstance(body.get("widgets"), list):
        yield from _shown(Dashboard, {**body, "widgets": []})
        yield from _widgets(body["widgets"])
    else:
        yield from _shown(MODELS[kind], body)


def _widgets(widgets: list[Any]) -> Iterator[str]:
    """Groups without what is in them, and that by itself."""
    for widget in widgets:
        definition = widget.get("definition") if isinstance(widget, dict) else None
        inner = definition.get("widgets") if isinstance(definition, dict) else None
        if isinstance(definition, dict) and isinstance(inner, list):
            yield from _shown(Widget, {**widget, "definition": {**definition, "widgets": []}})
            yield from _widgets(inner)
        else:
            yield from _shown(Widget, widget)


def _shown(model: Any, body: Any) -> Iterator[str]:
    yield from _of_shape(model, json.dumps(shape(body, _FREE), sort_keys=True))


@functools.cache
def _of_shape(model: Any, text: str) -> tuple[str, ...]:
    return tuple(body_problems(model, json.loads(text)))


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
