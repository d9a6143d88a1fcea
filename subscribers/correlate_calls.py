"""Which call made which request, where nobody told: only what is left when all else is ruled out. Pure.

Of the calls that agree with a request in one thing (correlate_told) and that it may lie in as far as the
clocks can tell, one is its parent if it is the only one. A call makes one request, so what a call is known
to have made rules it out for others, and these may then have one left. Nothing else chooses: that a call
is shorter, or began nearer, does not make it likelier than one that went on beside it.

- Of calls within each other, as of two tracers, the innermost counts, where their spans say so.
- A call makes several requests only where all but one were redirected or refused and they fit into it one
  after another.
- A call is not ruled out for what may lie within the request that it made: that may be a proxy.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from observe import semconv
from subscribers.correlate_forest import ROOT, Forest
from subscribers.correlate_intervals import MOST, Pool
from subscribers.correlate_told import (
    METHOD,
    PATH,
    REST,
    Key,
    Told,
    call_keys,
    is_another,
    is_same,
    request_keys,
    told_of,
)
from subscribers.signals import ENTRY_KINDS, Span

#: A server's log may count what it does behind its answer, and its caller does not wait for that.
LONGER_NS = 20_000_000
#: Answers after which a client asks again: https://www.rfc-editor.org/rfc/rfc9110#section-15
_TRY_AGAIN = frozenset((408, 425, 429))
_NOT_MODIFIED = 304


class _Made(msgspec.Struct):
    """The requests that a call is known to have made, summed up."""

    count: int = 0
    answered: int = 0
    took_ns: int = 0
    #: Of those that may be proxies: service -> the first beginning, the last end, the longest.
    around: dict[str, tuple[int, int, int]] = {}


class Calls:
    """The calls of a story, and what each of them made."""

    def __init__(self, forest: Forest, open: dict[int, int]) -> None:
        """open: requests that have no parent, in order; those that are given one are taken out.

        So are those that several may have made: nothing else shall be guessed of them. To what may lie in
        a request that its only call made the call is noted, else ROOT.
        """
        self._forest, self._open = forest, open
        self._made: dict[int, _Made] = defaultdict(_Made)
        self._told: dict[int, Told] = {}
        self._calls = [i for i, span in enumerate(forest.spans) if span.kind == "client"]
        for i, parent in enumerate(forest.parents):
            if parent != ROOT and forest.spans[i].kind in ENTRY_KINDS:
                self._note(i, parent)

    def choose(self) -> None:
        """Give requests to the calls that made them, the surest agreement first."""
        if not self._open or not self._calls:
            return
        pool = Pool()
        for call in self._calls:
            span, off = self._forest.spans[call], self._forest.off_ns[call]
            for key in call_keys(span):
                times = span.start_unix_nano - off, span.end_unix_nano + off, call
                pool.add((self._forest.requests[call], key), times)
        wanted = {i: request_keys(self._forest.spans[i]) for i in self._open}
        self._told = {i: told_of(self._forest.spans[i]) for i in (*self._calls, *self._open)}
        for level in range(REST + 1):
            self._choose_by(level, wanted, pool)

    def _choose_by(self, level: int, wanted: dict[int, tuple[Key | None, ...]], pool: Pool) -> None:
        """Let the requests that are left choose among the calls that agree with them in one thing.

        What finds any is not asked for what is less sure: that shall not tell apart what this does not.
        """
        found: dict[int, list[int]] = {}
        for i, keys in list(wanted.items()):
            calls = self._around(level, i, keys[level], pool)
            if calls is None:
                del wanted[i], self._open[i]
            elif calls:
                del wanted[i]
                found[i] = calls
        choice = _Choice({i: [c for c in calls if not self._is_out(i, c)] for i, calls in found.items()})
        woken: Iterable[int] = choice.calls()
        while woken:
            settled = [call for call in woken if self._settle(call, choice)]
            woken = dict.fromkeys(
                awake
                for call in settled
                for i in choice.asking(call)
                if self._is_out(i, call)
                for awake in choice.rule_out(i, call)
            )
        for i, left in choice.left():
            if len(left) == 1 and self._is_through(i, *left):
                (self._open[i],) = left
            else:
                del self._open[i]

    def _around(self, level: int, i: int, key: Key | None, pool: Pool) -> list[int] | None:
        """Return the calls that may have made a request as far as time tells; None if they are too many."""
        if key is None:
            return []
        forest = self._forest
        span, off = forest.spans[i], forest.off_ns[i]
        # Of a path that agrees the beginning may be enough.
        end = span.start_unix_nano if level <= PATH else span.end_unix_nano
        around = pool.containing((forest.requests[i], key), span.start_unix_nano + off, end - off)
        if around is None:
            return None
        return forest.innermost([call for call in around if self._may_hold(level, i, call)])

    def _may_hold(self, level: int, i: int, call: int) -> bool:
        forest = self._forest
        if forest.same_service(i, call) or forest.top(call) == i:
            return False
        if level >= METHOD and is_another(self._told[call], self._told[i]):
            return False
        if level <= PATH and forest.spans[call].status == "error":
            # Its caller may have given up.
            return True
        later = forest.spans[i].end_unix_nano - forest.spans[call].end_unix_nano
        allowed = forest.tolerance_ns(i, call) + (LONGER_NS if level <= PATH else 0)
        return later <= allowed and forest.took_ns[i] <= forest.took_ns[call] + LONGER_NS

    def _settle(self, call: int, choice: _Choice) -> bool:
        """Give a call what it made of the requests that can be of no other; whether it got any."""
        requests = [i for i in choice.only(call) if self._is_free(call, [i])]
        if not requests:
            return False
        outermost = max(requests, key=self._forest.took_ns.__getitem__)
        own = requests if self._is_free(call, requests) else [outermost]
        undecided = choice.undecided(call)
        if any(self._may_lie_in(i, outer) for i in own for outer in undecided):
            return False
        choice.drop(requests)
        others = [i for i in requests if i not in own]
        if not others or (call not in self._made and all(self._encloses(outermost, i) for i in others)):
            self._open.update(dict.fromkeys(others, call))
            return sum(self._put(i, call) for i in own) > 0
        for i in requests:
            del self._open[i]
        return False

    def _put(self, i: int, call: int) -> bool:
        if not self._forest.put(i, call):
            return False
        self._note(i, call)
        del self._open[i]
        return True

    def _note(self, i: int, call: int) -> None:
        """A request is a call's."""
        span, made = self._forest.spans[i], self._made[call]
        took, off = self._forest.took_ns[i], self._forest.off_ns[i]
        made.count += 1
        made.answered += not _asks_again(span)
        made.took_ns += took
        if span.kind == "server" and not self._forest.is_telling(i):
            service = span.origin.service
            first, last = span.start_unix_nano - off, span.end_unix_nano + off
            known = made.around.get(service, (first, last, took))
            made.around[service] = min(first, known[0]), max(last, known[1]), max(took, known[2])

    def _is_free(self, call: int, more: list[int]) -> bool:
        """Whether a call may have made these requests too: it was told to ask again by all but one."""
        made = self._made.get(call)
        if made is None and len(more) == 1:
            return True
        made = made or _Made()
        if made.count + len(more) > MOST:
            return False
        took = made.took_ns + sum(self._forest.took_ns[i] for i in more)
        answered = made.answered + sum(not _asks_again(self._forest.spans[i]) for i in more)
        return answered <= 1 and took <= self._forest.took_ns[call] + LONGER_NS

    def _is_out(self, i: int, call: int) -> bool:
        """Whether a call made something else, and nothing that a request may lie in."""
        return not self._is_free(call, [i]) and not self._is_through(i, call)

    def _is_through(self, i: int, call: int) -> bool:
        """Whether a request may lie in one that a call made, of a service that does not tell its calls."""
        span, off, took = self._forest.spans[i], self._forest.off_ns[i], self._forest.took_ns[i]
        made = self._made.get(call)
        return made is not None and any(
            service != span.origin.service
            and first <= span.start_unix_nano + off
            and last >= span.end_unix_nano - off
            and longest >= took
            for service, (first, last, longest) in made.around.items()
        )

    def _may_lie_in(self, inner: int, outer: int) -> bool:
        """Whether another request may be the proxy of one."""
        forest = self._forest
        if forest.is_telling(outer) or forest.same_service(inner, outer):
            return False
        return forest.took_ns[inner] <= forest.took_ns[outer] and forest.holds(outer, inner)

    def _encloses(self, outer: int, inner: int) -> bool:
        """Whether one of two requests that can be of no other call is the proxy of the other."""
        forest, (one, other) = self._forest, (self._told[outer], self._told[inner])
        if forest.same_service(outer, inner) or not forest.lies_in(inner, outer):
            return False
        return is_same(one, other) or forest.shared_ns(outer, inner) > forest.tolerance_ns(outer, inner)


