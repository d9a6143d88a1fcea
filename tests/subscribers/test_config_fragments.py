# ruff: noqa: E501 - tables of cases, one a line
"""observe.yaml from files: fragments of teams, the platform's policy, what cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from subscribers import config


def write(folder: Path, **files: str) -> Path:
    """Write files (`__` is a slash) and return the path of observe.yaml."""
    for name, text in files.items():
        path = folder / (name.replace("__", "/") + ".yaml")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder / "observe.yaml"


def file_problems(path: Path) -> list[str]:
    """What loading a file says, paths relative to its folder."""
    with pytest.raises(config.ConfigError) as caught:
        config.load(path)
    return [str(problem).replace(f"{path.parent}/", "") for problem in caught.value.problems]


def test_unreadable_files(tmp_path: Path) -> None:
    """A missing file, a folder, a device, binary and a file without rights are sentences."""
    assert file_problems(tmp_path / "observe.yaml") == ["observe.yaml: there is no such file"]
    assert file_problems(tmp_path)[0].endswith("is a folder; name the file in it")
    assert file_problems(Path("/dev/null"))[0].endswith("is not a regular file")
    (tmp_path / "binary.yaml").write_bytes(b"\x7fELF\xff\xfe")
    assert file_problems(tmp_path / "binary.yaml") == [
        "binary.yaml: is not UTF-8 text (byte 5); is it a YAML file?"
    ]
    (tmp_path / "nul.yaml").write_bytes(b"version: \x00")
    assert file_problems(tmp_path / "nul.yaml") == [
        "nul.yaml:1:10: the character U+0000 is not allowed in YAML"
    ]


def test_fragments_add_names(tmp_path: Path) -> None:
    """Included files add services, rules and redaction, in the order of their names."""
    path = write(
        tmp_path,
        observe="version: 1\ninclude: [teams/*.yaml]\nservices: {a: {side: legacy}}\nredaction: {keys: [pin]}\n"
        "keys: {claim: 'CLM-[0-9]+'}\n",
        teams__one="services: {b: {side: serverless}}\nredaction: {keys: [token]}\nkeys: {policy: 'POL-[0-9]+'}\n",
        teams__two="version: 1\nalerts: {rules: {r: {type: new_error, of: {signal: log, service: a}}}}\n"
        "endpoints: {e: {route: GET /, legacy: {service: a}, serverless: {service: b}}}\n",
    )
    loaded = config.load(path)
    assert list(loaded.services) == ["a", "b"]
    assert loaded.redaction.keys == ("pin", "token")
    assert loaded.keys == {"claim": "CLM-[0-9]+", "policy": "POL-[0-9]+"}
    assert loaded.files == tuple(
        str(tmp_path / name) for name in ("observe.yaml", "teams/one.yaml", "teams/two.yaml")
    )


def test_template_paths_of_fragments(tmp_path: Path) -> None:
    """A fragment names templates relative to itself; the configuration relative to the platform's file."""
    path = write(
        tmp_path,
        observe="version: 1\ninclude: teams/a/observe.yaml\ntemplates: main.yaml\n",
        teams__a__observe="templates: [template.yaml]\n",
    )
    assert config.load(path).templates == ("main.yaml", "teams/a/template.yaml")


FRAGMENTS = [
    ("services: {a: {side: legacy}}", "f.yaml:1:12: services.a: is already defined at observe.yaml:3"),
    ("sinks: {s: {type: stdout}}", "f.yaml:1:1: sinks: only the platform's file may set this (policy.reserved)"),
    ("destinations: {d: {type: slack, webhook_url: 'ssm:/x'}}", "f.yaml:1:1: destinations: only the platform's file may set this (policy.reserved)"),
    ("redaction: {exempt: [password]}", "f.yaml:1:13: redaction.exempt: only the platform's file may set this (policy.reserved)"),
    ("alerts: {mute: [{from: 2026-01-01T00:00:00Z, to: 2026-01-02T00:00:00Z}]}", "f.yaml:1:10: alerts.mute: only the platform's file may set this (policy.reserved)"),
    ("policy: {mute: true}", "f.yaml:1:1: policy: only the platform's file may set this (policy.reserved)"),
    ("include: g.yaml", "f.yaml:1:1: include: a fragment may not include files: that could go in a circle; list them in the platform's file"),
    ("services: {b: {sid: legacy, side: legacy}}", "f.yaml:1:16: services.b.sid: unknown key 'sid'; did you mean 'side'?"),
    ("services: {b: {side: legacy, log_groups: [g]}}", "f.yaml:1:43: services.b.log_groups[0]: the log group 'g' already belongs to services.a"),
]  # fmt: skip


