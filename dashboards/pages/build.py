"""All pages of a system, in the order in which somebody reads them."""

from __future__ import annotations

from dashboards.alarms.values import Alarms
from dashboards.pages import endpoints, others, pipeline, services
from dashboards.pages import system as whole
from dashboards.pages.finish import finished
from dashboards.pages.scene import scene_of
from dashboards.panels import Page
from dashboards.resources import System


def pages_of(system: System, alarms: Alarms) -> tuple[Page, ...]:
    """Return the pages: `system`, `endpoint-<slug>`, `service-<slug>`, `pipeline`, `resources-<kind>`.

    A page with more than finish.MOST_PANELS or MOST_METRICS is followed by its continuation, `system-2` or
    `service-<slug>--2`. Pure: the same system and alarms give the same pages.
    """
    scene = scene_of(system, alarms)
    rest = others.of_system(scene)
    after = (
        *(endpoints.page_of(scene, endpoint) for endpoint in system.endpoints.values()),
        *(services.page_of(scene, service) for service in system.services.values()),
        *((pipeline.page_of(scene),) if pipeline.is_shown(scene) else ()),
        *others.pages_of(scene, rest),
    )
    return finished(scene, (whole.page_of(scene, rest, after), *after))
