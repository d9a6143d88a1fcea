"""Parameters that were given and are none, and those that nobody gave: a note each.

Of nested stacks it is their parent that gives them; so only templates that were named are looked at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from dashboards.resources import Note
from dashboards.template.loaded import Loaded, mapping
from dashboards.template.scope import is_secret
from subscribers.config_problems import shown


def parameter_notes(every: Sequence[Loaded], given: Mapping[str, Any]) -> Iterator[Note]:
    """Yield what is worth knowing of the parameters of templates. given: values by name."""
    declared = [name for loaded in every for name in mapping(loaded.source.tree.get("Parameters"))]
    for name in given:
        if name not in declared:
            close = difflib.get_close_matches(name, declared, n=1, cutoff=0.6)
            hint = f" Did you mean {shown(close[0])}?" if close else ""
            text = f"No template has the parameter {shown(name)}, of which a value is given.{hint}"
            yield Note(level="warning", text=text)
    for loaded in every:
        for name, one in mapping(loaded.source.tree.get("Parameters")).items():
            if name not in given and _is_open(one):
                text = (
                    f"The parameter {shown(name)} has no default and no value is given (--parameter "
                    f"{name}=VALUE): names and conditions that depend on it are not known."
                )
                yield Note(level="info", text=text, place=loaded.source.place("Parameters", name))


def _is_open(parameter: Any) -> bool:
    """Whether a value would be told by somebody: what is secret or in SSM is never known here."""
    return (
        isinstance(parameter, dict)
        and "Default" not in parameter
        and not is_secret(parameter)
        and not str(parameter.get("Type")).startswith("AWS::SSM::")
    )
