"""Parents that nobody told, inferred: a request lies in time within the call that made it. Pure.

A server's span without a parent becomes the child of a call (a client span) of another service and the same
request that contains it, as far as their clocks can tell. In this order:

1. invocations: the function's name is the one that was invoked
2. method, path and host agree; method and path; method and host; the method alone
3. one of the two tells no method

Where path and method agree, the beginning may be enough: the call failed (who called gave up), or its request
ended a moment later. Another method is another call. Where several agree equally and none can be ruled out,
nothing is guessed (correlate_calls). Of requests that lie within each other a call made the outermost.

Those that are left may lie within a request of a service that only others tell of (a proxy, an uninstrumented
function): one of the same method and path, or one that they cannot have come before or after; the smallest
where all that contain them lie within each other. And what names a parent that never came is given to the
invocation of which only the platform tells, unless that is below the same parent.

docs/correlation.md
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from subscribers.correlate_calls import Calls
from subscribers.correlate_forest import ROOT, Forest
from subscribers.correlate_intervals import Pool
from subscribers.correlate_told import PATH, request_keys
from subscribers.signals import ENTRY_KINDS, Span

#: (request, what contains it) -> whether it may be its parent.
_Fits = Callable[[int, int], bool]


def infer(spans: Sequence[Span], parents: list[int], requests: Sequence[str]) -> set[int]:
    """Give spans that have no parent the one that contains them, in place; return which got one.

    spans: of one story, by start; parents: the index of each one's parent or ROOT, without cycles; requests:
    which request each belongs to: the same text for all traces of one identity. A parent that is there is
    never changed, and no cycle is made.
    """
    forest = Forest(spans, parents, requests)
    alone = [i for i, span in enumerate(spans) if span.kind == "server" and parents[i] == ROOT]
    #: What is still to be given to somebody, in order, and below which call if that is known.
    open = dict.fromkeys((i for i in alone if not spans[i].parent_span_id), ROOT)
    orphans = [i for i in alone if spans[i].parent_span_id]
    missing = {i: spans[forest.top(i)].parent_span_id for i in (range(len(spans)) if orphans else ())}
    Calls(forest, open).choose()
    entries = _Entries(forest)
    entries.take(open)
    entries.take_orphans(orphans, missing)
    return forest.found


class _Entries:
    """Requests of services that only others tell of, within which further ones may lie."""

    def __init__(self, forest: Forest) -> None:
        self._forest = forest

    def take(self, open: dict[int, int]) -> None:
        """Give the requests that are left to those of services that tell no calls.

        open: each one's call, where it is known that it lies in what that made, else ROOT.
        """
        forest = self._forest
        entries = [
            i
            for i, span in enumerate(forest.spans)
            if span.kind in ENTRY_KINDS and span.told_by != "layer" and not forest.is_telling(i)
        ]
        if not open or not entries:
            return
        path = {i: request_keys(forest.spans[i])[PATH] for i in {*entries, *open}}
        pool = Pool()
        for i in entries:
            for key in {path[i], ""} - {None}:
                self._add(pool, key, i)
        for i, call in open.items():
            around = self._smallest(pool, i, path[i], self._is_longer, call)
            if around is None:
                around = self._smallest(pool, i, "", self._is_around, call)
            if around is not None and around != ROOT:
                forest.put(i, around)

    def take_orphans(self, orphans: list[int], missing: dict[int, str]) -> None:
        """Give requests whose told parent never came to the invocations of which only the platform tells.

        missing: the parent that each one's root names and that never came: what is below the same one is
        beside a request, not above it.
        """
        pool = Pool()
        for i, span in enumerate(self._forest.spans if orphans else ()):
            if span.told_by == "platform" and span.kind in ENTRY_KINDS:
                self._add(pool, "", i)
        for i in orphans:
            around = self._smallest(
                pool, i, "", lambda i, at: missing[at] != missing[i] and self._is_longer(i, at)
            )
            if around is not None and around != ROOT:
                self._forest.put(i, around)

    def _add(self, pool: Pool, key: object, i: int) -> None:
        span, off = self._forest.spans[i], self._forest.off_ns[i]
        times = span.start_unix_nano - off, span.end_unix_nano + off, i
        pool.add((self._forest.requests[i], key), times)

    def _smallest(self, pool: Pool, i: int, key: object, fits: _Fits, call: int = ROOT) -> int | None:
        """The smallest below a call that contains a request; None where there is none.

        ROOT where it cannot be told.
        """
        if key is None:
            return None
        forest = self._forest
        span, off = forest.spans[i], forest.off_ns[i]
        around = pool.containing(
            (forest.requests[i], key), span.start_unix_nano + off, span.end_unix_nano - off
        )
        if around is None:
            return ROOT
        around = [at for at in around if not forest.same_service(at, i) and fits(i, at)]
        if call != ROOT:
            around = [at for at in around if forest.is_below(at, call)]
        if not around:
            return None
        best = min(around, key=forest.took_ns.__getitem__)
        return best if all(forest.lies_in(best, at) for at in around if at != best) else ROOT

    def _is_longer(self, i: int, at: int) -> bool:
        return self._forest.took_ns[i] < self._forest.took_ns[at]

    def _is_around(self, i: int, at: int) -> bool:
        """Whether a request cannot have come before or after the one around it."""
        forest = self._forest
        return self._is_longer(i, at) and forest.shared_ns(i, at) > forest.tolerance_ns(i, at)
