"""`observe sinks`: sentences and exit codes, and what is installed in strict clusters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from console.cli import cli
from tests.backends.elastic import Elastic
from tests.backends.elastic_index import Dialect
from tests.backends.logstash import Logstash
from tests.backends.server import Backend, Received, Reply
from tests.subscribers.real_servers import free_port

DIALECTS: list[Dialect] = ["elasticsearch", "opensearch"]


def run(tmp_path: Path, sinks: dict[str, Any], *arguments: str) -> Result:
    """Run the command with these sinks in observe.yaml, which may be JSON."""
    file = tmp_path / "observe.yaml"
    file.write_text(json.dumps({"version": 1, "sinks": sinks}))
    return CliRunner().invoke(cli, ["sinks", *arguments, "--config", str(file)])


def elk(backend: Backend, dialect: Dialect = "elasticsearch", **more: Any) -> dict[str, Any]:
    """Sinks with one that is this backend."""
    return {"elk": {"type": dialect, "url": backend.url, **more}}


def states(result: Result) -> list[tuple[str, str, bool]]:
    """(path, state, whether it was done) of a plan."""
    return [(step["path"], step["state"], step["is_done"]) for step in json.loads(result.stdout)["steps"]]


ALL = {
    "elk": {"type": "elasticsearch", "url": "http://e", "data_stream": True},
    "ls": {"type": "logstash", "url": "http://l", "enabled": False},
    "dd": {"type": "datadog", "api_key": "ssm:/dd"},
    "ot": {"type": "otlp", "url": "http://o"},
    "xr": {"type": "xray", "region": "eu-west-1"},
    "cw": {"type": "cloudwatch_metrics", "namespace": "n"},
    "fh": {"type": "firehose", "streams": {"logs": "l"}},
    "st": {"type": "store", "path": "s"},
    "so": {"type": "stdout"},
}


def test_every_type_is_listed(tmp_path: Path) -> None:
    """With what it takes, where it is, the limits of its requests, and a guarantee."""
    rows = {row["name"]: row for row in json.loads(run(tmp_path, ALL, "list", "--json").stdout)}
    assert list(rows) == list(ALL)
    assert all(row["address"] and row["guarantee"] and not row["problem"] for row in rows.values())
    assert rows["elk"]["limits"]["bulk"]["items"] == 10_000
    assert "rolls over" in rows["elk"]["guarantee"]
    assert rows["xr"]["signals"] == ["spans"]
    assert not rows["ls"]["is_enabled"]
    shown = run(tmp_path, ALL, "list").stdout
    assert "%{[event][id]}" in shown
    assert "ls  logstash, disabled\n  address    http://l\n  signals    logs, metrics, spans" in shown
    for row in rows.values():
        assert all(text in shown for text in (row["address"], row["guarantee"], *row["limits"]))


def test_help_has_whole_sentences() -> None:
    """No summary is cut at 80 columns."""
    told = CliRunner().invoke(cli, ["sinks", "--help"]).stdout.partition("Commands:\n")[2].splitlines()
    told += [line for line in CliRunner().invoke(cli, ["--help"]).stdout.splitlines() if "  sinks  " in line]
    assert [line.split()[0] for line in told] == ["check", "install", "list", "sinks"]
    assert not any(line.endswith("...") for line in told)


def test_a_sink_that_cannot_be_made_is_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the reason, and exit code 1."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    result = run(tmp_path, {"xr": {"type": "xray"}}, "list", "--json")
    assert result.exit_code == 1
    assert "Region" in json.loads(result.stdout)[0]["problem"]


def test_no_sinks_is_said(tmp_path: Path) -> None:
    """An empty list is no fault."""
    result = run(tmp_path, {}, "list")
    assert result.exit_code == 0
    assert "names no sinks" in result.stderr


@pytest.mark.parametrize("command", ["check", "install"])
def test_an_unknown_sink_is_wrong_use(tmp_path: Path, command: str) -> None:
    """The sentence names those that are there."""
    result = run(tmp_path, ALL, command, "no\x1bpe")
    assert result.exit_code == 2
    assert "it has elk, ls" in result.stderr
    assert "\x1b" not in result.stderr


def test_a_broken_configuration_is_a_sentence(tmp_path: Path) -> None:
    """With the path of the mistake."""
    result = run(tmp_path, {"elk": {"type": "elasticsearch"}}, "list")
    assert result.exit_code == 1
    assert "sinks.elk" in result.stderr


@pytest.mark.parametrize("dialect", DIALECTS)
def test_check_says_what_answers(tmp_path: Path, dialect: Dialect) -> None:
    """The product and its version; the other dialect is a failure."""
    with Elastic(dialect) as backend:
        result = run(tmp_path, elk(backend, dialect), "check", "elk")
        assert result.exit_code == 0
        assert backend.version[:3] in result.stdout
        other = next(one for one in DIALECTS if one != dialect)
        assert run(tmp_path, elk(backend, other), "check", "elk").exit_code == 1
        assert not backend.indices


@pytest.mark.parametrize("dialect", DIALECTS)
def test_check_misses_the_templates_of_data_streams(tmp_path: Path, dialect: Dialect) -> None:
    """Without them what is written makes plain indices."""
    with Elastic(dialect) as backend:
        sinks = elk(backend, dialect, data_stream=True, index="my-app")
        result = run(tmp_path, sinks, "check", "elk")
        assert (result.exit_code, "makes plain indices" in result.stdout) == (1, True)
        run(tmp_path, sinks, "install", "elk", "--apply")
        assert run(tmp_path, sinks, "check", "elk").exit_code == 0


@pytest.mark.parametrize(
    "settings",
    [
        {"type": "cloudwatch_metrics", "namespace": "n"},
        {"type": "firehose", "streams": {"logs": "l"}},
        {"type": "xray", "api": "segments"},
    ],
)
def test_check_misses_a_region(
    tmp_path: Path, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sentence, and no call into nowhere."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    result = run(tmp_path, {"aws": settings}, "check", "aws")
    assert (result.exit_code, "no Region: name one" in result.stdout) == (1, True)


class _WithoutPolicies(Elastic):
    """OpenSearch without the plugin for policies."""

    def answer(self, request: Received) -> Reply:
        if "_ism" in request.path:
            said = f"no handler found for uri [{request.path}] and method [{request.method}]"
            return Reply(400, {"error": said})
        return super().answer(request)


def test_install_says_how_to_do_without_policies(tmp_path: Path) -> None:
    """Not every OpenSearch has them."""
    with _WithoutPolicies("opensearch") as backend:
        sinks = elk(backend, "opensearch")
        result = run(tmp_path, sinks, "install", "elk", "--apply")
        assert (result.exit_code, "--without-policy" in result.stderr) == (1, True)
        assert run(tmp_path, sinks, "install", "elk", "--apply", "--without-policy").exit_code == 0


@pytest.mark.parametrize("dialect", DIALECTS)
def test_check_says_that_credentials_are_refused(tmp_path: Path, dialect: Dialect) -> None:
    """Exit code 1."""
    with Elastic(dialect, basic=("user", "pass")) as backend:
        result = run(tmp_path, elk(backend, dialect), "check", "elk")
        assert result.exit_code == 1
        assert "the credentials are refused" in result.stdout


def test_check_without_an_answer(tmp_path: Path) -> None:
    """Nobody listens, a page that is none of it, a missing file of authorities: sentences, exit code 1."""
    nobody = {"type": "elasticsearch", "url": f"http://127.0.0.1:{free_port()}"}
    assert "refused" in run(tmp_path, {"elk": nobody}, "check", "elk").stdout
    with _Page() as backend:
        result = run(tmp_path, elk(backend), "check", "elk")
        assert "neither Elasticsearch nor OpenSearch" in result.stdout
        assert result.exit_code == 1
    result = run(tmp_path, {"elk": {**nobody, "ca_file": "none.pem"}}, "check", "elk")
    assert result.exit_code == 1
    assert "there is no file none.pem" in result.stderr


class _Page(Backend):
    def answer(self, request: Received) -> Reply:
        return Reply(200, b"<html>", {"Content-Type": "text/html"})


def test_check_of_logstash_leaves_nothing(tmp_path: Path) -> None:
    """An empty array is no event."""
    with Logstash() as backend:
        result = run(tmp_path, {"ls": {"type": "logstash", "url": backend.url}}, "check", "ls", "--json")
        assert result.exit_code == 0
        assert json.loads(result.stdout)[0]["is_well"]
        assert not backend.events
        backend.is_busy = True
        assert run(tmp_path, {"ls": {"type": "logstash", "url": backend.url}}, "check", "ls").exit_code == 1


def test_check_of_the_store(tmp_path: Path) -> None:
    """A folder that can be made is well, a file is not."""
    (tmp_path / "file").write_text("x")
    for path, code in ((tmp_path / "new" / "store", 0), (tmp_path / "file", 1)):
        assert run(tmp_path, {"st": {"type": "store", "path": str(path)}}, "check", "st").exit_code == code


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("settings", [{}, {"data_stream": True, "index": "my-app", "namespace": "eu"}])
def test_install(tmp_path: Path, dialect: Dialect, settings: dict[str, Any]) -> None:
    """The plan changes nothing, --apply does it all, and then there is nothing to do."""
    with Elastic(dialect) as backend:
        sinks = elk(backend, dialect, **settings)
        planned = run(tmp_path, sinks, "install", "elk", "--json")
        assert planned.exit_code == 0
        assert {(state, done) for _, state, done in states(planned)} == {("create", False)}
        assert not any(backend.kept.values())
        assert "--apply" in planned.stderr
        done = run(tmp_path, sinks, "install", "elk", "--apply", "--json")
        assert done.exit_code == 0
        assert {(state, done) for _, state, done in states(done)} == {("create", True)}
        again = run(tmp_path, sinks, "install", "elk", "--apply", "--json")
        assert {(state, done) for _, state, done in states(again)} == {("unchanged", False)}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_ours_is_changed(tmp_path: Path, dialect: Dialect) -> None:
    """Another retention changes the policy alone; where it was changed meanwhile, too."""
    with Elastic(dialect) as backend:
        run(tmp_path, elk(backend, dialect), "install", "elk", "--apply")
        for retention in ("2d", "7d"):
            sinks = elk(backend, dialect, retention=retention)
            changed = states(run(tmp_path, sinks, "install", "elk", "--apply", "--json"))
            assert [state for _, state, _ in changed] == ["change", "unchanged", "unchanged", "unchanged"]
        policy = backend.kept["ilm" if dialect == "elasticsearch" else "ism"]["observe"]
        assert '"7d"' in json.dumps(policy)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("place", range(4))
def test_what_is_foreign_is_never_replaced(tmp_path: Path, dialect: Dialect, place: int) -> None:
    """Whichever of the four it is: nothing at all is changed, and the sentence names it."""
    policy: Any = {"policy": {"phases": {}}}
    if dialect == "opensearch":
        policy = {"_seq_no": 3, "policy": {"description": "mine", "states": []}}
    foreign = [
        ("ilm" if dialect == "elasticsearch" else "ism", "observe", policy.get("policy")),
        ("component", "observe-mappings", {"template": {}}),
        ("component", "observe-settings", {"template": {}, "_meta": {"managed_by": "x"}}),
        ("index", "observe", {"index_patterns": ["z"]}),
    ]
    kind, name, body = foreign[place]
    with Elastic(dialect) as backend:
        backend.kept[kind][name] = policy if kind == "ism" else body
        result = run(tmp_path, elk(backend, dialect), "install", "elk", "--apply", "--json")
        assert result.exit_code == 1
        assert ("foreign", False) in {(state, done) for _, state, done in states(result)}
        assert f"/{name}" in result.stderr
        assert sum(map(len, backend.kept.values())) == 1


def test_without_the_policy(tmp_path: Path) -> None:
    """Where somebody else deletes old indices: no policy, and no index that names one."""
    with Elastic() as backend:
        result = run(tmp_path, elk(backend), "install", "elk", "--without-policy", "--apply")
        assert result.exit_code == 0
        assert "created   _index_template/observe" in result.stdout
        assert not backend.kept["ilm"]
        assert "lifecycle" not in json.dumps(backend.kept["component"]["observe-settings"])


def test_a_serverless_cluster_has_no_policies(tmp_path: Path) -> None:
    """Data streams keep their retention themselves."""
    with Elastic(flavor="serverless") as backend:
        sinks = elk(backend, data_stream=True, retention="9d")
        assert run(tmp_path, sinks, "install", "elk", "--apply").exit_code == 0
        template = backend.kept["index"]["observe-streams"]["template"]
        assert template == {"lifecycle": {"data_retention": "9d"}}


def test_a_step_that_fails_ends_it(tmp_path: Path) -> None:
    """What was done is shown, and the sentence says what failed: here another template of our priority."""
    with Elastic() as backend:
        body = {"index_patterns": ["observe-*"], "priority": 307}
        backend.kept["index"]["mine"] = body
        result = run(tmp_path, elk(backend), "install", "elk", "--apply")
        assert result.exit_code == 1
        assert "created   _ilm/policy/observe" in result.stdout
        assert "create    _index_template/observe" in result.stdout
        assert "existing templates [mine]" in result.stderr


def test_there_is_nothing_to_install_elsewhere(tmp_path: Path) -> None:
    """Other types say so."""
    result = run(tmp_path, ALL, "install", "dd")
    assert result.exit_code == 1
    assert "nothing is installed there" in result.stderr
