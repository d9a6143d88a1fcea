"""Sketches: within 1% of the exact quantiles, merged as if they had been one."""

from __future__ import annotations

import math
import sys

import duckdb
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.insight.sketch import (
    RELATIVE_ERROR,
    Sketch,
    bounds_of,
    bucket_of,
    bucket_sql,
    decode,
    rank_of,
    value_of,
)

FINITE = st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
LATENCIES = st.floats(min_value=1e-3, max_value=1e6)
VALUES = st.lists(FINITE | LATENCIES | st.sampled_from([0.0, -0.0, 1.0, -1.0]), min_size=1, max_size=60)
QUANTILES = st.floats(min_value=0, max_value=1) | st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0])
EXTREMES = [sys.float_info.max, -sys.float_info.max, sys.float_info.min, -sys.float_info.min, 5e-324, 0.0]


@given(VALUES, QUANTILES)
def test_every_quantile_is_within_its_error(values: list[float], q: float) -> None:
    """A quantile is within 1% of the exact one, the value of nearest rank among all."""
    exact = sorted(values)[rank_of(q, len(values)) - 1]
    assert abs(Sketch.of(values).quantile(q) - exact) <= RELATIVE_ERROR * abs(exact)


@given(VALUES, VALUES, VALUES)
def test_merging_is_the_sketch_of_the_union(a: list[float], b: list[float], c: list[float]) -> None:
    """The order and the grouping of merges change nothing; sums agree but for rounding."""
    x, y, z = Sketch.of(a), Sketch.of(b), Sketch.of(c)
    before = (x.encode(), y.encode())
    assert _exact(x.plus(y)) == _exact(y.plus(x)) == _exact(Sketch.of(a + b))
    assert _exact(x.plus(y).plus(z)) == _exact(x.plus(y.plus(z))) == _exact(Sketch.of(a + b + c))
    assert x.plus(y).total == y.plus(x).total
    assert (x.encode(), y.encode()) == before


@given(st.lists(LATENCIES, min_size=1), st.lists(LATENCIES))
def test_sums_add_up(a: list[float], b: list[float]) -> None:
    """The mean of a merged sketch is that of all values."""
    merged = Sketch.of(a).plus(Sketch.of(b))
    assert math.isclose(merged.mean, math.fsum(a + b) / len(a + b), rel_tol=1e-9)


def test_nothing_is_neutral() -> None:
    """An empty sketch changes none that it is merged with, and the result is a copy."""
    some = Sketch.of([1.5, 3.0])
    assert some.plus(Sketch()) == Sketch().plus(some) == some
    some.plus(Sketch()).add(7.0)
    assert some.count == 2
    assert Sketch().plus(Sketch()) == Sketch()


@given(st.lists(FINITE))
def test_it_survives_being_kept(values: list[float]) -> None:
    """What is encoded is read back, as MessagePack and as JSON."""
    sketch = Sketch.of(values)
    assert decode(sketch.encode()) == sketch
    assert msgspec.json.decode(msgspec.json.encode(sketch), type=Sketch) == sketch


@given(st.permutations([0.1, 20.0, 3e4, -5.0, 0.0]))
def test_equal_sketches_are_equal_bytes(values: list[float]) -> None:
    """The order in which values came does not show, so kept sketches can be compared as bytes."""
    integers = [round(value) for value in values]
    assert Sketch.of(integers).encode() == Sketch.of(sorted(integers)).encode()


@given(st.binary(max_size=40))
def test_bytes_that_are_none_are_refused(data: bytes) -> None:
    """Any bytes are a sketch whose buckets add up, or a ValueError."""
    try:
        sketch = decode(data)
    except ValueError:
        return
    assert sum(sketch.buckets.values()) == sketch.count


def test_counts_that_do_not_add_up_are_refused() -> None:
    """Buckets that hold fewer values than the count says are no sketch."""
    with pytest.raises(ValueError, match="add up"):
        decode(Sketch(3, 1.0, 1.0, 1.0, {36000: 2}).encode())
    for low, high, total in (
        (2.0, 1.0, 1.0),
        (math.nan, 1.0, 1.0),
        (1.0, math.inf, 1.0),
        (1.0, 1.0, math.inf),
    ):
        with pytest.raises(ValueError, match="no numbers"):
            decode(Sketch(2, total, low, high, {36000: 2}).encode())