class _Choice:
    """Which calls each request may be of, while more and more of them are ruled out."""

    def __init__(self, left: dict[int, list[int]]) -> None:
        self._left = {i: set(calls) for i, calls in left.items()}
        self._asking: dict[int, list[int]] = defaultdict(list)
        for i, calls in left.items():
            for call in calls:
                self._asking[call].append(i)

    def calls(self) -> list[int]:
        """Return the calls that any request may be of."""
        return list(self._asking)

    def left(self) -> Iterable[tuple[int, set[int]]]:
        """Return the requests that are of no call yet, and which they may be of."""
        return self._left.items()

    def asking(self, call: int) -> list[int]:
        """Return the requests that may be of a call."""
        return [i for i in self._asking[call] if call in self._left.get(i, ())]

    def only(self, call: int) -> list[int]:
        """Return the requests that may be of this call alone."""
        return [i for i in self.asking(call) if len(self._left[i]) == 1]

    def undecided(self, call: int) -> list[int]:
        """Return the requests that may be of this call or of another one."""
        return [i for i in self.asking(call) if len(self._left[i]) > 1]

    def drop(self, requests: list[int]) -> None:
        """These have chosen."""
        for i in requests:
            del self._left[i]

    def rule_out(self, i: int, call: int) -> list[int]:
        """A request is not of a call; return the calls for which this changes who may be theirs alone."""
        calls = self._left[i]
        calls.remove(call)
        return [call, *calls] if len(calls) == 1 else [call]


def _asks_again(span: Span) -> bool:
    """Whether the answer was a redirect, or one after which clients try again."""
    code = span.attributes.get(semconv.HTTP_RESPONSE_STATUS_CODE)
    if not isinstance(code, int):
        return False
    return (300 <= code < 400 and code != _NOT_MODIFIED) or code >= 500 or code in _TRY_AGAIN
