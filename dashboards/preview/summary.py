"""What the data says of a page, in words: which side fails, since when, how many it hits, where to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dashboards.expressions import Metric
from dashboards.pages.titles import SIDES
from dashboards.panels import Page
from dashboards.preview.axes import moment
from dashboards.preview.escape import text
from dashboards.preview.evaluate import whole
from dashboards.preview.judge import Verdict
from dashboards.preview.lines import LogLine
from dashboards.preview.lines_html import first_line, way
from dashboards.preview.scene import Scene
from dashboards.preview.units import length, shown
from dashboards.preview.window import NS_PER_S
from dashboards.resources import EndpointView

#: Endpoints in trouble that the system's page tells of, and alarms that one line names.
_MOST = 8


class Told(NamedTuple):
    """What is known of one side or service. name: for people; of: `endpoint` or `service`."""

    name: str
    of: str
    subject: str
    requests: float
    failed: float
    p95_ms: float | None

    @property
    def percent(self) -> float:
        """Its error rate."""
        return 100 * self.failed / self.requests if self.requests else 0.0


def summary_html(page: Page, scene: Scene) -> str:
    """Return the box that a page begins with; "" where there is nothing to say."""
    if not scene.window.has_data:
        return ""
    if page.kind == "system":
        return _system(scene)
    if page.kind == "endpoint" and page.subject in scene.system.endpoints:
        return _box(page, sides_of(scene.system.endpoints[page.subject], scene), scene)
    if page.kind == "pipeline" and (firing := firing_of(page.name, scene)):
        return _framed([f'<p class="first">{text(_said(firing))}</p>'], firing, ())
    if page.kind == "service" and page.subject in scene.system.services:
        return _box(page, [_told(page.subject, "service", page.subject, scene)], scene)
    return ""


def sides_of(endpoint: EndpointView, scene: Scene) -> list[Told]:
    """Return what is known of each side of an endpoint, the one that fails more first."""
    told = [
        _told(SIDES[one.side], "endpoint", f"{endpoint.name}/{one.side}", scene) for one in endpoint.sides
    ]
    return sorted(told, key=lambda one: (-one.percent, -(one.p95_ms or 0.0)))


def sentence(sides: Sequence[Told]) -> str:
    """Return the comparison: `Serverless fails 1.27 % of 158 requests, legacy 0 % of 52; p95 ...`."""
    known = [one for one in sides if one.requests]
    if not known:
        return "No request in this time."
    silent = [one.name.lower() for one in sides if not one.requests]
    rest = f" No request on the {silent[0]} side." if silent else ""
    return f"{_failures(known)}; {_latency(known)}.{rest}"


def _failures(known: Sequence[Told]) -> str:
    if not any(one.failed for one in known):
        each = [f"{shown(one.requests, '1')} ({one.name.lower()})" for one in known]
        return f"None of {' and '.join(each)} requests failed" if len(known) > 1 else _none(known[0])
    first, *others = known
    words = [f"{first.name} fails {shown(first.percent, '%')} of {_requests(first)}"]
    words += [f"{one.name.lower()} {shown(one.percent, '%')} of {shown(one.requests, '1')}" for one in others]
    return ", ".join(words)


def _none(one: Told) -> str:
    return f"None of {_requests(one)} failed" if one.requests > 1 else "Its one request did not fail"


def _requests(one: Told) -> str:
    return "1 request" if one.requests == 1 else f"{shown(one.requests, '1')} requests"


def _latency(known: Sequence[Told]) -> str:
    timed = [one for one in known if one.p95_ms is not None]
    if not timed:
        return "how long they take is not known"
    first, *others = timed
    text = f"p95 {shown(first.p95_ms, 'ms')}"
    return " ".join([text, *(f"against {shown(one.p95_ms, 'ms')} ({one.name.lower()})" for one in others)])


def _told(name: str, of: str, subject: str, scene: Scene) -> Told:
    facts = scene.facts
    return Told(
        name=name,
        of=of,
        subject=subject,
        requests=whole(Metric(f"{of}.requests", subject, "sum"), facts) or 0.0,
        failed=whole(Metric(f"{of}.errors", subject, "sum"), facts) or 0.0,
        p95_ms=whole(Metric(f"{of}.duration", subject, "p95"), facts),
    )


def firing_of(page: str, scene: Scene) -> list[Verdict]:
    """Return what would fire of one page."""
    return [one for one in scene.verdicts.values() if one.page == page and one.state == "fires"]


def _box(page: Page, sides: Sequence[Told], scene: Scene) -> str:
    firing = firing_of(page.name, scene)
    parts = [f'<p class="first">{text(sentence(sides))}</p>']
    parts += [f"<p>{text(_since(one, scene))}</p>" for one in sides if one.failed]
    if firing:
        parts.append(f'<p class="fires">{text(_said(firing))}</p>')
    newest = _newest(page, scene)
    if newest:
        parts.append(_error(newest[0], page, scene))
    return _framed(parts, firing, sides)


def _framed(parts: Sequence[str], firing: Sequence[Verdict], sides: Sequence[Told]) -> str:
    state = "bad" if firing else "warn" if any(one.failed for one in sides) else "good"
    if not firing and not any(one.requests for one in sides):
        state = "unknown"
    return f'<div class="summary {state}">{"".join(parts)}</div>'


def _said(firing: Sequence[Verdict]) -> str:
    """Which promises are broken, and which alarms would fire."""
    broken = [one for one in firing if one.is_promise]
    alarms = [one for one in firing if not one.is_promise]
    said = [f"{word}: {_named(some)}." for word, some in (("Broken", broken), ("Would fire", alarms)) if some]
    return " ".join(said)


def _named(firing: Sequence[Verdict]) -> str:
    names = list(dict.fromkeys(one.title for one in firing))
    return "; ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")


def _since(one: Told, scene: Scene) -> str:
    """How many of a side's requests failed, and from when to when."""
    base_s = scene.facts.base_s
    found = scene.facts.of(f"{one.of}.errors", one.subject, base_s)
    pieces = sorted(piece for piece, values in found.items() if any(values))
    first, last = (moment(piece * base_s * NS_PER_S)[11:] for piece in (pieces[0], pieces[-1]))
    when = f"at {first}" if first == last else f"from {first} to {last}"
    quiet_s = scene.window.last_unix_nano / NS_PER_S - (pieces[-1] + 1) * base_s
    since = f"; none in the {length(round(quiet_s))} since" if quiet_s >= 2 * base_s else ""
    return f"{one.name}: {shown(one.failed, '1')} failed, {when} UTC{since}."


