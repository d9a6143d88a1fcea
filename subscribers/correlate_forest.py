"""The spans of a story as a forest, to which parents are added. Pure.

What is below what is asked often while it grows, so the way to the top is shortened as it is walked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from subscribers.correlate_clock import resolution_ns, skew_ns
from subscribers.correlate_intervals import MOST
from subscribers.signals import Span

#: The parent of a root.
ROOT = -1


class Forest:
    """Spans, their parents, and what of these was found here.

    spans: by start; parents: index of each one's parent or ROOT, without cycles, changed in place; requests:
    which request each is of.
    """

    def __init__(self, spans: Sequence[Span], parents: list[int], requests: Sequence[str]) -> None:
        self.spans, self.parents, self.requests = spans, parents, requests
        #: The spans that were given a parent.
        self.found: set[int] = set()
        #: How far the times of each may be off, in nanoseconds: of two spans of two services, the sum.
        self.off_ns = [resolution_ns(span) + skew_ns(span) for span in spans]
        self.took_ns = [max(span.end_unix_nano - span.start_unix_nano, 0) for span in spans]
        calls = ((requests[i], span.origin.service) for i, span in enumerate(spans) if span.kind == "client")
        self._telling = set(calls)
        self._up = [i if parent == ROOT else parent for i, parent in enumerate(parents)]
        self._first, self._last = _preorder(parents)

    def put(self, i: int, parent: int) -> bool:
        """Give a root its parent; False if that is below it."""
        if self.top(parent) == i:
            return False
        self.parents[i] = self._up[i] = parent
        self.found.add(i)
        return True

    def top(self, i: int) -> int:
        """Return the root that a span is below, or itself."""
        path = []
        while self._up[i] != i:
            path.append(i)
            i = self._up[i]
        for passed in path:
            self._up[passed] = i
        return i

    def is_below(self, i: int, above: int) -> bool:
        """Whether a span is below another one; only the nearest MOST above it are looked at."""
        for _ in range(MOST):
            i = self.parents[i]
            if i in (above, ROOT):
                break
        return i == above

    def innermost(self, among: list[int]) -> list[int]:
        """Return those that were told to be above none of the others."""
        ordered = sorted(among, key=self._first.__getitem__)
        inner = [i for i, after in pairwise(ordered) if self._first[after] > self._last[i]]
        return [*inner, *ordered[-1:]]

    def tolerance_ns(self, i: int, other: int) -> int:
        """Return how far times of two services' spans may be apart although they were the same moment."""
        return self.off_ns[i] + self.off_ns[other]

    def shared_ns(self, i: int, other: int) -> int:
        """Return how long both were going on, as their times tell; less than 0 where they were apart."""
        a, b = self.spans[i], self.spans[other]
        return min(a.end_unix_nano, b.end_unix_nano) - max(a.start_unix_nano, b.start_unix_nano)

    def lies_in(self, inner: int, outer: int) -> bool:
        """Whether a span took less time than another one and lies in it, as far as the clocks can tell."""
        return self.took_ns[inner] < self.took_ns[outer] and self.holds(outer, inner)

    def holds(self, outer: int, inner: int) -> bool:
        """Whether a span begins and ends within another one, as far as the clocks can tell."""
        a, b, off = self.spans[inner], self.spans[outer], self.tolerance_ns(inner, outer)
        return a.start_unix_nano >= b.start_unix_nano - off and a.end_unix_nano <= b.end_unix_nano + off

    def is_telling(self, i: int) -> bool:
        """Whether a span's service tells its calls in this request: what it calls, it says."""
        return (self.requests[i], self.spans[i].origin.service) in self._telling

    def same_service(self, i: int, other: int) -> bool:
        """Whether one program wrote both: the layer may call it another name than observe.yaml does."""
        a, b = self.spans[i].origin, self.spans[other].origin
        same = (a.account, a.log_group, a.log_stream) == (b.account, b.log_group, b.log_stream)
        return a.service == b.service or (same and a.log_stream != "")


def _preorder(parents: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return each one's place in preorder, and the last place below it."""
    children: dict[int, list[int]] = defaultdict(list)
    for i, parent in enumerate(parents):
        children[parent].append(i)
    first, last = [0] * len(parents), [0] * len(parents)
    place, stack = 0, list(children[ROOT])
    while stack:
        i = stack.pop()
        if i < 0:
            last[~i] = place - 1
            continue
        first[i] = place
        place += 1
        stack.append(~i)
        stack.extend(children[i])
    return first, last
