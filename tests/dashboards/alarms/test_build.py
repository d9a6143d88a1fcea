"""Laws of every list of alarms, who tells for whom, and how much 300 functions are."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.alarms.build import alarms_of, override_notes
from dashboards.alarms.composites import RULE_MAX, chunks
from dashboards.alarms.values import Alarm
from dashboards.cloudwatch.render import render
from dashboards.priced import bill_of
from dashboards.rendered import Options
from dashboards.resources import Edge, EndpointView, Implementation, Route, System
from subscribers.config import loads
from tests.dashboards.alarms.systems import problems, resource, system
from tests.dashboards.sample import SYSTEM


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
    composite = next(one for one in made.composites if one.name == "endpoint-submit")
    assert composite.page == composite.name
    by_name = {alarm.name: alarm for alarm in made.alarms}
    assert "function-errors-submit-claim" in composite.children
    assert not any(by_name[child].is_told for child in composite.children)
    assert by_name["endpoint-parity-submit"].suppressed_by == ("endpoint-submit",)


def test_a_full_pool_explains_an_endpoint_that_legacy_serves_alone() -> None:
    """On an endpoint with both sides it would hide what is wrong on the serverless one."""
    made = alarms_of(SYSTEM)
    causes = {one.name: one.suppressed_by for one in made.composites}
    assert causes == {"endpoint-submit": (), "endpoint-policy": ("legacy-pool-claims-legacy",)}


def test_a_function_tells_again_where_its_endpoint_is_switched_off() -> None:
    """Nobody is left who would tell of its errors."""
    rules = ", ".join(f"endpoint-{rule}: {{off: true}}" for rule in ("errors", "outage", "slow"))
    off = f"version: 1\ndashboards: {{alarms: {{{rules}}}}}"
    made = alarms_of(msgspec.structs.replace(SYSTEM, config=loads(off)))
    [errors] = [alarm for alarm in made.alarms if alarm.name == "function-errors-submit-claim"]
    assert errors.is_told
    assert errors.suppressed_by == ()


def test_dead_letters_wait_for_their_endpoint_and_then_tell_themselves() -> None:
    """They lie for days: a composite that is open with them would tell of nothing else meanwhile."""
    dead = resource("queue", "Dead")
    view = msgspec.structs.replace(SYSTEM.endpoints["submit"], dead_letters=(dead.id,))
    edges = (*SYSTEM.edges, Edge(source="queue:TheQueue", target=dead.id, how="dead_letters"))
    given = msgspec.structs.replace(
        SYSTEM,
        resources={**SYSTEM.resources, dead.id: dead},
        edges=edges,
        endpoints={**SYSTEM.endpoints, "submit": view},
    )
    for severity in ("error", "critical"):
        config = loads(f"version: 1\ndashboards: {{alarms: {{dead-letters: {{severity: {severity}}}}}}}")
        urgent = msgspec.structs.replace(given, config=config)
        made = alarms_of(urgent)
        assert problems(urgent, made) == []
        [alarm] = [one for one in made.alarms if one.subject == dead.id]
        assert alarm.is_told
        assert alarm.suppressed_by == (("endpoint-submit",) if severity == "error" else ())


def test_what_is_over_several_endpoints_is_silent_while_one_of_them_tells_and_only_then() -> None:
    """Endpoints with little traffic each are judged by their API alone: that alarm must tell."""

    def api_errors(endpoints: int) -> Alarm:
        api = resource("http_api", "Api")
        routes = {
            f"r{n}": Route(
                id=f"r{n}", api=api.id, method="GET", path=f"/{n}", side="serverless", is_metered=True
            )
            for n in range(endpoints)
        }
        views = {
            route: EndpointView(
                name=route,
                route=one.route,
                serverless=Implementation(side="serverless", service="s", route=one.route, routes=(route,)),
            )
            for route, one in routes.items()
        }
        given = system(api, routes=routes, endpoints=views)
        made = alarms_of(given)
        assert problems(given, made) == []
        return next(one for one in made.alarms if one.rule == "api-errors")

    few, many = api_errors(2), api_errors(11)
    assert few.is_told
    assert few.suppressed_by == ("endpoint-r0", "endpoint-r1")
    assert many.is_told
    assert many.suppressed_by == ()


def test_a_function_that_is_more_urgent_than_its_endpoint_tells_itself() -> None:
    """Who makes it critical wants to be woken by it; the endpoint's composite is silent meanwhile."""
    text = "resources: {SubmitClaim: {alarms: {function-errors: {severity: critical}}}}"
    config = loads(f"version: 1\ndashboards: {{{text}}}")
    urgent = msgspec.structs.replace(SYSTEM, config=config)
    made = alarms_of(urgent)
    assert problems(urgent, made) == []
    [errors] = [alarm for alarm in made.alarms if alarm.name == "function-errors-submit-claim"]
    assert errors.is_told
    assert next(one for one in made.composites if one.name == "endpoint-submit").suppressed_by == (
        errors.name,
    )
    assert errors.name not in next(one for one in made.composites if one.name == "endpoint-submit").children


def test_a_busy_endpoint_that_is_silent_wakes_somebody_and_explains_the_rest() -> None:
    """Silence is critical, so the composite of errors is silent with it."""
    config = loads("version: 1\ndashboards: {resources: {submit: {busy: true}, SubmitClaim: {busy: true}}}")
    busy = msgspec.structs.replace(SYSTEM, config=config)
    made = alarms_of(busy)
    assert problems(busy, made) == []
    silent = {alarm.name: alarm for alarm in made.alarms if alarm.rule.endswith("-silent")}
    assert silent.keys() == {"endpoint-silent-submit", "function-silent-submit-claim"}
    assert silent["endpoint-silent-submit"].severity == "critical"
    assert next(one for one in made.composites if one.name == "endpoint-submit").suppressed_by == (
        "endpoint-silent-submit",
    )


def test_a_composite_of_hundreds_is_split() -> None:
    """Parts fit into a rule of CloudWatch, and the whole is over the parts."""
    functions = [resource("function", f"Work{n}") for n in range(250)]
    view = EndpointView(
        name="all",
        route="POST /all",
        serverless=Implementation(
            side="serverless",
            service="s",
            route="POST /all",
            functions=tuple(one.id for one in functions),
            is_alone=True,
        ),
    )
    large = system(*functions, endpoints={"all": view})
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
    """Errors, outage and throttles of each: USD 0.50 a month; warnings only where somebody asks for them."""
    many = system(*(resource("function", f"Function{n}", limits={"timeout_s": 30}) for n in range(300)))
    made = alarms_of(many)
    assert problems(many, made) == []
    assert len(made.alarms) == 900
    assert bill_of(many, made, render(many, (), made, Options())).alarms_usd == 150.0
    assert any("function-near-timeout: {off: false}" in text for text, _ in made.off)
    asked = loads("version: 1\ndashboards: {alarms: {function-near-timeout: {off: false}}}")
    assert len(alarms_of(msgspec.structs.replace(many, config=asked)).alarms) == 1_200
