"""Where somebody who is told of an alarm looks next: the newest errors, one correlation ID, own addresses.

Its page and its runbook are no links: every target tells them from `Alarm.page` and `Alarm.runbook`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import quote

from dashboards.alarms.drafts import Around, Draft
from dashboards.panels import Link
from dashboards.resources import EndpointView

#: The saved query of one correlation ID over the whole system, as `dashboards.pages.queries` names it.
_STORY = "story"
_PLACEHOLDER = re.compile(r"{([a-z_]+)}")


def links_of(look: Around, draft: Draft) -> tuple[Link, ...]:
    """Return saved queries, then what of observe.yaml's links needs neither an ID nor a time."""
    return (*_queries(look, draft), *_addresses(look, draft))


def _queries(look: Around, draft: Draft) -> Iterator[Link]:
    """Of the endpoint that an alarm is about, else of its service; else of all there is."""
    endpoint = look.system.endpoints.get(draft.subject) or look.system.endpoints.get(draft.endpoint)
    service = _service(look, draft)
    if endpoint is not None and _is_searched(endpoint):
        yield Link(label=f"Newest errors of {endpoint.name}", query=look.pages.errors[endpoint.name])
        yield Link(label="Everything of one correlation ID", query=look.pages.stories[endpoint.name])
        return
    if service:
        yield Link(label=f"Newest errors of {service}", query=look.pages.service_errors[service])
    if look.system.services:
        yield Link(label="Everything of one correlation ID", query=_STORY)


def _is_searched(endpoint: EndpointView) -> bool:
    """Whether the endpoint has queries: logs of its own, or a service whose logs are searched by name."""
    return any(side.service or side.log_groups for side in endpoint.sides)


def _service(look: Around, draft: Draft) -> str:
    if draft.subject in look.system.services:
        return draft.subject
    found = look.services.get(draft.subject)
    return found.name if found else ""


def _addresses(look: Around, draft: Draft) -> Iterator[Link]:
    known = {"rule": draft.rule}
    if draft.subject in look.system.endpoints:
        known["endpoint"] = draft.subject
    elif draft.subject in look.system.services:
        known["service"] = draft.subject
    for name, template in look.system.config.links.items():
        if url := _filled(template, known):
            yield Link(label=name.capitalize(), url=url)


def _filled(template: str, known: dict[str, str]) -> str:
    """An address with its placeholders filled in; "" where one of them is not known."""
    if not set(_PLACEHOLDER.findall(template)) <= known.keys():
        return ""
    return _PLACEHOLDER.sub(lambda found: quote(known[found[1]], safe=""), template)
