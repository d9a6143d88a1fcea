"""observe.yaml's controls and redaction: what they become, and what each mistake in them says."""

from __future__ import annotations

from pathlib import Path

import pytest

from subscribers import config
from subscribers.config import Controls

SERVICES = "version: 1\nservices:\n  a: {side: legacy, log_groups: [/a], controls: {%s}}\n"


def problems(text: str) -> list[str]:
    with pytest.raises(config.ConfigError) as told:
        config.loads(text, "o.yaml")
    return [str(problem).partition(": ")[2] for problem in told.value.problems]


def test_controls_are_read() -> None:
    """Of the system and of a service; what is not said is None."""
    found = config.loads(
        "version: 1\ncontrols: {level: INFO, sample: 0.1, series_max: 500}\n"
        'services: {a: {side: legacy, controls: {exclude: ["^GET /"], include: [a], keep_failed: false}}}\n'
    )
    assert found.controls == Controls(level="INFO", sample=0.1, series_max=500)
    assert found.services["a"].controls == Controls(exclude=("^GET /",), include=("a",), keep_failed=False)
    assert config.EMPTY.controls == Controls()


@pytest.mark.parametrize(
    ("controls", "said"),
    [
        ("level: warn", "services.a.controls.level: 'warn' is not one of"),
        ("sample: 10", "services.a.controls.sample: 10 is more than 1"),
        ("sample: -0.1", "services.a.controls.sample: -0.1 is less than 0"),
        ("series_max: -1", "services.a.controls.series_max: -1 is less than 0"),
        ("keep_failed: 1", "services.a.controls.keep_failed: 1 is not true or false"),
        ('exclude: ["(?=x)"]', "services.a.controls.exclude[0]: '(?=x)' is not a regular expression"),
        ('exclude: ["x", "a*"]', "services.a.controls.exclude[1]: 'a*' matches the empty text"),
        ('include: [""]', "services.a.controls.include[0]"),
        ('excludes: ["x"]', "services.a.controls.excludes: unknown key 'excludes'; did you mean 'exclude'?"),
    ],
)
def test_mistakes_in_controls(controls: str, said: str) -> None:
    """Each is told with its path."""
    assert said in problems(SERVICES % controls)[0]


@pytest.mark.parametrize("pattern", ['"x*"', '{regex: "(a|b?)"}'])
def test_a_pattern_that_is_found_everywhere_is_a_mistake(pattern: str) -> None:
    """It would take every text apart."""
    (found,) = problems(f"version: 1\nredaction: {{patterns: {{p: {pattern}}}}}\n")
    assert "redaction.patterns.p" in found
    assert "matches the empty text" in found


def test_fragments_do_not_change_the_systems_controls(tmp_path: Path) -> None:
    """A team sets those of its own services."""
    (tmp_path / "observe.yaml").write_text("version: 1\ninclude: [team.yaml]\ncontrols: {level: INFO}\n")
    team = tmp_path / "team.yaml"
    team.write_text("services: {t: {side: legacy, controls: {level: DEBUG}}}\n")
    assert config.load(tmp_path / "observe.yaml").services["t"].controls.level == "DEBUG"
    team.write_text("controls: {sample: 1}\n")
    with pytest.raises(config.ConfigError, match="controls: only the platform's file may set this"):
        config.load(tmp_path / "observe.yaml")
