"""CloudWatch: dashboards, alarms, metric filters and saved queries as CloudFormation.

Everything that is deployed is made once (`content`), then written as stacks of their own (`render`), split at
CloudFormation's limits, and as a fragment for the template of the team itself (`fragment`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dashboards.alarms.values import Alarms
from dashboards.cloudwatch.content import Part, content
from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.stacks import (
    DIRECT_BYTES_MAX,
    INCLUDED_BYTES_MAX,
    RESOURCES_MAX,
    Actions,
    fragment_text,
    packed,
    template,
)
from dashboards.panels import Page
from dashboards.rendered import Options, Rendered
from dashboards.resources import System


def render(system: System, pages: Sequence[Page], alarms: Alarms, options: Options) -> Rendered:  # noqa: ARG001
    """Return template.yaml, template-2.yaml ... and fragment.yaml, where that fits into one template.

    No option is CloudWatch's.
    """
    context = Context(system, pages)
    parts = content(context, alarms)
    actions = _actions(system)
    stacks = packed(parts, system, actions) if parts else []
    if not stacks:
        context.note("warning", "There is nothing to deploy: no page, no alarm.")
    files: dict[str, str] = {}
    for number, stack in enumerate(stacks, 1):
        name = "template.yaml" if number == 1 else f"template-{number}.yaml"
        files[name] = template(stack, system, number, len(stacks), actions)
        if (size := len(files[name].encode())) > DIRECT_BYTES_MAX:
            context.note(
                "info",
                f"{name} has {size} bytes: above 51,200 CloudFormation takes it from S3 (--s3-bucket).",
            )
        if asked := sorted({parameter for one in stack for parameter in one.asked}):
            context.note(
                "info", f"{name} asks for names that only the deployed stack knows: {', '.join(asked)}."
            )
    files |= _fragment(context, parts, actions)
    return Rendered(files=files, notes=context.notes)


def fragment(system: System, pages: Sequence[Page], alarms: Alarms, topic: Any = None) -> Rendered:
    """Return fragment.yaml alone: resources that the team's own template includes; no file where none fits.

    topic: a value of AlarmActions that every alarm has, instead of observe.yaml's dashboards.actions.
    """
    context = Context(system, pages)
    files = _fragment(context, content(context, alarms), _actions(system), topic)
    return Rendered(files=files, notes=context.notes)


def _fragment(
    context: Context, parts: tuple[Part, ...], actions: Actions, topic: Any = None
) -> dict[str, str]:
    if not parts:
        return {}
    homes = {one.place.file for one in context.system.resources.values() if not one.stack}
    if len(homes) > 1:
        context.note(
            "info",
            f"There is no fragment.yaml: it can be part of one template, and these are {len(homes)}.",
        )
        return {}
    if len(parts) > RESOURCES_MAX:
        return _none(context, f"{len(parts)} resources, and a template has 500 at most")
    text, asked = fragment_text(parts, context.system, actions, topic)
    if (size := len(text.encode())) > INCLUDED_BYTES_MAX:
        return _none(context, f"{size} bytes, and a template has 1 MB at most")
    if asked:
        context.note(
            "info", f"A template that includes fragment.yaml declares the parameters {', '.join(asked)}."
        )
    silent = sorted({one.severity for one in parts if one.severity and not actions.get(one.severity)})
    if silent and topic is None:
        context.note(
            "info",
            f"In fragment.yaml alarms of severity {', '.join(silent)} tell nobody: see dashboards.actions.",
        )
    return {"fragment.yaml": text}


def _none(context: Context, reason: str) -> dict[str, str]:
    context.note("info", f"There is no fragment.yaml: it would have {reason}. Deploy template.yaml and on.")
    return {}


def _actions(system: System) -> Actions:
    return {severity: list(arns) for severity, arns in system.config.dashboards.get("actions", {}).items()}
