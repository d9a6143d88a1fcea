"""Links: templates filled in, and nothing that a log says can make another address of them."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from subscribers.alerts import links
from subscribers.alerts.links import Link
from subscribers.alerts.model import Sample
from tests.subscribers.alerts.timelines import START_S, finding, sample

TEMPLATES = {
    "trace": "https://apm.example/trace/{trace_id}?from={from}&to={to}",
    "logs": "https://kibana.example/#/?q={correlation_id}&service={service}",
    "dashboard": "https://grafana.example/d/1?var-service={service}&from={from}&to={to}",
    "group": "https://console.example/{log_group}/{endpoint}",
}


def test_links_of_an_event_and_of_a_request() -> None:
    """A template with the ID of a request is about one; times are around each, in milliseconds."""
    found = finding(service="claims api", samples=(sample(),), endpoint="GET /claims/{id}")
    assert links.of_event(TEMPLATES, found, START_S - 300) == (
        Link(
            "dashboard",
            "https://grafana.example/d/1?var-service=claims%20api"
            f"&from={(START_S - 1200) * 1000}&to={(START_S + 300) * 1000}",
        ),
        Link("group", "https://console.example/%2Faws%2Flambda%2Fclaims/GET%20%2Fclaims%2F%7Bid%7D"),
    )
    assert links.of_sample(TEMPLATES, found, sample()) == (
        Link(
            "trace",
            f"https://apm.example/trace/{1:032x}?from={(START_S - 400) * 1000}&to={(START_S + 200) * 1000}",
        ),
        Link("logs", "https://kibana.example/#/?q=corr-0&service=claims"),
    )


def test_what_is_not_known_makes_no_link() -> None:
    """Better none than one that leads nowhere; the same for what no browser opens."""
    assert links.of_sample(TEMPLATES, finding(), Sample(0, "", "", trace_id="")) == ()
    assert links.of_event(TEMPLATES, finding(), START_S) == ()
    assert links.address("https://r.example/{service}", finding(service="x" * 5_000), 0) == ""
    assert links.address("https://r.example/{service}", finding(service="x"), 0) == "https://r.example/x"


hostile = st.text(st.characters(), min_size=1, max_size=50)


@given(hostile, hostile)
def test_no_value_leaves_its_place(id: str, service: str) -> None:
    """A law: host, path and number of parameters are the template's, whatever the values hold."""
    template = {"x": "https://apm.example/t/{correlation_id}?s={service}#top"}
    (link,) = links.of_sample(template, finding(), sample(correlation_id=id, service=service))
    parts = urlsplit(link.url)
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "apm.example", "top")
    assert parts.path.count("/") == 2
    assert parts.query.count("=") == 1
    assert link.url.isascii()
    assert link.url.isprintable()
    whole = id.encode("utf-8", "replace").decode()
    assert unquote(parts.path.removeprefix("/t/")) == whole
