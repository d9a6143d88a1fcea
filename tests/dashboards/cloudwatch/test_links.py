"""Addresses of the console."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dashboards.cloudwatch.links import dashboard, decoded, logs_insights

_TEXTS = st.text(st.characters(exclude_categories=("Cs", "Co")), max_size=200)


@given(query=_TEXTS, groups=st.lists(_TEXTS, max_size=5), seconds=st.integers(1, 10**7))
def test_an_address_of_logs_insights_gives_back_what_it_asks(
    query: str, groups: list[str], seconds: int
) -> None:
    """Whatever signs a query has, it is read as it was written."""
    address = logs_insights("eu-west-1", query, groups, seconds)
    assert decoded(address) == {
        "end": 0,
        "start": -seconds,
        "timeType": "RELATIVE",
        "unit": "seconds",
        "editorString": query,
        "source": groups,
    }
    assert not set(address) & set(" '\"()<>~%")


def test_an_address_is_as_the_console_writes_it() -> None:
    """Taken from an address of the console."""
    address = logs_insights("eu-west-1", "fields @timestamp, @message", ["/aws/lambda/x"])
    assert "#logsV2:logs-insights$3FqueryDetail$3D$257E$2528end$257E0$257Estart$257E-3600$257E" in address
    assert "editorString$257E$2527fields*20*40timestamp*2c*20*40message" in address
    assert "source$257E$2528$257E$2527*2faws*2flambda*2fx$2529$2529" in address


def test_an_address_of_a_dashboard_has_its_region() -> None:
    """The console of one region shows only what is in it."""
    assert dashboard("eu-west-1", "claims-system") == (
        "https://eu-west-1.console.aws.amazon.com/cloudwatch/home?region=eu-west-1"
        "#dashboards/dashboard/claims-system"
    )
