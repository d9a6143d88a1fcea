"""Parents that nobody told, inferred: a request lies in time within the call that made it. Pure.

A server's span without a parent becomes the child of a call (a client span) of another service and the same
request that contains it, as far as their clocks can tell. In this order, and within each the smallest:

1. invocations: the function's name is the one that was invoked
2. method, path and host agree; method and path; method and host; the method alone
3. one of the two tells no method

Where path and method agree, the beginning may be enough: the call failed (who called gave up), or its request
ended a moment later. Another method is another call. Two that are equally good are not guessed between, and
neither are calls that cannot both have been going on. A call makes one request; several only where all but
one were redirected or refused and they fit into it one after another. Of several that lie within each other
it made the outermost.

Those that are left may lie within a request of a service that only others tell of (a proxy, an uninstrumented
function): one of the same method and path, or one that they cannot have come before or after; the smallest
where all that contain them lie within each other. And what names a parent that never came is given to the
invocation of which only the platform tells.

docs/correlation.md
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import islice

from observe import semconv
from subscribers.correlate_clock import resolution_ns, skew_ns, tolerance_ns
from subscribers.correlate_intervals import Intervals
from subscribers.correlate_told import PATH, REST, Key, call_keys, request_keys
from subscribers.signals import ENTRY_KINDS, Span

#: The parent of a root; of a request: it cannot be told which one it is.
ROOT = -1
#: Spans around one request that are looked at; where there are more, nothing is guessed.
MOST = 100
#: A server's log may count what it does behind its answer, and its caller does not wait for that.
_LONGER_NS = 20_000_000
#: Answers after which a client asks again: https://www.rfc-editor.org/rfc/rfc9110#section-15
_TRY_AGAIN = frozenset((408, 425, 429))
_NOT_MODIFIED = 304

#: (request, what contains it) -> whether it may be its parent.
_Fits = Callable[[int, int], bool]
#: (another one that contains it, the smallest) -> whether it could be the other one as well.
_IsRival = Callable[[Span, Span], bool]


def infer(spans: Sequence[Span], parents: list[int], requests: Sequence[str]) -> set[int]:
    """Give spans that have no parent the one that contains them, in place; return which got one.

    spans: of one story, by start; parents: the index of each one's parent or ROOT, without cycles; requests:
    which request each belongs to: the same text for all traces of one identity. A parent that is there is
    never changed, and no cycle is made.
    """
    inference = _Inference(spans, parents, requests)
    inference.among_calls()
    inference.among_entries()
    inference.among_invocations()
    return inference.found


class _Inference:
    def __init__(self, spans: Sequence[Span], parents: list[int], requests: Sequence[str]) -> None:
        self.found: set[int] = set()
        self._spans, self._parents, self._requests = spans, parents, requests
        #: The requests that each call is known to have made.
        self._made: dict[int, list[int]] = defaultdict(list)
        #: Towards the root of each one's tree.
        self._up = [i if parent == ROOT else parent for i, parent in enumerate(parents)]
        self._calls = [i for i, span in enumerate(spans) if span.kind == "client"]
        alone = [i for i, span in enumerate(spans) if span.kind == "server" and parents[i] == ROOT]
        #: What is still to be given to somebody, in order.
        self._open = dict.fromkeys(i for i in alone if not spans[i].parent_span_id)
        self._orphans = [i for i in alone if spans[i].parent_span_id]
        for i, parent in enumerate(parents):
            if parent != ROOT and spans[i].kind in ENTRY_KINDS:
                self._made[parent].append(i)

    def among_calls(self) -> None:
        """Give requests to the calls that made them, the surest agreement first."""
        if not self._open or not self._calls:
            return
        pool = self._pool((i, call_keys(self._spans[i])) for i in self._calls)
        wanted = {i: request_keys(self._spans[i]) for i in self._open}
        for level in range(REST + 1):
            self._choose(pool, wanted, level, self._made_it)
            if level <= PATH:
                self._choose(pool, wanted, level, self._ended_before)

    def among_entries(self) -> None:
        """Give the requests that are left to those of services that only others tell of."""
        telling = {(self._requests[i], self._spans[i].origin.service) for i in self._calls}
        entries = [
            i
            for i, span in enumerate(self._spans)
            if span.kind in ENTRY_KINDS
            and span.told_by != "layer"
            and (self._requests[i], span.origin.service) not in telling
        ]
        if not self._open or not entries:
            return
        path = {i: request_keys(self._spans[i])[PATH] for i in {*entries, *self._open}}
        pool = self._pool((i, (path[i], "")) for i in entries)
        for i in list(self._open):
            around = self._best(pool, i, path[i], self._is_longer, _is_beside)
            if around is None:
                around = self._best(pool, i, "", self._is_around, _is_beside)
            self._put(i, around)

    def among_invocations(self) -> None:
        """Give requests whose told parent never came to the invocations of which only the platform tells."""
        if self._orphans:
            told = (i for i, span in enumerate(self._spans) if span.told_by == "platform")
            pool = self._pool((i, ("",)) for i in told if self._spans[i].kind in ENTRY_KINDS)
            for i in self._orphans:
                self._put(i, self._best(pool, i, "", self._is_longer, _is_beside))

    def _pool(self, keyed: Iterable[tuple[int, Iterable[Key | None]]]) -> _Pool:
        pool = _Pool()
        for i, keys in keyed:
            span = self._spans[i]
            off = resolution_ns(span) + skew_ns(span)
            for key in keys:
                if key is not None:
                    times = span.start_unix_nano - off, span.end_unix_nano + off, i
                    pool.add((self._requests[i], key), times)
        return pool

    def _choose(
        self, pool: _Pool, wanted: dict[int, tuple[Key | None, ...]], level: int, fits: _Fits
    ) -> None:
        """Let the requests that are left choose among the calls that agree with them in one thing."""
        chosen: dict[int, list[int]] = defaultdict(list)
        for i in list(wanted):
            call = self._best(pool, i, wanted[i][level], fits)
            if call is None:
                continue
            del wanted[i]
            if call == ROOT:  # what is sure does not tell them apart, and what is less sure shall not
                del self._open[i]
            else:
                chosen[call].append(i)
        for call, requests in chosen.items():
            self._settle(call, requests)

    def _settle(self, call: int, requests: list[int]) -> None:
        """Give a call what it made of the requests that chose it."""
        outermost = max(requests, key=lambda i: _duration(self._spans[i]))
        if self._is_series(call, requests):
            for i in requests:
                self._put(i, call)
        elif not self._made[call] and all(self._encloses(outermost, i) for i in requests if i != outermost):
            self._put(outermost, call)
        else:
            for i in requests:
                del self._open[i]

    def _best(
        self, pool: _Pool, i: int, key: Key | None, fits: _Fits, is_rival: _IsRival | None = None
    ) -> int | None:
        """The smallest that contains a request; None where there is none, ROOT where it cannot be told."""
        if key is None:
            return None
        span = self._spans[i]
        off = resolution_ns(span) + skew_ns(span)
        end = span.start_unix_nano if fits == self._ended_before else span.end_unix_nano
        around = pool.containing((self._requests[i], key), span.start_unix_nano + off, end - off)
        if around is None:
            return ROOT
        around = [at for at in around if not _same_service(self._spans[at], span) and fits(i, at)]
        if not around:
            return None
        best = min(around, key=lambda at: _duration(self._spans[at]))
        others = (self._spans[at] for at in around if at != best)
        is_rival = is_rival or _is_as_good
        return ROOT if any(is_rival(other, self._spans[best]) for other in others) else best

    def _put(self, i: int, parent: int | None) -> None:
        """Give a span its parent, unless there is none or that is below it."""
        if parent is None or parent == ROOT or self._top(parent) == i:
            return
        self._parents[i] = self._up[i] = parent
        self._made[parent].append(i)
        self.found.add(i)
        self._open.pop(i, None)

    def _top(self, i: int) -> int:
        path = []
        while self._up[i] != i:
            path.append(i)
            i = self._up[i]
        for passed in path:
            self._up[passed] = i
        return i

    # What may contain what, besides being around it.

    def _is_long_enough(self, i: int, at: int) -> bool:
        return _duration(self._spans[i]) <= _duration(self._spans[at]) + _LONGER_NS

    def _made_it(self, i: int, call: int) -> bool:
        return self._is_long_enough(i, call) and (not self._made.get(call) or self._is_series(call, [i]))

    def _ended_before(self, i: int, call: int) -> bool:
        """Whether a call failed before its request ended, or ended a moment before."""
        span, caller = self._spans[i], self._spans[call]
        later = span.end_unix_nano - caller.end_unix_nano
        if caller.status == "error" and later > 0:
            return not self._made.get(call)
        return later <= _LONGER_NS + tolerance_ns(span, caller) and self._made_it(i, call)

    def _is_series(self, call: int, more: list[int]) -> bool:
        """Whether a call may have made these requests, too: it was told to ask again by all but one."""
        made = [*self._made.get(call, ()), *more]
        if len(made) > MOST:
            return False
        took = sum(_duration(self._spans[i]) for i in made)
        answered = sum(not _asks_again(self._spans[i]) for i in made)
        return answered <= 1 and took <= _duration(self._spans[call]) + _LONGER_NS

    def _is_longer(self, i: int, at: int) -> bool:
        return _duration(self._spans[i]) < _duration(self._spans[at])

    def _is_around(self, i: int, at: int) -> bool:
        """Whether a request cannot have come before or after the one around it."""
        one, other = self._spans[i], self._spans[at]
        shared = min(one.end_unix_nano, other.end_unix_nano) - max(one.start_unix_nano, other.start_unix_nano)
        return self._is_longer(i, at) and shared > tolerance_ns(one, other)

    def _encloses(self, outer: int, inner: int) -> bool:
        """Whether one of two requests that chose the same call lies within the other."""
        one, other = self._spans[outer], self._spans[inner]
        return not _is_beside(one, other) and not _same_service(one, other)


class _Pool:
    """Spans by what they can be asked for, and by time."""

    def __init__(self) -> None:
        self._times: dict[tuple[str, Key], list[tuple[int, int, int]]] = defaultdict(list)
        self._ready: dict[tuple[str, Key], Intervals] = {}

    def add(self, key: tuple[str, Key], times: tuple[int, int, int]) -> None:
        """Take (first, last, index) of a span."""
        self._times[key].append(times)

    def containing(self, key: tuple[str, Key], first: int, last: int) -> list[int] | None:
        """Return the spans that begin at `first` at the latest and end at `last` at the earliest.

        None: there are more than MOST.
        """
        ready = self._ready.get(key)
        if ready is None:
            if key not in self._times:
                return []
            ready = self._ready[key] = Intervals(self._times[key])
        found = list(islice(ready.containing(first, last), MOST + 1))
        return found if len(found) <= MOST else None


def _duration(span: Span) -> int:
    return max(span.end_unix_nano - span.start_unix_nano, 0)


def _same_service(one: Span, other: Span) -> bool:
    """Whether one program wrote both: the layer may call it another name than observe.yaml does."""
    a, b = one.origin, other.origin
    same = (a.account, a.log_group, a.log_stream) == (b.account, b.log_group, b.log_stream)
    return a.service == b.service or (same and a.log_stream != "")


def _is_as_good(other: Span, best: Span) -> bool:
    """Whether another one could be it as well: it is as small, or only one of the two was going on."""
    apart = other.start_unix_nano > best.end_unix_nano or other.end_unix_nano < best.start_unix_nano
    return apart or _duration(other) == _duration(best)


def _is_beside(other: Span, best: Span) -> bool:
    """Whether another one does not contain the smaller one."""
    off = tolerance_ns(other, best)
    begins = best.start_unix_nano >= other.start_unix_nano - off
    ends = best.end_unix_nano <= other.end_unix_nano + off
    return not (begins and ends and _duration(best) < _duration(other))


def _asks_again(span: Span) -> bool:
    """Whether the answer was a redirect, or one after which clients try again."""
    code = span.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    if not isinstance(code, int):
        return False
    return (300 <= code < 400 and code != _NOT_MODIFIED) or code >= 500 or code in _TRY_AGAIN
