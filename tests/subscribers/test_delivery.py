"""Delivery: what is sent when, and that every item ends in one of three places."""

from __future__ import annotations

import json
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.batching import batches
from subscribers.delivery import Breaker, Policy
from subscribers.sinks.bulk_lines import BulkLines, text_of
from subscribers.sinks.channel import Item, Leftover, Limits, Response
from tests.subscribers.delivered import Words, World, ids_of, item

OK = Response(status=200, body=b"{}")


def items(n: int) -> list[Item]:
    return [item(f"e{i}") for i in range(n)]


def answers(*responses: Response, takes_s: float = 0.1) -> World:
    """A world that answers so, and then with OK."""
    return World(Words(), lambda now, ids, n: (takes_s, responses[n - 1] if n <= len(responses) else OK))


def test_all_is_delivered_in_batches() -> None:
    """Ten a request, four at a time."""
    world = answers()
    outcome = world.run(items(95))
    assert (outcome.delivered, outcome.requests, outcome.retries) == (95, 10, 0)
    assert (world.most_in_flight, [len(ids) for _, ids in world.sent][-1]) == (4, 5)


def test_nothing_at_all() -> None:
    """No request."""
    assert answers().run([]).requests == 0


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_what_is_transient_is_sent_again(status: int) -> None:
    """Not at once, and not later than the jitter allows."""
    world = answers(Response(status=status))
    outcome = world.run(items(3))
    assert (outcome.delivered, outcome.retries) == (3, 1)
    assert 0.1 < world.sent[1][0] <= 0.1 + 0.2


@pytest.mark.parametrize("status", [301, 400, 404, 409, 415, 422, 501])
def test_what_is_permanent_is_not(status: int) -> None:
    """It would be refused again."""
    world = answers(Response(status=status, detail="no"))
    outcome = world.run(items(3))
    assert (outcome.delivered, outcome.requests) == (0, 1)
    ((left, *_),) = outcome.rejected.values()
    assert (left.refusal.status, left.refusal.detail) == (status, "no")


def test_jitter_grows_to_its_cap() -> None:
    """Full jitter: between nothing and twice as much each time."""
    world = World(Words(), lambda now, ids, n: (0.0, Response(status=500)), Policy(attempts=9), Breaker(99))
    world.random = lambda: 0.999
    world.run(items(1))
    pauses = [b - a for (a, _), (b, _) in zip(world.sent, world.sent[1:], strict=False)]
    assert pauses == pytest.approx([0.999 * min(10.0, 0.2 * 2**n) for n in range(8)])


def test_retry_after_holds_for_all_batches() -> None:
    """The destination asked everybody to wait."""
    world = answers(Response(status=429, headers={"retry-after": "7"}), takes_s=0.01)
    world.policy = Policy(parallel=1)
    world.run(items(30))
    assert [at for at, _ in world.sent][1:] == [pytest.approx(at) for at in (7.01, 7.02, 7.03)]


def test_a_wait_beyond_the_deadline_is_left_to_the_queue() -> None:
    """Nothing waits where it would be cut."""
    world = answers(Response(status=503, headers={"retry-after": "60"}))
    world.policy = Policy(parallel=1, deadline_s=20.0)
    outcome = world.run(items(20))
    retry, rejected = ids_of(outcome)
    assert (outcome.delivered, len(retry), len(rejected)) == (0, 20, 0)
    assert world.now_s <= 21.0


@pytest.mark.parametrize("deadline_s", [800.0, None])
def test_nobody_waits_long(deadline_s: float | None) -> None:
    """A function that waits is paid for: the retry queue waits for nothing."""
    world = World(
        Words(),
        lambda now, ids, n: (0.1, Response(status=429, headers={"retry-after": "900"})),
        Policy(parallel=2, deadline_s=deadline_s),
    )
    outcome = world.run(items(95))
    assert (ids_of(outcome)[0].total(), outcome.requests <= 2, world.now_s < 1) == (95, True, True)
    assert {left.refusal.reason for left in outcome.retry["words"]} == {"throttled"}


def test_a_repeat_waits_for_retry_after_too() -> None:
    """It was another batch's, but the same destination asked for it."""

    def answer(now: float, ids: list[str], n: int) -> tuple[float, Response]:
        if n == 1:
            return 0.01, Response(status=503)
        return 0.01, Response(status=429, headers={"retry-after": "20"}) if n == 2 else OK

    world = World(Words(), answer, Policy(parallel=2))
    assert world.run(items(20)).delivered == 20
    assert min(at for at, _ in world.sent[2:]) >= 20


