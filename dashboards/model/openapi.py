"""The operations of an OpenAPI document in a template: method, path and integration of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dashboards.model.integrations import Integration, of_openapi
from subscribers.config_tree import at, mappings

#: Key of a path's item -> method. https://spec.openapis.org/oas/v3.0.3#path-item-object
_METHODS = {
    **{name: name.upper() for name in ("get", "put", "post", "delete", "options", "head", "patch", "trace")},
    "x-amazon-apigateway-any-method": "ANY",
}
_INTEGRATION = "x-amazon-apigateway-integration"


def operations(body: Any) -> Iterator[tuple[str, str, Integration]]:
    """Yield (method, path, integration) of each operation, in the document's order."""
    for path, item in mappings(body, "paths"):
        for key, operation in item.items():
            method = _METHODS.get(str(key).lower())
            if method is not None:
                yield method, str(path), of_openapi(_integration(body, operation))


def _integration(body: Any, operation: Any) -> Any:
    """The integration itself, or the one that it refers to in the document's components."""
    written = at(operation, _INTEGRATION)
    reference = at(written, "$ref")
    if isinstance(reference, str) and reference.startswith("#/"):
        return at(body, *reference[2:].split("/"))
    return written
