"""Addresses of the state."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts.state_dynamodb import DynamoState
from subscribers.alerts.state_memory import MemoryState
from subscribers.alerts.state_of import dynamodb_table, state_of
from subscribers.alerts.state_sqlite import SqliteState


def test_memory() -> None:
    """Each is one of its own."""
    assert isinstance(state_of("memory:"), MemoryState)
    assert state_of("memory:") is not state_of("memory:")


@pytest.mark.parametrize(
    ("address", "path"),
    [
        (".observe/alerts.sqlite", ".observe/alerts.sqlite"),
        ("/var/lib/a.sqlite", "/var/lib/a.sqlite"),
        ("sqlite:state.db", "state.db"),
        ("sqlite:a.sqlite", "a.sqlite"),
    ],
)
def test_files(address: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By their suffix or by the scheme; none is made before its first use."""
    monkeypatch.chdir(tmp_path)
    state = state_of(address)
    assert isinstance(state, SqliteState)
    assert state.path == Path(path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("address", "table", "region"),
    [
        ("dynamodb:observe-Alerts-1A2B", "observe-Alerts-1A2B", ""),
        ("dynamodb:a.b_c?region=eu-west-1", "a.b_c", "eu-west-1"),
        ("dynamodb:abc?region=us-gov-east-1", "abc", "us-gov-east-1"),
    ],
)
def test_tables(address: str, table: str, region: str) -> None:
    """With the Region of the environment, or one of their own; nobody is asked yet."""
    state = state_of(address)
    assert isinstance(state, DynamoState)
    assert (state.table, state.region) == (table, region) == dynamodb_table(address)


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "memory:, a file that ends in .sqlite"),
        ("memory", "is no address"),
        ("memory:x", "is no address"),
        ("sqlite:", "is no address"),
        ("state.db", "is no address"),
        ("a\0.sqlite", "is no address"),
        ("dynamodb:", "no name of a DynamoDB table"),
        ("dynamodb:a b", "no name of a DynamoDB table"),
        ("dynamodb:arn:aws:dynamodb:eu-west-1:1:table/x", "no name of a DynamoDB table"),
        ("dynamodb:abc?zone=x", "nothing but"),
        ("dynamodb:abc?region=eu-west-1&region=eu-west-2", "nothing but"),
        ("dynamodb:abc?region=Paris", "'Paris' is no Region"),
        ("dynamodb:abc?region=", "'' is no Region"),
    ],
)
def test_what_is_no_address(address: str, said: str) -> None:
    """A sentence says what would be one."""
    with pytest.raises(ValueError, match=r".") as raised:
        state_of(address)
    assert said in str(raised.value)


@given(st.text() | st.text().map("dynamodb:{}".format) | st.text().map("dynamodb:abc?{}".format))
def test_any_text_is_an_address_or_a_sentence(address: str) -> None:
    """No other exception leaves."""
    with suppress(ValueError):
        state_of(address)