@given(st.lists(FINITE | LATENCIES, min_size=1, max_size=50))
def test_sql_counts_the_same_buckets(values: list[float]) -> None:
    """DuckDB's buckets are Python's, so what SQL counted is the sketch of the values."""
    values = [*values, *EXTREMES]
    found = duckdb.execute(
        f"SELECT {bucket_sql('v')} AS bucket FROM (SELECT unnest($v) AS v)", {"v": values}
    ).fetchall()
    assert [bucket for (bucket,) in found] == [bucket_of(value) for value in values]


def test_sql_counts_what_no_bucket_can_hold_as_null() -> None:
    """NaN, infinities and NULL have no bucket in SQL."""
    sql = f"SELECT {bucket_sql('v')} FROM (VALUES ('nan'::DOUBLE), ('inf'), ('-inf'), (NULL)) t(v)"
    assert duckdb.execute(sql).fetchall() == [(None,)] * 4


@given(FINITE.filter(bool), FINITE.filter(bool))
def test_buckets_have_the_order_of_values(a: float, b: float) -> None:
    """A larger value is never in a smaller bucket, and stands within 1% of its bucket's value."""
    assert bucket_of(min(a, b)) <= bucket_of(max(a, b))
    assert abs(value_of(bucket_of(a)) - a) <= RELATIVE_ERROR * abs(a)
    assert bucket_of(-a) == -bucket_of(a)
    low, high = bounds_of(bucket_of(a))
    assert low - abs(low) * 1e-12 <= a <= high + abs(high) * 1e-12


@pytest.mark.parametrize("value", EXTREMES)
def test_extremes_have_a_bucket(value: float) -> None:
    """The largest and the smallest doubles are counted; what is below the normal ones is zero."""
    sketch = Sketch.of([value, value, value])
    assert sketch.quantile(0.5) == value  # a sketch of one value is exact
    assert bucket_of(5e-324) == bucket_of(0.0) == bucket_of(-0.0) == 0


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_refused(value: float) -> None:
    """NaN and infinities are refused, and the sketch stays as it was."""
    sketch = Sketch.of([1.0])
    with pytest.raises(ValueError, match="not a number"):
        sketch.add(value)
    assert sketch == Sketch.of([1.0])


def test_weights_count() -> None:
    """A value of weight n is n values; weights below 1 are refused."""
    sketch = Sketch()
    sketch.add(2.5, 3)
    assert sketch == Sketch.of([2.5, 2.5, 2.5])
    with pytest.raises(ValueError, match="once or more"):
        sketch.add(2.5, 0)


def test_there_are_no_quantiles_of_nothing() -> None:
    """An empty sketch has no quantiles and no mean, and quantiles are from 0 to 1."""
    with pytest.raises(ValueError, match="no quantiles"):
        Sketch().quantile(0.5)
    with pytest.raises(ValueError, match="no mean"):
        _ = Sketch().mean
    with pytest.raises(ValueError, match="from 0 to 1"):
        Sketch.of([1.0]).quantile(1.5)
    with pytest.raises(ValueError, match="rank 2"):
        Sketch.of([1.0]).at_rank(2)


@pytest.mark.parametrize(("q", "count", "rank"), [(0.07, 100, 7), (0.95, 20, 19), (0, 5, 1), (1, 5, 5)])
def test_nearest_rank(q: float, count: int, rank: int) -> None:
    """Ranks are those of exact arithmetic, although 0.07 * 100 is a little more than 7."""
    assert rank_of(q, count) == rank


def test_sums_stay_finite() -> None:
    """A sum beyond the largest double stays at the edge, so that it can be kept as JSON."""
    sketch = Sketch.of([sys.float_info.max] * 3)
    assert math.isfinite(sketch.total)
    assert math.isfinite(sketch.plus(sketch).total)


def test_it_is_small() -> None:
    """Latencies from 0.1 ms to 15 minutes need about 800 buckets and 5 KB, as the documentation says."""
    sketch = Sketch.of(0.1 * 1.001**i for i in range(16_020))
    assert sketch.high < 900_000
    assert len(sketch.buckets) <= 820
    assert len(sketch.encode()) <= 6_000


def _exact(sketch: Sketch) -> tuple[object, ...]:
    return (sketch.count, sketch.low, sketch.high, sketch.buckets)