def test_only_what_was_refused_is_sent_again() -> None:
    """Items have verdicts of their own."""
    body = json.dumps({"retry": ["e1", "e3"], "bad": ["e0"]}).encode()
    world = answers(Response(status=200, body=body))
    outcome = world.run(items(5))
    assert world.sent[1][1] == ["e1", "e3"]
    assert (outcome.delivered, ids_of(outcome)) == (4, (Counter(), Counter(["e0"])))


def test_what_is_too_large_is_halved() -> None:
    """Down to one item, which is rejected where it alone is too large."""
    world = World(
        Words(), lambda now, ids, n: (0.1, Response(status=413) if "e3" in ids or len(ids) > 2 else OK)
    )
    outcome = world.run(items(8))
    assert (outcome.delivered, ids_of(outcome)[1]) == (7, Counter(["e3"]))
    assert outcome.rejected["words"][0].refusal.reason == "too_large"


def test_a_body_that_is_too_large_is_not_sent() -> None:
    """The limit of what goes over the wire is known before."""
    limits = Limits(bytes=10_000, items=10, item_bytes=1_000, body_bytes=30)
    world = World(Words(limits), lambda now, ids, n: (0.1, OK))
    outcome = world.run(items(10))
    assert outcome.delivered == 10
    assert max(len(json.dumps(ids)) for _, ids in world.sent) <= 30


def test_secrets_are_asked_for_anew_once() -> None:
    """A key that was rotated is found; one that is wrong stops the delivery, and nothing is lost."""
    world = answers(Response(status=401))
    assert (world.run(items(3)).delivered, world.refreshed) == (3, 1)
    world = World(Words(), lambda now, ids, n: (0.1, Response(status=403)), Policy(parallel=1))
    outcome = world.run(items(95))
    retry, rejected = ids_of(outcome)
    assert (len(retry), len(rejected), outcome.requests, world.refreshed) == (95, 0, 2, 1)
    assert {left.refusal.reason for left in outcome.retry["words"]} == {"forbidden"}


def test_after_some_failures_nothing_more_is_sent() -> None:
    """The breaker opens, is open for the next delivery, and closes when a probe did well."""
    breaker = Breaker(failures=5, open_s=30)
    down = World(Words(), lambda now, ids, n: (0.1, Response(fault="refused")), Policy(parallel=1), breaker)
    outcome = down.run(items(95))
    assert (outcome.requests, sum(ids_of(outcome)[0].values())) == (5, 95)
    again = World(Words(), lambda now, ids, n: (0.1, OK), Policy(), breaker)
    again.now_s = down.now_s + 1
    outcome = again.run(items(5))
    assert (outcome.requests, outcome.retry["words"][0].refusal.reason) == (0, "circuit_open")
    again.now_s = down.now_s + 31
    outcome = again.run(items(95))
    assert (outcome.delivered, again.sent[1][0] - again.sent[0][0]) == (95, pytest.approx(0.1))
    assert not breaker.is_probing


def test_unknown_outcomes_are_repeated_only_where_that_is_harmless() -> None:
    """Else somebody has to look: nothing is doubled."""
    lost = Response(fault="reset")
    assert answers(lost).run(items(3)).delivered == 3
    world = World(Words(is_repeatable=False), lambda now, ids, n: (0.1, lost))
    outcome = world.run(items(3))
    assert (outcome.requests, outcome.delivered) == (1, 0)
    assert {left.refusal.reason for left in outcome.rejected["words"]} == {"outcome_unknown"}
    world = World(
        Words(is_repeatable=False), lambda now, ids, n: (0.1, Response(fault="refused") if n < 2 else OK)
    )
    assert world.run(items(3)).delivered == 3


@pytest.mark.parametrize("is_repeatable", [True, False])
def test_the_deadline_ends_it(is_repeatable: bool) -> None:
    """What was not sent is left; of what was sent nobody knows."""
    world = World(Words(is_repeatable=is_repeatable), lambda now, ids, n: (99, OK), Policy(2, timeout_s=50))
    world.policy = Policy(parallel=2, timeout_s=50, deadline_s=3.0)
    outcome = world.run(items(95))
    retry, rejected = ids_of(outcome)
    assert (len(retry), len(rejected)) == ((95, 0) if is_repeatable else (75, 20))
    assert 3.0 <= world.now_s <= 4.1


class Broken(Words):
    """A channel with a fault of ours."""

    def __init__(self, where: str) -> None:
        super().__init__()
        self._where = where

    def request(self, items):  # type: ignore[no-untyped-def]
        if self._where == "request":
            raise KeyError("x")
        return super().request(items)

    def verdict(self, items, response):  # type: ignore[no-untyped-def]
        raise KeyError("x")


