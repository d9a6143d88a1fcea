"""Names that only a deployed stack has, as patterns: for variables, regular expressions and searches.

Texts with references are those of dashboards.cloudwatch.references.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from dashboards.cloudwatch.dimensions import item_of
from dashboards.cloudwatch.references import Reference, references, token
from dashboards.resources import System


def pattern_of(text: str, system: System) -> str:
    """Return a text with `*` for what is not known; an unknown name has the shape CloudFormation gives it."""
    for reference in references(text):
        text = text.replace(token(reference), _pattern(reference, system))
    return re.sub(r"\*[*-]*\*", "*", text)


def _pattern(reference: Reference, system: System) -> str:
    if reference.is_pseudo:
        known = {
            "AWS::Region": system.region,
            "AWS::AccountId": system.account,
            "AWS::StackName": system.stack,
        }
        return known.get(reference.item, "") or "*"
    for resource in system.resources.values():
        if item_of(resource) == reference.item:
            return resource.name.pattern or f"*{resource.logical_id}*"
    return "*"


def regex_of(pattern: str) -> str:
    """Return a pattern as Grafana's regular expression of a variable, between slashes."""
    inner = ".*".join(re.escape(part).replace("/", r"\/") for part in pattern.split("*"))
    return f"/^{inner}$/"


def promql_regex(pattern: str) -> str:
    """Return a pattern as RE2 reads it in a matcher, which is anchored; of signs only those are escaped that
    mean something."""
    return ".*".join(re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", part) for part in pattern.split("*"))


def searched(key: str, pattern: str) -> list[str]:
    """Return terms of CloudWatch's SEARCH: the whole value where it is known, else the words in it."""
    if "*" not in pattern:
        return [f'{key}="{pattern}"']
    return [f"{key}={word}" for word in re.findall(r"[A-Za-z0-9]+", pattern)]


def variable_of(kind: str, pattern: str) -> str:
    """Return the name of a variable that finds a name: words of the pattern, and a hash of all of it."""
    words = "_".join(re.findall(r"[A-Za-z0-9]+", f"{kind} {pattern}"))[:40]
    return f"{words}_{blake2b(f'{kind} {pattern}'.encode(), digest_size=3).hexdigest()}"
