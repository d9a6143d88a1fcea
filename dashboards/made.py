"""From files to what is rendered: templates and observe.yaml -> System -> alarms and pages."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from dashboards.alarms.build import alarms_of, override_notes
from dashboards.alarms.values import Alarms
from dashboards.model.build import model_of
from dashboards.pages.build import pages_of
from dashboards.panels import Page
from dashboards.resources import Note, System
from dashboards.template.read import read_templates
from dashboards.template.values import Deployment
from subscribers.config import Config


class Made(msgspec.Struct, frozen=True, kw_only=True):
    """What every target is rendered from. notes: of the templates, the model and the overrides."""

    system: System
    alarms: Alarms
    pages: tuple[Page, ...]
    notes: tuple[Note, ...] = ()


def made_of(templates: Sequence[Path], config: Config, deployment: Deployment) -> Made:
    """Read templates and return what is shown and told of them. Raises TemplateError."""
    system = model_of(read_templates(templates, deployment), config)
    alarms = alarms_of(system)
    notes = (*system.notes, *override_notes(system))
    return Made(system=system, alarms=alarms, pages=pages_of(system, alarms), notes=notes)
