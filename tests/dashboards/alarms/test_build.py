"""Laws of every list of alarms, who tells for whom, and how much 300 functions are."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.alarms.build import alarms_of, override_notes
from dashboards.alarms.composites import RULE_MAX, chunks
from dashboards.alarms.prices import total_usd
from dashboards.resources import Edge, EndpointView, Implementation, System
from subscribers.config import loads
from tests.dashboards.alarms.systems import problems, resource, system
from tests.dashboards.sample import SUBMIT, SYSTEM


@pytest.mark.parametrize("given", [SYSTEM, System()], ids=["sample", "nothing"])
def test_the_laws_hold(given: System) -> None:
    """Names are unique, subjects exist, periods fit, shares are gated, nothing explains itself."""
    assert problems(given, alarms_of(given)) == []
    assert override_notes(given) == ()


@given(st.sets(st.sampled_from(sorted(SYSTEM.resources))), st.booleans())
def test_the_laws_hold_for_any_part_of_a_system(kept: set[str], with_endpoints: bool) -> None:
    """Resources that edges, endpoints and services name may be missing."""
    part = msgspec.structs.replace(
        SYSTEM,
        resources={key: one for key, one in SYSTEM.resources.items() if key in kept},
        endpoints=SYSTEM.endpoints if with_endpoints else {},
        pipeline=tuple(sorted(kept))[:3],
    )
    assert problems(part, alarms_of(part)) == []
    assert alarms_of(part) == alarms_of(part)


def test_one_page_is_sent_for_one_endpoint() -> None:
    """Its alarms tell nobody by themselves; the composite does, and silences the warnings."""
    made = alarms_of(SYSTEM)
    [composite] = made.composites
    assert composite.name == composite.page == "endpoint-submit"
    by_name = {alarm.name: alarm for alarm in made.alarms}
    assert "function-errors-submit-claim" in composite.children
    assert not any(by_name[child].is_told for child in composite.children)
    assert by_name["endpoint-parity-submit"].suppressed_by == ("endpoint-submit",)


def test_a_full_pool_explains_an_endpoint_that_legacy_serves_alone() -> None:
    """On an endpoint with both sides it would hide what is wrong on the serverless one."""
    made = alarms_of(SYSTEM)
    [policy] = [alarm for alarm in made.alarms if alarm.subject == "policy"]
    assert policy.suppressed_by == ("legacy-pool-claims-legacy",)
    assert made.composites[0].suppressed_by == ()


def test_a_function_tells_again_where_its_endpoint_is_switched_off() -> None:
    """Nobody is left who would tell of its errors."""
    off = "version: 1\ndashboards: {alarms: {endpoint-errors: {off: true}, endpoint-slow: {off: true}}}"
    made = alarms_of(msgspec.structs.replace(SYSTEM, config=loads(off)))
    [errors] = [alarm for alarm in made.alarms if alarm.name == "function-errors-submit-claim"]
    assert errors.is_told


def test_a_function_that_is_more_urgent_than_its_endpoint_tells_itself() -> None:
    """Who makes it critical wants to be woken by it; the endpoint's composite is silent meanwhile."""
    text = "resources: {SubmitClaim: {alarms: {function-errors: {severity: critical}}}}"
    config = loads(f"version: 1\ndashboards: {{{text}}}")
    urgent = msgspec.structs.replace(SYSTEM, config=config)
    made = alarms_of(urgent)
    assert problems(urgent, made) == []
    [errors] = [alarm for alarm in made.alarms if alarm.name == "function-errors-submit-claim"]
    assert errors.is_told
    assert made.composites[0].suppressed_by == (errors.name,)
    assert errors.name not in made.composites[0].children


def test_a_busy_endpoint_that_is_silent_wakes_somebody_and_explains_the_rest() -> None:
    """Silence is critical, so the composite of errors is silent with it."""
    config = loads("version: 1\ndashboards: {resources: {submit: {busy: true}, SubmitClaim: {busy: true}}}")
    busy = msgspec.structs.replace(SYSTEM, config=config)
    made = alarms_of(busy)
    assert problems(busy, made) == []
    silent = {alarm.name: alarm for alarm in made.alarms if alarm.rule.endswith("-silent")}
    assert silent.keys() == {"endpoint-silent-submit", "function-silent-submit-claim"}
    assert silent["endpoint-silent-submit"].severity == "critical"
    assert made.composites[0].suppressed_by == ("endpoint-silent-submit",)


def test_a_composite_of_hundreds_is_split() -> None:
    """Parts fit into a rule of CloudWatch, and the whole is over the parts."""
    queues = [resource("queue", f"Dead{n}") for n in range(250)]
    view = EndpointView(
        name="all",
        route="POST /all",
        serverless=Implementation(
            side="serverless", service="s", route="POST /all", functions=(SUBMIT.id,), is_alone=True
        ),
        dead_letters=tuple(queue.id for queue in queues),
    )
    edges = tuple(Edge(source=SUBMIT.id, target=queue.id, how="dead_letters") for queue in queues)
    large = system(SUBMIT, *queues, edges=edges, endpoints={"all": view})
    made = alarms_of(large)
    assert problems(large, made) == []
    whole = made.composites[-1]
    assert (whole.name, whole.is_told) == ("endpoint-all", True)
    assert whole.children == tuple(part.name for part in made.composites[:-1])
    assert sum(len(part.children) for part in made.composites[:-1]) == 252
    assert not any(part.is_told for part in made.composites[:-1])


@given(st.lists(st.text(alphabet="abc", min_size=1, max_size=160), min_size=1, max_size=300))
def test_parts_lose_nothing_and_fit(names: list[str]) -> None:
    """In order, at most 100 each, and at most as long as a rule may be."""
    parts = list(chunks(names))
    assert [name for part in parts for name in part] == names
    assert all(len(part) <= 100 for part in parts)
    assert all(sum(len(f'ALARM("{name}") OR ') for name in part) <= RULE_MAX for part in parts)


def test_a_side_that_nobody_tells_of_is_said() -> None:
    """A route without metrics whose function serves others, too."""
    view = EndpointView(
        name="GET /a",
        route="GET /a",
        serverless=Implementation(side="serverless", service="s", route="GET /a"),
    )
    made = alarms_of(System(endpoints={"GET /a": view}))
    assert made.alarms == ()
    assert [text for text, _ in made.off] == [
        "endpoint-errors of GET /a: no data of the serverless side: "
        "turn metrics by route on, or name it in observe.yaml"
    ]


def test_equal_slugs_get_names_of_their_own() -> None:
    """Logical IDs that differ in case or in their stack alone."""
    twins = system(resource("function", "SubmitClaim"), resource("function", "Submit/Claim"))
    assert problems(twins, alarms_of(twins)) == []


def test_300_functions_stay_affordable() -> None:
    """Four alarms a function, five metrics: USD 0.50 each a month."""
    many = system(*(resource("function", f"Function{n}", limits={"timeout_s": 30}) for n in range(300)))
    made = alarms_of(many)
    print(f"{len(made.alarms)} alarms, USD {total_usd(made):.2f} a month")
    assert problems(many, made) == []
    assert len(made.alarms) == 1_200
    assert total_usd(made) == 150.0
