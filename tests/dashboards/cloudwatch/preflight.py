"""The rules of cdk-preflight about what we generate, run by AWS's offline validator.

They quote what CloudWatch's own API answers. Names that only the stack knows are put in first: the rules read
no Fn::Sub.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from cloudformation_validate import (  # type: ignore[import-untyped]
    EngineConfig,
    ExternalRuleSource,
    RegoEngine,
    TemplateContent,
)

from tests.dashboards.cloudwatch.bodies import resolved

RULES = Path(__file__).parent / "preflight"


@cache
def engine() -> RegoEngine:
    """The engine with the rules, once."""
    files = sorted(RULES.glob("*.rego"))
    sources = [ExternalRuleSource(name=one.name, content=one.read_text(encoding="utf-8")) for one in files]
    return RegoEngine(EngineConfig(custom_rules=sources))


def preflight_problems(name: str, tree: dict[str, Any]) -> Iterator[str]:
    """Yield what the rules say of a template."""
    plain = copy.deepcopy(tree)
    for one in plain.get("Resources", {}).values():
        properties = one.get("Properties", {})
        for key in ("DashboardBody", "AlarmDescription", "AlarmName", "DashboardName"):
            if key in properties:
                properties[key] = resolved(properties[key])
    report = engine().validate_template(TemplateContent(json.dumps(plain), name))
    for found in report.diagnostics:
        if found.rule_id.startswith("pf-") and found.severity.name in ("FATAL", "ERROR"):
            yield f"{name}: {found.rule_id}: {found.message}"
