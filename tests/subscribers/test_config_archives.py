# ruff: noqa: E501 - tables of cases, one a line
"""observe.yaml's `archives`: whose lines the objects of S3 hold, and what is wrong with saying so."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import config
from subscribers.envelope import LogBatch
from subscribers.inputs import archives
from subscribers.inputs.archives import Archive
from subscribers.inputs.objects import S3Object

SERVICES = """\
version: 1
services:
  claims:
    side: legacy
    timezone: Europe/Paris
    log_groups:
      - {name: /legacy/claims/access, format: apache}
      - /legacy/claims/app*
  ledger:
    side: legacy
    format:
      encoding: cp037
      fixed_width: [{name: claim, start: 1, length: 8}, {name: paid, start: 9, length: 5, type: packed}]
  printing: {side: legacy, format: syslog, log_groups: [/legacy/printing]}
  submit: {side: serverless}
"""


def loaded(items: str) -> config.Config:
    """The configuration with these archives."""
    return config.loads(f"{SERVICES}archives: [{items}]\n")


READ = [
    ("{bucket: logs, prefix: httpd/, log_group: /legacy/claims/access}", Archive(bucket="logs", prefix="httpd/", log_group="/legacy/claims/access", service="claims")),
    ("{bucket: logs, log_group: /legacy/claims/app-1, encoding: latin-1}", Archive(bucket="logs", log_group="/legacy/claims/app-1", service="claims", encoding="latin-1")),
    ("{prefix: p/, service: printing}", Archive(prefix="p/", log_group="/legacy/printing", service="printing")),
    ("{bucket: vsam, kind: file, service: ledger}", Archive(bucket="vsam", kind="file", log_group="ledger", service="ledger", encoding="cp037", record_bytes=13)),
    ("{bucket: vsam, kind: file, service: ledger, encoding: cp037, record_bytes: 13}", Archive(bucket="vsam", kind="file", log_group="ledger", service="ledger", encoding="cp037", record_bytes=13)),
    ("{bucket: exports, kind: export, account: '123456789012', log_group: /aws/lambda/submit}", Archive(bucket="exports", kind="export", account="123456789012", log_group="/aws/lambda/submit", service="submit")),
    ("{bucket: exports, kind: export, service: submit}", Archive(bucket="exports", kind="export", log_group="/aws/lambda/submit", service="submit")),
    ("{bucket: hose, kind: documents}", Archive(bucket="hose", kind="documents")),
    ("{bucket: logs, log_group: /nobodys, log_stream: host-1}", Archive(bucket="logs", log_group="/nobodys", log_stream="host-1")),
    ("{bucket: tape, kind: file, record_bytes: 80, log_group: /nobodys, encoding: IBM-1047}", Archive(bucket="tape", kind="file", record_bytes=80, log_group="/nobodys", encoding="IBM-1047")),
]  # fmt: skip


@pytest.mark.parametrize(("items", "archive"), READ)
def test_an_archive_knows_its_log_group_and_service(items: str, archive: Archive) -> None:
    """What is not said follows from the service, its log group and that one's format."""
    assert loaded(items).archives == (archive,)


@pytest.mark.parametrize(
    ("items", "service", "format", "timezone"),
    [
        ("{log_group: /legacy/claims/access}", "claims", "apache", "Europe/Paris"),
        ("{service: printing}", "printing", "syslog", "UTC"),
        ("{service: ledger}", "ledger", "fixed_width", "UTC"),
    ],
)
def test_lines_of_an_object_find_their_service(items: str, service: str, format: str, timezone: str) -> None:
    """A line of a rotated file is read with the format and the zone of its service, which it is told of."""
    configured = loaded(items)
    found = S3Object(bucket="logs", key="httpd/access.log.1.gz", time_ms=1_795_231_810_000)
    archive = archives.archive_of(found, configured.archives)
    assert archive is not None
    (batch,) = archives.batches([b"0123456789abc"], found, archive)
    assert isinstance(batch, LogBatch)
    known = configured.service_of(batch.log_group)
    assert known is not None
    assert (known.name, known.format, known.timezone) == (service, format, timezone)


def test_no_archives() -> None:
    """Without the section there are none."""
    assert config.loads(SERVICES).archives == config.EMPTY.archives == ()


