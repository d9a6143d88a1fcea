"""The number of series a process makes of a metric is bounded, and so is what it remembers."""

from __future__ import annotations

from observe import metrics, series
from observe.testing import Lines
from tests.observe.test_metrics import bare, configure, inside


def test_a_tag_that_explodes_is_replaced(lines: Lines) -> None:
    """Beyond the limit it has the value `other`; other tags, metrics and known series stay; said once."""
    configure(OBSERVE_METRICS_SERIES_MAX="10")

    def handler() -> None:
        for n in range(500):
            metrics.increment("hot", tags={"product": ("motor", "home")[n % 2], "user": f"u{n}"})
            metrics.increment("cold", tags={"product": "motor"})
        metrics.increment("hot", tags={"product": "motor", "user": "u0"})
        metrics.histogram("hot", 1, tags={"user": "u900", "product": "motor"})

    inside(handler)
    counts = {
        line.split("#")[1]: int(line.split("|")[0])
        for line in bare(lines)
        if "|hot|" in line and "count" in line
    }
    assert len(counts) == 12
    assert (counts["product:motor,user:u0"], counts["product:home,user:u1"]) == (2, 1)
    assert (counts["product:motor,user:other"], counts["product:home,user:other"]) == (245, 245)
    assert "500|count|cold|#product:motor" in bare(lines)
    assert "1|histogram|hot|#user:other,product:motor" in bare(lines)
    (said,) = lines.logs
    assert (said["level"], said["event"]) == ("WARN", "observe.metric_series")
    assert "metric hot has more than 10 series" in said["message"]
    assert "its tag user" in said["message"]
    assert series.replaced == {"hot": 491}


def test_several_tags_that_explode_and_keys_that_do(lines: Lines) -> None:
    """The number of series stays bounded whatever explodes."""
    configure(OBSERVE_METRICS_SERIES_MAX="10")

    def handler() -> None:
        for n in range(2000):
            metrics.increment("two", tags={"user": n, "session": -n, "product": "motor"})
            metrics.increment("keys", tags={f"user_{n}": "x"})

    inside(handler)
    told = bare(lines)
    assert "user:other,session:other,product:motor" in {line.split("#")[1] for line in told}
    assert len([line for line in told if "|two|" in line]) <= 10 + 201
    assert len([line for line in told if "|keys|" in line]) <= 10 + 101
    assert sum(int(line.split("|")[0]) for line in told) == 4000


def test_the_guard_can_be_switched_off(lines: Lines) -> None:
    """0 is any number, and nothing is remembered."""
    configure(OBSERVE_METRICS_SERIES_MAX="0")
    inside(lambda: [metrics.increment("a", tags={"n": n}) for n in range(1500)])
    assert len(set(bare(lines))) == 1500
    assert (series.replaced, series._spreads) == ({}, {})


def test_the_guards_memory_is_bounded(lines: Lines) -> None:
    """Names may be many, too: what is remembered has an end."""
    for n in range(60_000):
        series.find("count", f"n{n}", ("a:b",))
    assert sum(len(spread.marks) for spread in series._spreads.values()) == 50_000
    assert len(series.known) <= 8192
    assert len(series.replaced) <= 21
    assert len(lines.logs) <= 20
