"""What the requests of an endpoint pass on to, nearest first, and the queues of their dead letters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from dashboards.model.draft import Draft
from dashboards.resources import EndpointView

#: More are not read on a page.
_MAX = 100
_ONWARD = ("feeds", "writes")


class Graph:
    """The edges of a draft by where they begin."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._onward: Mapping[str, list[str]] = defaultdict(list)
        self._dead: Mapping[str, list[str]] = defaultdict(list)
        for edge in draft.edges:
            if edge.how in _ONWARD:
                self._onward[edge.source].append(edge.target)
            elif edge.how == "dead_letters" and draft.resources[edge.target].kind == "queue":
                self._dead[edge.source].append(edge.target)

    def beyond(self, starts: Iterable[str]) -> tuple[str, ...]:
        """Return what is reached from some resources, each once, nearest first; never the starts."""
        seen = dict.fromkeys(starts)
        nearest, found = list(seen), list[str]()
        while nearest and len(found) < _MAX:
            reached = dict.fromkeys(one for start in nearest for one in self._onward.get(start, ()))
            nearest = [one for one in reached if one not in seen]
            seen |= dict.fromkeys(nearest)
            found += nearest
        return tuple(found[:_MAX])

    def dead_letters(self, resources: Iterable[str]) -> tuple[str, ...]:
        """Return the queues in which what these resources cannot handle ends."""
        return tuple(dict.fromkeys(queue for one in resources for queue in self._dead.get(one, ())))

    def of(self, view: EndpointView) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return an endpoint's downstream and its dead letters."""
        side = view.serverless
        functions = side.functions if side is not None else ()
        targets = [self._draft.routes[route].target for route in side.routes] if side is not None else []
        direct = [one for one in dict.fromkeys(targets) if one and one not in functions]
        downstream = tuple(dict.fromkeys((*direct, *self.beyond([*functions, *direct]))))
        return downstream, self.dead_letters((*functions, *downstream))
