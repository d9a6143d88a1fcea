"""Quantiles that can be merged: counts in buckets whose bounds grow by e**0.02, after DDSketch.

Every quantile is within RELATIVE_ERROR of the exact one (nearest rank). A bucket is `ceil(50 * ln(value))`,
so SQL counts by bucket and Python merges: nobody fetches values. Latencies from 0.1 ms to 15 min need
about 800 buckets, 5 KB encoded; the most there can be are 142,000.

    ValueError      NaN, infinities, counts below 1, quantiles of nothing, bytes that are no sketch

https://arxiv.org/abs/1908.10693
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping

import msgspec

#: How far a quantile is from the exact one at most, relative to it. tanh(0.01) is just below it.
RELATIVE_ERROR = 0.01
#: Buckets per e-fold: a bucket reaches from exp((i - 1) / 50), excluded, to exp(i / 50).
_PER_E = 50
#: Added to positive values' buckets, so that keys have the order of the values and 0 is zero's.
_OFFSET = 36_000
#: Magnitudes below the smallest normal double count as zero: beyond it doubles have no precision.
_TINY = sys.float_info.min
_MAX = sys.float_info.max
#: From a bucket's upper bound to the value that is as far from both bounds, relative to them.
_TO_MIDDLE = 0.5 / _PER_E + math.log(math.cosh(0.5 / _PER_E))


class Sketch(msgspec.Struct, array_like=True):
    """The distribution of `count` values. `low` and `high` are exact; all is 0 where there are no values.

    buckets: `bucket_of(value)` -> how many; keys have the order of the values.
    """

    count: int = 0
    total: float = 0.0
    low: float = 0.0
    high: float = 0.0
    buckets: dict[int, int] = {}

    @classmethod
    def of(cls, values: Iterable[float]) -> Sketch:
        """Return the sketch of values. Raises ValueError for NaN and infinities."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    @classmethod
    def of_counts(cls, buckets: Mapping[int, int], total: float, low: float, high: float) -> Sketch:
        """Return the sketch of what SQL counted: `bucket_sql` -> rows, and their sum, min and max."""
        return cls(sum(buckets.values()), _bounded(total), low, high, dict(buckets))

    def add(self, value: float, n: int = 1) -> None:
        """Count a value n times. Raises ValueError for NaN, infinities and n below 1."""
        bucket = bucket_of(value)
        if n < 1:
            raise ValueError(f"a value is counted once or more, not {n} times")
        low, high = (self.low, self.high) if self.count else (math.inf, -math.inf)
        self.low, self.high = min(low, float(value)), max(high, float(value))
        self.count += n
        self.total = _bounded(self.total + value * n)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + n

    def plus(self, other: Sketch) -> Sketch:
        """Return the sketch of both's values; neither changes. Exact, but for the rounding of `total`."""
        if not (self.count and other.count):
            full = self if self.count else other
            return Sketch(full.count, full.total, full.low, full.high, dict(full.buckets))
        buckets = dict(self.buckets)
        for bucket, n in other.buckets.items():
            buckets[bucket] = buckets.get(bucket, 0) + n
        low, high = min(self.low, other.low), max(self.high, other.high)
        return Sketch(self.count + other.count, _bounded(self.total + other.total), low, high, buckets)

    def quantile(self, q: float) -> float:
        """Return the value of nearest rank, q from 0 to 1, within RELATIVE_ERROR. Raises ValueError."""
        return self.at_rank(rank_of(q, self.count))

    def at_rank(self, rank: int) -> float:
        """Return the rank-th smallest value, from 1 to count, within RELATIVE_ERROR. Raises ValueError."""
        if not 1 <= rank <= self.count:
            raise ValueError(f"there is no value of rank {rank} among {self.count}")
        if rank in (1, self.count):
            return self.low if rank == 1 else self.high
        seen = 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(max(value_of(bucket), self.low), self.high)
        raise ValueError("the buckets hold fewer values than `count` says")

    @property
    def mean(self) -> float:
        """The arithmetic mean. Raises ValueError where there are no values."""
        if not self.count:
            raise ValueError("there is no mean of no values")
        return self.total / self.count

    def encode(self) -> bytes:
        """Return it as MessagePack: [count, total, low, high, {bucket: n}]; equal sketches, equal bytes."""
        ordered = dict(sorted(self.buckets.items()))
        return msgspec.msgpack.encode(msgspec.structs.replace(self, buckets=ordered))


def decode(data: bytes) -> Sketch:
    """Return what `Sketch.encode` wrote. Raises ValueError."""
    try:
        sketch = msgspec.msgpack.decode(data, type=Sketch)
    except msgspec.DecodeError as error:
        raise ValueError(f"these bytes are no sketch: {error}") from error
    counts = sketch.buckets.values()
    if sum(counts) != sketch.count or any(n < 1 for n in counts):
        raise ValueError("these bytes are no sketch: the buckets do not add up to its count")
    if not (-_MAX <= sketch.low <= sketch.high <= _MAX and math.isfinite(sketch.total)):
        raise ValueError("these bytes are no sketch: its sum or its bounds are no numbers")
    return sketch


def rank_of(q: float, count: int) -> int:
    """Return the nearest rank of a quantile, from 1: the smallest that has at least q of the values.

    Raises ValueError for q outside 0 to 1 and where there are no values.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a quantile is from 0 to 1, not {q}")
    if count < 1:
        raise ValueError("there are no quantiles of no values")
    # 0.07 * 100 is a little more than 7.
    return min(max(math.ceil(round(q * count, 6)), 1), count)


def bucket_of(value: float) -> int:
    """Return the bucket of a value: 0 for zero, negative for negative values. Raises ValueError."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a number that can be counted")
    if abs(value) < _TINY:
        return 0
    bucket = math.ceil(_PER_E * math.log(abs(value))) + _OFFSET
    return bucket if value > 0 else -bucket


def value_of(bucket: int) -> float:
    """Return the value that stands for a bucket: within RELATIVE_ERROR of all that are in it."""
    if bucket == 0:
        return 0.0
    value = _exp((abs(bucket) - _OFFSET) / _PER_E - _TO_MIDDLE)
    return value if bucket > 0 else -value


def bounds_of(bucket: int) -> tuple[float, float]:
    """Return the bounds of a bucket; of a positive one the lower is excluded, of a negative one the upper."""
    if bucket == 0:
        return -_TINY, _TINY
    low, high = (_exp((abs(bucket) - _OFFSET - i) / _PER_E) for i in (1, 0))
    return (low, high) if bucket > 0 else (-high, -low)


def bucket_sql(value: str) -> str:
    """Return the SQL expression of the bucket of an SQL expression, a finite DOUBLE; DuckDB and Athena.

    NULL where it is NULL, NaN or infinite; count those apart. Athena's `ln` may round a value that is
    exactly on a bound to the bucket beside it: that is an error of 1e-12, not of a bucket.
    """
    positive = f"CAST(ceil({_PER_E} * ln(abs({value}))) AS bigint) + {_OFFSET}"
    return (
        f"CASE WHEN abs({value}) < {_TINY!r} THEN 0"
        f" WHEN {value} > 0 AND {value} <= {_MAX!r} THEN {positive}"
        f" WHEN {value} < 0 AND {value} >= -{_MAX!r} THEN -({positive}) END"
    )


def _exp(exponent: float) -> float:
    return math.exp(exponent) if exponent < math.log(_MAX) else _MAX


def _bounded(total: float) -> float:
    """JSON and MessagePack readers choke on infinities: a sum beyond the doubles stays at their edge."""
    return min(max(total, -_MAX), _MAX)
