"""What an alarm says: what it means, why that threshold, and where to look, within CloudWatch's length.

Lines come in order of importance; one that does not fit is left out. The console shows a description as text
and makes links of the addresses in it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dashboards.cloudwatch.context import Context
from dashboards.cloudwatch.links import is_template, logs_insights
from dashboards.cloudwatch.naming import deployed
from dashboards.cloudwatch.queries import brief, search
from dashboards.cloudwatch.references import REGION, references, token
from dashboards.panels import Link

DESCRIPTION_MAX = 1024
#: How long a name may be that only the stack knows: that of a Region, of a stack, of most resources.
_REGION_MAX, _NAME_MAX = 16, 128


def description(
    sentences: Sequence[str], runbook: str, page: str, links: Sequence[Link], context: Context
) -> str:
    """Return what an alarm says: sentences, runbook, dashboard, logs, then other addresses."""
    text = _cut(" ".join(sentence for sentence in sentences if sentence), DESCRIPTION_MAX // 2)
    for ways in _lines(runbook, page, links, context):
        fits = (line for line in ways if _length(text) + 1 + _length(line) <= DESCRIPTION_MAX)
        if line := next(fits, ""):
            text = f"{text}\n{line}"
    return text


def _lines(runbook: str, page: str, links: Sequence[Link], context: Context) -> Iterator[Sequence[str]]:
    """Yield lines by importance, each in one or more ways: the first that fits is taken."""
    if runbook:
        yield (f"Runbook: {runbook}",)
    if page in context.pages:
        yield (f"Dashboard: {context.page_link(page)}",)
    for link in sorted(links, key=lambda one: not one.query):
        if link.query:
            yield _logs(link, context)
        elif link.url:
            yield (f"{link.label}: {address_text(link.url)}",)
        elif link.page in context.pages and link.page != page:
            yield (f"{link.label}: {context.page_link(link.page)}",)


def address_text(url: str) -> str:
    """Return an address as it stands in a text; one that needs an ID is no link, for it leads nowhere."""
    return f"`{url}`" if is_template(url) else url


def logs_of(page: str, context: Context) -> tuple[Link, ...]:
    """Return links to the newest errors and to one correlation ID of a page, where it has such queries."""
    queries = context.pages[page].queries if page in context.pages else ()
    errors = [query for query in queries if query.is_errors]
    stories = [query for query in queries if query.is_by_correlation_id]
    return tuple(Link(label=query.title, query=query.name) for query in (*errors[:1], *stories[:1]))


def _logs(link: Link, context: Context) -> Sequence[str]:
    """The newest lines by one click, or the name of the query that is saved; nothing where none is.

    A query of one correlation ID is told by name: saved, Logs Insights asks for the ID.
    """
    query = context.queries.get(link.query)
    groups = search(query, context.system).groups if query else ()
    if query is None or not groups:
        return ()
    by_name = f"{link.label}: saved query {deployed(context.system, query.name)} of Logs Insights"
    if query.is_by_correlation_id or not all(map(context.is_sure, groups)):
        return (by_name,)
    return (f"{link.label}: {logs_insights(context.region, brief(query), groups)}", by_name)


def _length(text: str) -> int:
    """How long it may be once names are put in."""
    found = text
    for one in references(text):
        key = token(one)
        found = found.replace(key, "-" * (_REGION_MAX if key == REGION else _NAME_MAX))
    return len(found)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
