"""What observe.yaml and the template's Metadata say of one resource: hidden, its owner, its runbook.

`Metadata: HybridObserve:` has the keys of `dashboards.resources` of observe.yaml, or CloudFormation's
CamelCase of them (`model.metadata`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from dashboards.model.draft import Draft
from dashboards.model.marks import Marks
from dashboards.model.metadata import as_observe_yaml, without
from dashboards.model.pointers import text
from dashboards.resources import EndpointView, Resource, ServiceView
from dashboards.template.values import Item
from subscribers.config import Config
from subscribers.config_groups import unknown
from subscribers.config_schema import violations
from subscribers.config_tree import at

KEY = "HybridObserve"


class Overrides:
    """The overrides of a system. Observe.yaml wins over the template."""

    def __init__(self, config: Config, draft: Draft) -> None:
        written = config.dashboards.get("resources")
        self._written: dict[str, Any] = written if isinstance(written, dict) else {}
        self._draft = draft

    def names(self) -> Iterable[str]:
        """Return what observe.yaml names, as it names it."""
        return self._written

    def hides(self, *names: str) -> bool:
        """Whether one of these names of a resource, an endpoint or a service is hidden."""
        return any(at(self._written.get(name), "hide") is True for name in names)

    def hides_resource(self, resource: Resource) -> bool:
        """Whether a resource is hidden, by observe.yaml or by the template."""
        own = self._written.get(resource.id, self._written.get(resource.logical_id, {}))
        told = at(own, "hide")
        return bool(told if told is not None else resource.metadata.get("hide"))

    def told(self, key: str, names: Iterable[str], functions: Iterable[str]) -> str:
        """Return `owner` or `runbook` of one of some names, else of a function; "" for none."""
        resources = [self._draft.resources[one] for one in functions]
        of_resources = [name for one in resources for name in (one.id, one.logical_id)]
        written = [text(at(self._written.get(name), key)) for name in (*names, *of_resources)]
        metadata = [text(one.metadata.get(key)) for one in resources]
        return next((value for value in (*written, *metadata) if value), "")

    def owner_tag(self, functions: Iterable[str]) -> str:
        """Return the owner by the tags of functions, "" for none."""
        return next((owner for one in functions if (owner := self._draft.owners.get(one))), "")


def read_metadata(draft: Draft) -> None:
    """Add the metadata of items to their resources; what is wrong in it is left out and said."""
    for item in draft.items.values():
        written = item.metadata.get(KEY)
        if written is None:
            continue
        resource = draft.of_item(item)
        # SAM copies the metadata of a function to the role and the permissions that it makes for it.
        if not resource and item.source_id not in ("", item.logical_id):
            continue
        if not resource:
            said = f"Metadata.{KEY} of {item.id} is not used: {item.type} is not shown."
            draft.note("warning", said, item.place)
        elif not isinstance(written, dict):
            draft.note(
                "error",
                f"Metadata.{KEY} of {item.id} is not a mapping of keys to values.",
                item.place,
                resource,
            )
        else:
            draft.change(resource, metadata=_checked(item, resource, written, draft))


def _checked(item: Item, resource: str, written: Mapping[Any, Any], draft: Draft) -> dict[str, Any]:
    entry = as_observe_yaml(written)
    found = violations({"version": 1, "dashboards": {"resources": {resource: entry}}})
    for violation in found:
        path = violation.path[3:]
        where = f"Metadata.{KEY}" + "".join(f".{part}" for part in path)
        draft.note("error", f"{item.id}: {where}: {violation.message}", item.place, resource)
        entry = without(entry, path)
    return entry


def say_unknown(
    overrides: Overrides,
    draft: Draft,
    endpoints: Mapping[str, EndpointView],
    services: Mapping[str, ServiceView],
    marks: Marks,
) -> None:
    """Note each name of `dashboards.resources` that is nothing."""
    ids = [name for one in draft.resources.values() for name in (one.logical_id, one.id)]
    known = list(dict.fromkeys((*endpoints, *services, *ids)))
    for name in overrides.names():
        if name not in known:
            said = unknown("resource, endpoint or service", name, known)
            draft.note(
                "error", f"dashboards.resources: {said}", marks.place("dashboards", "resources", name), name
            )
