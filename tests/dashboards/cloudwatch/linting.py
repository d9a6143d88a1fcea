"""cfn-lint with its rules loaded once: a second of each run is theirs, and they are set anew by every run."""

from __future__ import annotations

from functools import cache

from cfnlint.config import ConfigMixIn, ManualArgs
from cfnlint.decode.decode import decode_str
from cfnlint.match import Match
from cfnlint.rules import Rules
from cfnlint.runner import Runner
from cfnlint.runner.template import run_template_by_data


def linted(text: str) -> list[Match]:
    """Return what cfn-lint says of a template, as its own `lint` does."""
    template, faults = decode_str(text)
    if faults or template is None:
        return list(faults)
    return list(run_template_by_data(template, _config(), _rules()))


def _config() -> ConfigMixIn:
    """Of a run: it keeps what a template's metadata says."""
    return ConfigMixIn(**ManualArgs(regions=["eu-west-1"], configure_rules={"E3002": {"strict": False}}))


@cache
def _rules() -> Rules:
    found: Rules = Runner(_config()).rules
    return found
