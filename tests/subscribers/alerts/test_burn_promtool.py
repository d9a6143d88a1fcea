"""Burn rates against Prometheus: the same traffic, equivalent rules, the same minutes."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import accumulate
from pathlib import Path

import pytest

from subscribers.alerts.burn_rates import PAIRS, Pair
from subscribers.alerts.model import Finding
from subscribers.alerts.saying import duration
from tests.subscribers.alerts.burning import BEFORE, burning, objective, states_of

PROMTOOL = shutil.which("promtool")

pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)"),
]

#: Minutes judged, from START on.
LAST = 360


def busy_day(minute: int) -> tuple[int, int]:
    """A burst that the fast pair sees alone, two hours of 0.9%, an outage, and then hardly any traffic."""
    total = 300 + 7 * (minute % 41)
    if minute >= 255:
        return 0, 0 if minute % 7 else total // 40
    if minute >= 250:
        return total, total
    if 30 <= minute < 40:
        return total // 10, total
    return 9 * total // 1000 if 60 <= minute < 180 else int(minute % 4 == 0), total


def expression(pair: Pair, minimum: int) -> str:
    """Return the rule of the SRE workbook, with the minimum of traffic that ours have."""
    shares = [
        f"sum(rate(bad[{s}s])) / sum(rate(total[{s}s])) > {pair.factor} * 0.001"
        for s in (pair.long_s, pair.short_s)
    ]
    # Whole minutes of a counter that is scraped each minute: increases are exact but for rounding.
    enough = f"round(sum(increase(total[{pair.short_s}s]))) >= {minimum}"
    return " and ".join(f"({part})" for part in (*shares, enough))


def rules(minimum: int) -> str:
    """Return an alert a pair, named by its long window."""
    alerts = [{"alert": duration(pair.long_s), "expr": expression(pair, minimum)} for pair in PAIRS]
    return json.dumps({"groups": [{"name": "burn", "rules": alerts}]})


def counter(values: list[int]) -> str:
    """Return a counter as it is scraped at the begin of each minute."""
    return " ".join(map(str, [0, *accumulate(values)]))


def run(folder: Path, tests: dict[str, object]) -> subprocess.CompletedProcess[str]:
    """Run promtool's unit tests of rules; YAML takes JSON."""
    (folder / "tests.yml").write_text(json.dumps({"rule_files": ["rules.yml"], **tests}))
    assert PROMTOOL is not None
    return subprocess.run(
        [PROMTOOL, "test", "rules", "tests.yml"], cwd=folder, capture_output=True, text=True, timeout=100
    )


def document(
    minutes: list[tuple[int, int]], alerts: list[dict[str, object]], numbers: list[dict[str, object]]
) -> dict[str, object]:
    """Return a test file: the traffic as two counters, what must fire, and what numbers there must be."""
    series = [
        {"series": name, "values": counter([both[n] for both in minutes])}
        for n, name in enumerate(("bad", "total"))
    ]
    test = {"interval": "1m", "input_series": series, "alert_rule_test": alerts, "promql_expr_test": numbers}
    return {"evaluation_interval": "1m", "tests": [test]}


def of_alerts(told: dict[int, Finding]) -> list[dict[str, object]]:
    """Return which alerts fire at each minute: those of the pairs that burn."""
    return [
        {
            "eval_time": f"{BEFORE + minute}m",
            "alertname": duration(pair.long_s),
            "exp_alerts": [{}] if state == "burns" else [],
        }
        for minute, found in told.items()
        for pair, state in zip(PAIRS, states_of(found), strict=True)
    ]


def of_burn_rates(told: dict[int, Finding]) -> list[dict[str, object]]:
    """Return the burn rates of each tenth minute, to a millionth."""
    return [
        {
            "expr": f"round(1e6 * sum(rate(bad[{length_s}s])) / sum(rate(total[{length_s}s])) / 0.001)",
            "eval_time": f"{BEFORE + minute}m",
            "exp_samples": [{"labels": "{}", "value": round(1e6 * pair[name])}],
        }
        for minute, found in told.items()
        if minute % 10 == 0
        for limits, pair in zip(PAIRS, found.details["pairs"], strict=True)
        for name, length_s in (("long_burn", limits.long_s), ("short_burn", limits.short_s))
        if pair[name] is not None
    ]


def test_every_pair_burns_at_the_minutes_prometheus_says(tmp_path: Path) -> None:
    """Each minute of six hours, each pair: it burns for us exactly if its alert fires there, at that rate."""
    told = burning(objective(), busy_day, range(LAST + 1))
    states = [states_of(found) for found in told.values()]
    assert all({"burns", "calm"} <= set(pair) for pair in zip(*states, strict=True)), "each pair must change"
    assert any("unsure" in each for each in states), "there must be too little traffic somewhere"
    (tmp_path / "rules.yml").write_text(rules(minimum=10))
    minutes = [busy_day(minute) for minute in range(-BEFORE, LAST)]
    ran = run(tmp_path, document(minutes, of_alerts(told), of_burn_rates(told)))
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]


def test_promtool_would_say_so_if_they_differed(tmp_path: Path) -> None:
    """An alert that does not fire fails: the test above can."""
    (tmp_path / "rules.yml").write_text(rules(minimum=10))
    wrong: list[dict[str, object]] = [{"eval_time": "65m", "alertname": "1 h", "exp_alerts": [{}]}]
    ran = run(tmp_path, document([(0, 60)] * 70, wrong, []))
    assert ran.returncode != 0
    assert "FAILED" in ran.stdout + ran.stderr
