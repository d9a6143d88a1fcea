"""Names of pages and saved queries: unique in a system, and the same whoever asks."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from dashboards.resources import System, slug

SYSTEM = "system"
PIPELINE = "pipeline"


class Names(msgspec.Struct, frozen=True, kw_only=True):
    """Names of pages and queries. Keys are names of endpoints and of services as the System has them.

    endpoints, services: the page of each. errors, stories: of an endpoint, its query of the newest errors and
    its query of one correlation ID. service_errors: of a service, the query of its newest errors.
    """

    endpoints: dict[str, str]
    services: dict[str, str]
    errors: dict[str, str]
    stories: dict[str, str]
    service_errors: dict[str, str]


def names_of(system: System) -> Names:
    """Return the names of all pages and queries: `endpoint-<slug>`, `errors-<slug>` and the like.

    Two that have the same slug are told apart by a number, the first has none.
    """
    return Names(
        endpoints=_unique("endpoint", system.endpoints),
        services=_unique("service", system.services),
        errors=_unique("errors", system.endpoints),
        stories=_unique("story-endpoint", system.endpoints),
        service_errors=_unique("errors-service", system.services),
    )


def _unique(prefix: str, subjects: Iterable[str]) -> dict[str, str]:
    taken: set[str] = set()
    out: dict[str, str] = {}
    for subject in subjects:
        out[subject] = free(f"{prefix}-{slug(subject)}", taken)
    return out


def free(name: str, taken: set[str]) -> str:
    """Return the name, or with the first number from 2 that makes it new; it is taken from then on."""
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    taken.add(found)
    return found