@pytest.mark.parametrize("where", ["request", "verdict"])
def test_a_fault_of_ours_loses_nothing(where: str) -> None:
    """The items are kept."""
    world = World(Broken(where), lambda now, ids, n: (0.1, OK))
    outcome = world.run(items(25))
    assert (outcome.delivered, len(outcome.rejected["words"])) == (0, 25)
    assert outcome.rejected["words"][0].refusal.reason == "sink_fault"


@given(
    st.lists(st.integers(2, 60), max_size=60),
    st.integers(0, 2**32),
    st.booleans(),
    st.one_of(st.none(), st.floats(0, 60)),
    st.integers(1, 6),
)
def test_every_item_is_in_one_place(
    sizes: list[int], seed: int, is_repeatable: bool, deadline_s: float | None, parallel: int
) -> None:
    """Whatever comes back: delivered, to be retried, or rejected; what is said to be delivered was taken.

    Where a repeat is not harmless nothing is taken twice; nothing is sent behind the deadline.
    """
    r = Random(seed)
    limits = Limits(bytes=120, items=7, item_bytes=50)
    taken: Counter[str] = Counter()

    def answer(now: float, ids: list[str], n: int) -> tuple[float, Response]:
        kind = r.random()
        took = r.random() * 3
        if kind < 0.4:
            told = {word: r.choice(["ok", "ok", "retry", "bad"]) for word in ids}
            taken.update(word for word, fate in told.items() if fate == "ok")
            bad = {fate: [w for w in ids if told[w] == fate] for fate in ("retry", "bad")}
            return took, Response(status=200, body=json.dumps(bad).encode())
        if kind < 0.6:
            status = r.choice([400, 401, 404, 413, 429, 503])
            return took, Response(status=status, headers={"retry-after": str(r.choice([0, 1, 30]))})
        if kind < 0.8:
            if r.random() < 0.5:
                taken.update(ids)
            return took, Response(fault=r.choice(["reset", "read_timeout", "half_response"]))
        if kind < 0.9:
            return took, Response(fault=r.choice(["refused", "unresolved", "tls_failed"]))
        taken.update(ids)
        return took * 9, OK

    given_items = [item(f"e{i}", size) for i, size in enumerate(sizes)]
    policy = Policy(parallel=parallel, timeout_s=1000, deadline_s=deadline_s)
    world = World(Words(limits, is_repeatable=is_repeatable), answer, policy, seed=seed)
    outcome = world.run(given_items)
    retry, rejected = ids_of(outcome)
    assert outcome.delivered + sum(retry.values()) + sum(rejected.values()) == len(given_items)
    assert max((*retry.values(), *rejected.values(), 0)) <= 1
    delivered = {one.event_id for one in given_items} - set(retry) - set(rejected)
    assert len(delivered) == outcome.delivered
    assert delivered <= set(taken)
    assert world.most_in_flight <= parallel
    assert all(
        sum(size + 1 for size in (sizes[int(word[1:])] for word in ids)) <= 120 for _, ids in world.sent
    )
    if not is_repeatable:
        assert max(taken.values(), default=0) <= 1
        assert not set(retry) & set(taken)
    if deadline_s is not None:
        assert all(at < max(deadline_s, 1e-9) for at, _ in world.sent)


def lines(sizes: list[int]) -> BulkLines:
    """Documents of such sizes."""
    docs = [
        b'{"create":{"_index":"i","_id":"e%d"}}\n{"m":"%s"}\n' % (i, b"x" * size)
        for i, size in enumerate(sizes)
    ]
    return BulkLines(b"".join(docs), len(docs))


@given(st.lists(st.integers(0, 300), max_size=40), st.integers(60, 900), st.integers(1, 9))
def test_text_is_cut_like_items(sizes: list[int], most: int, count: int) -> None:
    """The same documents in the same order, each batch within limits, and what fits in none alone."""
    limits = Limits(bytes=most, items=count, item_bytes=most)
    text = lines(sizes)
    found = list(batches(text, limits))
    there = [one.item if isinstance(one, Leftover) else one for one in found]
    assert b"".join(text_of([one]) if isinstance(one, Item) else text_of(one) for one in there) == text.lines
    for one in found:
        if isinstance(one, Leftover):
            assert len(one.item.body) + 1 > most
        else:
            assert len(text_of(one)) <= most
            assert len(one) <= count
            assert [part.event_id for part in one] == [
                line.split(b'"')[-2].decode() for line in text_of(one).split(b"\n")[:-1:2]
            ]
