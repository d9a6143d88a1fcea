"""What alarms would say: M of N, missing data, SLOs, composites that name each other."""

from __future__ import annotations

import pytest

from dashboards.alarms.values import Alarm, Alarms, Composite, Condition, Missing, Slo
from dashboards.expressions import Metric
from dashboards.preview.evaluate import Points
from dashboards.preview.facts import Fact, Facts
from dashboards.preview.judge import State, judged, state_of, verdicts
from dashboards.preview.window import NS_PER_S, Window
from tests.dashboards.sample import metric

_BAD = Metric("endpoint.errors", "submit/legacy", "sum")
_ALL = Metric("endpoint.requests", "submit/legacy", "sum")
_WINDOW = Window(first_unix_nano=0, last_unix_nano=899 * NS_PER_S, step_s=60, base_s=60)


def _condition(missing: Missing = "ok", periods: int = 3, datapoints: int = 2) -> Condition:
    return Condition(
        of=_BAD, op=">", threshold=5, period_s=300, periods=periods, datapoints=datapoints, missing=missing
    )


@pytest.mark.parametrize(
    ("missing", "values", "state"),
    [
        ("ok", [9.0, 9.0, 9.0], "fires"),
        ("ok", [9.0, 0.0, 9.0], "fires"),
        ("ok", [9.0, 9.0, 0.0, 0.0], "ok"),
        ("ok", [9.0, None, None], "ok"),
        ("ok", [5.0, 5.0, 5.0], "ok"),
        ("ok", [None, None, None], "no data"),
        ("ok", [], "no data"),
        ("ok", [9.0, 9.0], "fires"),
        ("breaching", [None, None, 0.0], "fires"),
        ("breaching", [None, 0.0, 0.0], "ok"),
        ("breaching", [], "fires"),
        ("keep", [None, None, None], "no data"),
        ("keep", [9.0, None, 9.0], "fires"),
    ],
)
def test_a_condition_needs_m_of_its_last_n_periods(missing: Missing, values: Points, state: State) -> None:
    """What is missing is what the alarm says that it is."""
    assert state_of(_condition(missing), values) == state


def _facts(*failed: float) -> Facts:
    facts = [Fact("endpoint.errors", "submit/legacy", 5 * i, (bad,)) for i, bad in enumerate(failed)]
    return Facts(
        [*facts, *(Fact("endpoint.requests", "submit/legacy", f.piece, (100.0,)) for f in facts)], 60
    )


def _alarm(name: str = "errors", condition: Condition | None = None) -> Alarm:
    return Alarm(
        name=name, rule="r", subject="submit", title=f"{name} of submit", condition=condition or _condition()
    )


@pytest.mark.parametrize(
    ("failed", "state", "said"),
    [
        ((9, 0, 9), "fires", "Newest: 9; beyond it in 2 of 3."),
        ((0, 0, 9), "ok", "beyond it in 1 of 3."),
        ((9, 9, 0), "fires", "Newest: 0; beyond it in 2 of 3."),
    ],
)
def test_an_alarm_is_judged_in_its_own_periods(failed: tuple[float, ...], state: State, said: str) -> None:
    """Periods of five minutes over facts of one minute."""
    found = verdicts(Alarms(alarms=(_alarm(),)), _facts(*failed), _WINDOW)["errors"]

    assert (found.state, "> 5 in 2 of 3 periods of 5 min. " in found.text) == (state, True)
    assert said in found.text


def test_an_alarm_that_fired_earlier_says_so() -> None:
    """The demo's failures are over when somebody looks."""
    window = Window(first_unix_nano=0, last_unix_nano=2399 * NS_PER_S, step_s=60, base_s=60)

    found = verdicts(Alarms(alarms=(_alarm(),)), _facts(9, 9, 0, 0, 0, 0, 0, 0), window)["errors"]

    assert found.state == "ok"
    assert found.text.endswith("It would have fired once before.")


def test_an_alarm_over_what_only_cloudwatch_has_is_not_known() -> None:
    """And says why, instead of `ok`."""
    alarm = _alarm("queue", Condition(of=metric("queue.visible"), op=">", threshold=0))

    found = verdicts(Alarms(alarms=(alarm,)), _facts(1), _WINDOW)["queue"]

    assert found.state == "unknown"
    assert found.text == "Only CloudWatch has it; this preview shows what log lines tell."


@pytest.mark.parametrize(
    ("failed", "minimum", "state"),
    [((9, 9, 9), 50, "fires"), ((0, 1, 0), 50, "ok"), ((9, 9, 9), 500, "no data")],
)
def test_an_slo_is_kept_broken_or_has_too_few_requests(
    failed: tuple[float, ...], minimum: float, state: State
) -> None:
    """99% of 300 requests."""
    slo = Slo(
        name="slo",
        endpoint="submit",
        title="99%",
        objective=99,
        window_s=86_400,
        bad=_BAD,
        total=_ALL,
        minimum=minimum,
    )

    assert verdicts(Alarms(slos=(slo,)), _facts(*failed), _WINDOW)["slo"].state == state


def test_a_composite_fires_with_a_child_and_a_circle_of_composites_ends() -> None:
    """Composites may name composites, by mistake even themselves."""
    alarms = Alarms(
        alarms=(_alarm(),),
        composites=(
            Composite(name="outer", title="outer", children=("inner", "outer")),
            Composite(name="inner", title="inner", children=("errors", "outer", "gone")),
        ),
    )

    found = verdicts(alarms, _facts(9, 9, 9), _WINDOW)

    assert (found["outer"].state, found["inner"].state) == ("fires", "fires")
    assert found["outer"].text == "Fires: errors of submit."


def test_a_condition_reads_as_a_sentence() -> None:
    """With units of the threshold and of the period."""
    condition = Condition(of=_BAD, op=">=", threshold=2700, unit="ms", period_s=60, periods=1, datapoints=1)

    assert judged(condition) == ">= 2.7 s in a period of 1 min"
