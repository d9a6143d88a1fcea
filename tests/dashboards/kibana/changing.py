"""Good files with one saved object changed, for the validators of both tools that import saved objects."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from dashboards.rendered import Rendered

Tree = dict[str, Any]
#: The dashboard of the sample's endpoint, in both tools.
PAGE = "observe-claims-endpoint-submit"
_FILE = "saved-objects.ndjson"


class Changing:
    """The good files of one tool."""

    def __init__(self, good: Rendered) -> None:
        self._good = good

    def changed(self, kind: str, change: Callable[[Tree], object], name: str = "") -> Rendered:
        """Return the good files with one saved object changed."""
        lines = [json.loads(line) for line in self._good.files[_FILE].splitlines()]
        one = next(one for one in lines if one["type"] == kind and one["id"].startswith(name))
        change(one)
        text = "".join(json.dumps(line) + "\n" for line in lines)
        return msgspec.structs.replace(self._good, files={**self._good.files, _FILE: text})

    def panels(self, change: Callable[[list[Tree]], object]) -> Rendered:
        """Return the good files with the panels of the endpoint's page changed."""

        def in_page(one: Tree) -> None:
            found = json.loads(one["attributes"]["panelsJSON"])
            change(found)
            one["attributes"]["panelsJSON"] = json.dumps(found)

        return self.changed("dashboard", in_page, PAGE)
