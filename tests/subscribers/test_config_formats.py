# ruff: noqa: E501 - tables of cases, one a line
"""observe.yaml's formats: their names, those of a team's own, and what is wrong with them before a line is read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers import config
from subscribers.config_formats import NAMES
from subscribers.config_schema import schema
from subscribers.formats import fixed_width
from subscribers.formats.custom import KINDS, custom
from subscribers.parse import AUTO, FORMATS
from tests.subscribers.formats.test_records import page
from tests.subscribers.test_config import problems, service

ALL = ", ".join(map(repr, NAMES))

MISTAKES = [
    # (what is written, what is said)
    (service("format: {log4j: x, grok: y}"), "5:5: services.claims.format: needs exactly one of " + ", ".join(map(repr, KINDS))),
    (service("format: {log4j: '%d %foo %m'}"), "5:14: services.claims.format.log4j: the conversion '%foo' is not known"),
    (service("format: {logback: '%d %level'}"), "5:14: services.claims.format.logback: writes no message: it needs %m before the first line break"),
    (service("log_groups: [{name: g, format: {log4j: '%d{QQ} %m'}}]"), "5:37: services.claims.log_groups[0].format.log4j: the letter 'Q' of the date pattern 'QQ' is not supported"),
    (service("format: klingon"), f"5:5: services.claims.format: 'klingon' is not one of {ALL}"),
    (service("format: ngnix"), f"5:5: services.claims.format: 'ngnix' is not one of {ALL}; did you mean 'nginx'?"),
    (service("log_groups: [{name: g, format: syslogg}]"), f"5:28: services.claims.log_groups[0].format: 'syslogg' is not one of {ALL}; did you mean 'syslog'?"),
    (service("format: {grok: '%{TIMESTAMP_IS08601:time}'}"), "5:14: services.claims.format.grok: the pattern 'TIMESTAMP_IS08601' is not known; did you mean 'TIMESTAMP_ISO8601'?"),
    (service("format: {grok: 'x'}"), "5:14: services.claims.format.grok: keeps nothing: a field is named by %{NAME:field} or (?<field>...)"),
    (service("format: {csv: {columns: [a, a]}}"), "5:14: services.claims.format.csv: the column 'a' is named twice"),
    (service("format: {csv: {}, encoding: utf-9}"), "5:23: services.claims.format.encoding: the character set 'utf-9' is not known"),
    (service("format: {fixed_width: [{name: a, start: 1, length: 5, type: packed}]}"), "5:14: services.claims.format.fixed_width: the field 'a' is packed: its bytes are read only where 'encoding' is named"),
    (service("format: {fixed_width: [{name: a, start: 1, length: 5}, {name: a, start: 6, length: 5}]}"), "5:14: services.claims.format.fixed_width: the field 'a' is named twice"),
    (service("format: {fixed_width: [{name: a, start: 1, length: 5, type: packd}]}"), "5:59: services.claims.format.fixed_width[0].type: 'packd' is not one of 'text', 'integer', 'decimal', 'packed', 'binary', 'date', 'time', 'timestamp'; did you mean 'packed'?"),
    (service("format: {fixed_width: [{name: a, start: 1, length: 5, type: date, pattern: '%Q'}]}"), "5:14: services.claims.format.fixed_width: the letter %Q of the pattern '%Q' is not known"),
    (service("format: {haproxy: '%ci %nix'}"), "5:14: services.claims.format.haproxy: the variable '%nix' is not known"),
    (service("format: {tomcat: '%h %Q'}"), "5:14: services.claims.format.tomcat: the code '%Q' is not known"),
    (service("format: {tomcat_10_1: hello}"), "5:14: services.claims.format.tomcat_10_1: 'hello' holds no % and is neither common nor combined"),
    (service("format: {multiline: {start: x}}"), "5:5: services.claims.format: needs exactly one of " + ", ".join(map(repr, KINDS))),
    (service("format: {grok: '%{WORD:a}', multiline: {start: x, max_wait: soon}}"), "5:55: services.claims.format.multiline.max_wait: 'soon' is not a duration such as 500ms, 30s, 5m, 1h30m or 28d"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), MISTAKES, ids=[said[:60] for _, said in MISTAKES])
def test_a_mistake_says_where_and_what(text: str, said: str) -> None:
    """Each format is made when the file is loaded, so that no line meets one that cannot be."""
    assert problems(text) == [said]


GOOD: dict[str, Any] = {
    "apache": '%h %l %u %t "%r" %>s %b',
    "nginx": "combined",
    "haproxy": "%ci %tr %Ta %ST %{+Q}r",
    "tomcat": "common",
    "tomcat_10_1": '%h %t "%r" %s %D',
    "grok": "%{WORD:message}",
    "csv": {"columns": ["time", "message"]},
    "fixed_width": [{"name": "claim", "start": 1, "length": 8}],
    "log4j": "%d %p %m%n",
    "logback": "%d %p %m%n",
}


def test_every_format_may_be_named() -> None:
    """The schema lists what there is, for editors, and says so in its documentation."""
    format, field = schema()["$defs"]["format"], schema()["$defs"]["fixed_field"]
    assert list(NAMES) == format["oneOf"][0]["enum"]
    assert set(NAMES) == {AUTO, *FORMATS}
    assert all(name in format["description"] for name in NAMES)
    assert {*KINDS, "encoding", "multiline"} == set(format["oneOf"][1]["properties"])
    assert all(kind in format["x-message"] for kind in KINDS)
    assert tuple(field["properties"]["type"]["enum"]) == fixed_width.TYPES


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_custom_format_loads(kind: str) -> None:
    """Its example of the documentation, with its name as the format's."""
    loaded = config.loads(service(f"format: {json.dumps({kind: GOOD[kind]})}"))
    assert loaded.services["claims"].format == kind
    assert loaded.services["claims"].format_options == {kind: GOOD[kind]}


@given(
    st.dictionaries(
        st.sampled_from([*KINDS, "encoding", "multiline"]),
        st.sampled_from(list(GOOD.values())) | st.text(max_size=8) | st.just({"start": "^x", "max_lines": 3}),
        max_size=3,
    )
)
def test_what_loads_can_be_made(format: dict[str, Any]) -> None:
    """Any mapping is a ConfigError, or a format that reads."""
    try:
        loaded = config.loads(service(f"format: {json.dumps(format)}"))
    except config.ConfigError:
        return
    parsed = custom(loaded.services["claims"].format_options)(page("x y"))
    assert parsed.signals or parsed.silent