@pytest.mark.parametrize(("fragment", "said"), FRAGMENTS, ids=[said[:50] for _, said in FRAGMENTS])
def test_what_fragments_may_not_do(tmp_path: Path, fragment: str, said: str) -> None:
    """A fragment redefines nothing, sets no reserved key, includes nothing; its mistakes name its file."""
    path = write(
        tmp_path,
        observe="version: 1\ninclude: f.yaml\nservices: {a: {side: legacy, log_groups: [g]}}\n",
        f=fragment + "\n",
    )
    assert file_problems(path) == [said]


def test_policy(tmp_path: Path) -> None:
    """The platform says what fragments must set, what else they may not, and what it lets them."""
    path = write(
        tmp_path,
        observe="version: 1\ninclude: f.yaml\npolicy:\n  require: [owner]\n  require_labels: [cost-center]\n"
        "  mute: false\n  reserved: [endpoints]\n",
        f="services: {a: {side: legacy}}\nsinks: {s: {type: stdout}}\nendpoints: {}\nalerts:\n  rules:\n"
        "    r: {type: new_error, mute: [{days: daily, start: 01:00, end: 02:00, timezone: UTC}]}\n",
    )
    assert file_problems(path) == [
        "f.yaml:1:12: services.a: 'owner' is missing; the platform's policy requires it",
        "f.yaml:1:12: services.a: the label 'cost-center' is missing; the platform's policy requires it",
        "f.yaml:3:1: endpoints: only the platform's file may set this (policy.reserved)",
        "f.yaml:6:26: alerts.rules.r.mute: the platform's policy does not let fragments mute (policy.mute)",
    ]


@pytest.mark.parametrize(
    ("include", "said"),
    [
        ("missing.yaml", "observe.yaml:2:1: include: 'missing.yaml': there is no such file"),
        ("observe.yaml", "observe.yaml:2:1: include: 'observe.yaml' is this file itself: an include that goes in a circle"),
        ("../x.yaml", "observe.yaml:2:1: include: '../x.yaml' leads out of the folder of observe.yaml"),
        ("/etc/passwd", "observe.yaml:2:1: include: '/etc/passwd' leads out of the folder of observe.yaml"),
        ("link.yaml", "observe.yaml:2:1: include: 'link.yaml' leads out of the folder of observe.yaml"),
        ("sub", "sub: is a folder; name the file in it"),
    ],
)  # fmt: skip
def test_bad_includes(tmp_path: Path, include: str, said: str) -> None:
    """Files that are missing, outside, the file itself, or no files are problems of the include."""
    folder = tmp_path / "app"
    (folder / "sub").mkdir(parents=True)
    (tmp_path / "x.yaml").write_text("version: 1\n")
    (folder / "link.yaml").symlink_to(tmp_path / "x.yaml")
    path = write(folder, observe=f"version: 1\ninclude: {include}\n")
    assert file_problems(path) == [said]


def test_a_glob_skips_the_file_itself(tmp_path: Path) -> None:
    """`*.yaml` beside observe.yaml means the others, and a glob may match nothing yet."""
    path = write(tmp_path, observe="version: 1\ninclude: ['*.yaml', 'teams/**/*.yaml']\n", b="services: {}\n")
    assert [os.path.basename(file) for file in config.load(path).files] == ["observe.yaml", "b.yaml"]


def test_strange_include_paths(tmp_path: Path) -> None:
    """A path that no file system takes is a problem, not a traceback."""
    for include in ('"\\0"', "'/*'", "'" + "x" * 300 + "'", "'[**]**'"):
        path = write(tmp_path, observe=f"version: 1\ninclude: [{include}]\n")
        assert len(file_problems(path)) == 1, include