def _newest(page: Page, scene: Scene) -> list[LogLine]:
    query = next((one for one in page.queries if one.is_errors), None)
    return scene.lines.of(query) if query else []


def _error(line: LogLine, page: Page, scene: Scene) -> str:
    query = next(one for one in page.queries if one.is_errors)
    at = moment(line.time_unix_nano, is_exact=True)[11:]
    return (
        f'<p><a href="{scene.href_of_query(query.name, page)}">Newest error</a> {at}, '
        f"<bdi>{text(line.service)}</bdi>: <bdi>{text(first_line(line.message))}</bdi> "
        f"{way(line, scene.system.config.links)}</p>"
    )


def _system(scene: Scene) -> str:
    """Endpoints that would fire an alarm or fail at all, worst first."""
    pages = {page.subject: page.name for page in reversed(scene.pages) if page.kind == "endpoint"}
    endpoints = scene.system.endpoints
    told = {name: sides_of(endpoints[name], scene) for name in pages if name in endpoints}
    firing = {name: firing_of(pages[name], scene) for name in told}
    worst = sorted(
        (name for name in told if firing[name] or any(one.failed for one in told[name])),
        key=lambda name: (not firing[name], -max((one.percent for one in told[name]), default=0.0), name),
    )
    if not told:
        return ""
    loud = [name for name in worst if firing[name]]
    failing = [name for name in worst if not firing[name]]
    items = "".join(_item(name, pages[name], told[name], firing[name], scene) for name in worst[:_MOST])
    more = f"<p>And {len(worst) - _MOST} more.</p>" if len(worst) > _MOST else ""
    head = (
        f"{len(loud)} of {len(told)} endpoints {'breaks' if len(loud) == 1 else 'break'} a promise or would "
        f"fire an alarm; {len(failing)} more had failures."
    )
    silent = sum(not any(one.requests for one in sides) for sides in told.values())
    if silent:
        head += f" {silent} had no request."
    parts = [f'<p class="first">{head}</p>', f"<ul>{items}</ul>" if items else "", more]
    everyone = [verdict for name in loud for verdict in firing[name]]
    return _framed(parts, everyone, [one for sides in told.values() for one in sides])


def _item(name: str, page: str, sides: Sequence[Told], firing: Sequence[Verdict], scene: Scene) -> str:
    fires = f' <span class="fires">{text(_said(firing))}</span>' if firing else ""
    return (
        f'<li><a href="{scene.href_of_page(page)}"><bdi>{text(name)}</bdi></a>: '
        f"{text(sentence(sides))}{fires}</li>"
    )
