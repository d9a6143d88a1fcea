"""Laws of expressions over pieces of time, against the plainest reading of what each means."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.expressions import Expression, Metric, Percent, Quotient, Scaled, Total
from dashboards.preview.evaluate import is_additive, points, quantile, statistic_of, whole
from dashboards.preview.facts import Fact, Facts

_NAMES = ("a/legacy", "b/legacy", "c/serverless")
_BASE_S = 10
_METRICS = st.sampled_from(_NAMES).map(lambda name: Metric("endpoint.requests", name, "sum"))
_EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    _METRICS,
    lambda inner: st.one_of(
        st.builds(Percent, inner, inner, st.sampled_from((0.0, 5.0, 50.0))),
        st.builds(Quotient, inner, inner),
        st.lists(inner, min_size=1, max_size=3).map(lambda several: Total(tuple(several))),
        st.builds(Scaled, inner, st.sampled_from((-1.0, 0.5, 2.0, 100.0))),
    ),
    max_leaves=8,
)
_FACTS = st.lists(
    st.builds(
        lambda name, piece, value: Fact("endpoint.requests", name, piece, (float(value),)),
        st.sampled_from(_NAMES),
        st.integers(0, 7),
        st.integers(0, 60),
    ),
    max_size=30,
)


def _reference(expression: Expression, facts: list[Fact], pieces: range) -> Fraction | None:
    """The value over some pieces, in exact arithmetic, each rule as its docstring says it."""
    match expression:
        case Metric(subject=subject):
            found = [f.values[0] for f in facts if f.subject == subject and f.piece in pieces]
            return Fraction(sum(map(Fraction, found))) if found else None
        case Percent(of=of, over=over, gate=gate):
            part, base = _reference(of, facts, pieces), _reference(over, facts, pieces)
            if base is None or base == 0:
                return None
            return Fraction(0) if base < gate else 100 * (part or Fraction(0)) / base
        case Quotient(of=of, over=over):
            part, base = _reference(of, facts, pieces), _reference(over, facts, pieces)
            return None if part is None or base is None or base == 0 else part / base
        case Total(of=several):
            known = [v for one in several if (v := _reference(one, facts, pieces)) is not None]
            return sum(known, Fraction(0)) if known else None
        case Scaled(of=of, by=by):
            value = _reference(of, facts, pieces)
            return None if value is None else value * Fraction(by)


@given(_EXPRESSIONS.filter(lambda e: not _divides_by_difference(e)), _FACTS, st.sampled_from((1, 2, 4)))
def test_an_expression_has_in_each_piece_what_the_reference_says(
    expression: Expression, facts: list[Fact], longer: int
) -> None:
    """Whatever the pieces' length is: facts are kept in shorter ones."""
    found = points(expression, Facts(facts, _BASE_S), range(8 // longer), _BASE_S * longer)

    for piece, value in enumerate(found):
        expected = _reference(expression, facts, range(piece * longer, (piece + 1) * longer))
        assert value == (None if expected is None else pytest.approx(float(expected), rel=1e-9, abs=1e-9))


def _divides_by_difference(expression: Expression) -> bool:
    """Rounding may make a 0 of a difference or none of it: then exact and binary numbers differ by right."""
    match expression:
        case Percent(of=of, over=over) | Quotient(of=of, over=over):
            return not is_additive(over) or _is_signed(over) or _divides_by_difference(of)
        case Total(of=several):
            return any(map(_divides_by_difference, several))
        case Scaled(of=of):
            return _divides_by_difference(of)
        case _:
            return False


def _is_signed(expression: Expression) -> bool:
    match expression:
        case Scaled(of=of, by=by):
            return by < 0 or _is_signed(of)
        case Total(of=several):
            return any(map(_is_signed, several))
        case _:
            return False


@given(_FACTS)
def test_a_sum_over_the_window_is_the_sum_of_its_pieces(facts: list[Fact]) -> None:
    """No request is lost between two pieces."""
    metric = Metric("endpoint.requests", _NAMES[0], "sum")
    kept = Facts(facts, _BASE_S)

    assert (whole(metric, kept) or 0.0) == sum(v or 0.0 for v in points(metric, kept, range(8), _BASE_S))


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50), st.sampled_from((0.0, 0.5, 0.9, 0.99, 1.0)))
def test_a_quantile_lies_between_the_values_that_it_divides(values: list[float], share: float) -> None:
    """Below it are as many as it says, but for the two that it lies between."""
    found = quantile(values, share)

    assert min(values) - 1e-6 <= found <= max(values) + 1e-6
    assert sum(v < found - 1e-6 for v in values) <= share * (len(values) - 1) + 1


def test_a_gate_asks_a_shorter_piece_for_less_traffic() -> None:
    """20 requests in five minutes are 2 in 30 seconds: a graph of short pieces is not all zeros."""
    facts = Facts(
        [
            Fact("endpoint.errors", "submit/legacy", 0, (1.0,)),
            Fact("endpoint.requests", "submit/legacy", 0, (4.0,)),
        ],
        30,
    )
    share = Percent(
        Metric("endpoint.errors", "submit/legacy", "sum"),
        Metric("endpoint.requests", "submit/legacy", "sum"),
        20,
    )

    assert points(share, facts, range(1), 30, gated_s=300) == [25.0]
    assert points(share, facts, range(1), 30) == [0.0]


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("sum", 10), ("avg", 2.5), ("min", 1), ("max", 4), ("count", 4), ("p50", 2.5), ("p99", 3.97)],
)
def test_a_statistic_is_of_the_values_of_its_piece(statistic: str, expected: float) -> None:
    """Of 1, 2, 3 and 4."""
    assert statistic_of((4, 2, 3, 1), statistic) == pytest.approx(expected)  # type: ignore[arg-type]
    assert statistic_of((), statistic) is None  # type: ignore[arg-type]
