"""Prometheus's own tool reads the rules, and an alert fires when it should and stays silent when not."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dashboards.grafana.render import render
from dashboards.rendered import Options
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

PROMTOOL = shutil.which("promtool")
pytestmark = [
    pytest.mark.prometheus,
    pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian package prometheus)"),
]
#: Few alarms: promtool judges each of them every minute of ten hours.
FEW = msgspec.structs.replace(ALARMS, alarms=ALARMS.alarms[:4])
FILES = render(SYSTEM, PAGES, FEW, Options(source="prometheus")).files
RULES = ("alerts.yaml", "recording.yaml")
COUNT = "observe_request_duration_milliseconds_count"


def run(*arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    assert PROMTOOL
    return subprocess.run([PROMTOOL, *arguments], cwd=where, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the generated rules."""
    for name in RULES:
        (tmp_path / name).write_text(FILES[f"prometheus/rules/{name}"])
    return tmp_path


def traffic(requests: int, errors: int) -> list[dict[str, str]]:
    """Input of a test: requests and failed ones a minute on the serverless side, for ten hours."""
    where = 'endpoint="submit",side="serverless",job="submit-claim"'
    return [
        {"series": f'{COUNT}{{{where},outcome="ok"}}', "values": f"0+{requests - errors}x600"},
        {"series": f'{COUNT}{{{where},outcome="error"}}', "values": f"0+{errors}x600"},
    ]


def firing(folder: Path, name: str, series: list[dict[str, str]], at: str = "1h30m") -> bool:
    """Whether an alert fires, by promtool, which is asked whether it is silent."""
    test: dict[str, Any] = {
        "rule_files": list(RULES),
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": series,
                "alert_rule_test": [{"eval_time": at, "alertname": name, "exp_alerts": []}],
            }
        ],
    }
    # YAML takes JSON.
    (folder / "test.yaml").write_text(json.dumps(test))
    done = run("test", "rules", "test.yaml", where=folder)
    said = done.stdout + done.stderr
    assert done.returncode == 0 or f"alertname: {name}" in said, said
    return done.returncode != 0


def test_promtool_reads_the_rules(folder: Path) -> None:
    """Names, queries, labels and annotations are valid."""
    done = run("check", "rules", *RULES, where=folder)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_burning_budget_is_told(folder: Path) -> None:
    """At 10% failed of a promise of 99.5% the budget burns 20 times too fast: above 14.4."""
    assert firing(folder, "slo-submit-availability-burn-1h", traffic(60, 6))


def test_a_kept_promise_is_silent(folder: Path) -> None:
    """At about 1.7% the fast burn rate is silent, and the slow one, above 3, has told."""
    assert not firing(folder, "slo-submit-availability-burn-1h", traffic(60, 1))
    assert firing(folder, "slo-submit-availability-burn-1d", traffic(60, 1), at="4h")


def test_few_requests_do_not_burn_a_budget(folder: Path) -> None:
    """Below 50 requests in the long window nothing is told, however many failed."""
    slow = [{**one, "values": "0+0x240 1+0x360"} for one in traffic(1, 1)]
    assert not firing(folder, "slo-submit-availability-burn-1h", slow, at="4h2m")


def test_a_share_needs_traffic_and_two_of_three_periods(folder: Path) -> None:
    """The same share of errors is told with enough requests, and not with few."""
    assert firing(folder, "endpoint-errors-submit", traffic(60, 12))
    assert not firing(folder, "endpoint-errors-submit", traffic(2, 1))
    assert not firing(folder, "endpoint-errors-submit", traffic(60, 0))


def test_silence_is_told_where_it_is_the_fault(folder: Path) -> None:
    """No series at all is no request, and an endpoint that must have some tells it."""
    assert firing(folder, "endpoint-silent-submit", [])
    assert not firing(folder, "endpoint-silent-submit", traffic(60, 0))