MISTAKES = [
    ("{bucket: logs}", "archives[0]: says not whose lines these are: give it 'log_group', 'service' or 'kind: documents'"),
    ("{bucket: logs, log_group: /a}, {bucket: logs, log_group: /b}", "archives[1]: has the same bucket and prefix as archives[0]"),
    ("{log_group: /a, encoding: utf-9}", "archives[0].encoding: the character set 'utf-9' is not known"),
    ("{log_group: /a, record_bytes: 80}", "archives[0].record_bytes: only files have records; it needs 'kind: file' beside it"),
    ("{log_group: /a, kind: file, record_bytes: 0}", "archives[0].record_bytes: 0 is less than 1"),
    ("{log_group: /a, kind: export, encoding: latin-1}", "archives[0].encoding: exports of CloudWatch Logs are UTF-8; only files have another encoding"),
    ("{kind: documents, account: '123456789012'}", "archives[0].account: documents bring this themselves; only a bucket and a prefix go with them"),
    ("{service: clams}", "archives[0].service: there is no service 'clams'; did you mean 'claims'?"),
    ("{service: claims}", "archives[0].service: services.claims has not one log group: say which of them under 'log_group'"),
    ("{service: claims, log_group: /legacy/printing}", "archives[0]: the log group '/legacy/printing' belongs to services.printing, not claims"),
    ("{service: claims, log_group: /legacy/other}", "archives[0].log_group: '/legacy/other' is not among the log_groups of services.claims"),
    ("{service: ledger, encoding: cp273}", "archives[0].encoding: the records of services.ledger are in 'cp037' by their format"),
    ("{service: ledger, kind: file, record_bytes: 80}", "archives[0].record_bytes: the fields of services.ledger end at byte 13: that is how long its records are"),
    ("{log_group: /a, bucket: 's3://logs'}", "archives[0].bucket: 's3://logs' is not the name of a bucket (letters, digits, '.', '_' and '-', at least 3)"),
    ("{log_group: /a, account: 123456789012}", "archives[0].account: 123456789012 is not an account: 12 digits in quotes"),
    ("{log_group: /a*}", "archives[0].log_group: '/a*' is not the name of a log group (letters, digits and _ . / # -, at most 512)"),
    ("{log_group: /a, kind: files}", "archives[0].kind: 'files' is not one of 'auto', 'export', 'documents', 'file'; did you mean 'file'?"),
    ("{log_group: /a, format: apache}", "archives[0].format: unknown key 'format'"),
]  # fmt: skip


@pytest.mark.parametrize(("items", "said"), MISTAKES, ids=[said[:70] for _, said in MISTAKES])
def test_a_mistake_says_where_and_what(items: str, said: str) -> None:
    """One mistake is one problem, at its line and path, in words."""
    with pytest.raises(config.ConfigError) as caught:
        loaded(items)
    (problem,) = caught.value.problems
    assert (problem.file, problem.line) == ("observe.yaml", SERVICES.count("\n") + 1)
    assert problem.column > 1
    assert f"{problem.path}: {problem.message}" == said


def test_a_service_whose_name_is_somebodys_log_group() -> None:
    """A service without a log group cannot stand for one that belongs to another."""
    text = "version: 1\nservices: {a: {side: legacy}, b: {side: legacy, log_groups: [a]}}\narchives: [{service: a}]\n"
    with pytest.raises(config.ConfigError, match=r"the log group 'a' belongs to services\.b, not a"):
        config.loads(text)


def test_teams_add_archives(tmp_path: Path) -> None:
    """Fragments add to the list, a duplicate is told where it stands, and policy can reserve the section."""
    (tmp_path / "team.yaml").write_text(
        "services: {b: {side: legacy}}\narchives:\n  - {bucket: own, service: b}\n"
    )
    path = tmp_path / "observe.yaml"
    text = "version: 1\ninclude: team.yaml\nservices: {a: {side: legacy}}\narchives: [{bucket: %s, service: a}]\n"
    path.write_text(text % "all")
    assert [(a.bucket, a.service) for a in config.load(path).archives] == [("all", "a"), ("own", "b")]
    path.write_text(text % "own")
    with pytest.raises(
        config.ConfigError,
        match=r"team.yaml:3:5: archives\[1\]: has the same bucket and prefix as archives\[0\]",
    ):
        config.load(path)
    path.write_text(text % "all" + "policy: {reserved: [archives]}\n")
    with pytest.raises(
        config.ConfigError, match=r"team.yaml:2:1: archives: only the platform's file may set this"
    ):
        config.load(path)


_KEYS = [
    "bucket",
    "prefix",
    "kind",
    "log_group",
    "service",
    "log_stream",
    "account",
    "encoding",
    "record_bytes",
]
_VALUES = st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(
    ["claims", "ledger", "submit", "/legacy/claims/access", "file", "export", "documents", "cp037", "logs"]
)  # fmt: skip


@given(st.lists(st.dictionaries(st.sampled_from(_KEYS), _VALUES) | _VALUES, max_size=3))
def test_arbitrary_archives_load_or_are_told(items: list[object]) -> None:
    """Whatever stands in the list, it loads with a service or nobody's log group, or raises a ConfigError."""
    try:
        configured = config.loads(f"{SERVICES}archives: {json.dumps(items)}\n")
    except config.ConfigError:
        return
    for archive in configured.archives:
        service = configured.service_of(archive.log_group)
        assert (service.name if service else "") == archive.service
