"""Log lines and saved queries as HTML: time, service, message, and the way to the whole story."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboards.panels import LogQuery
from dashboards.preview.axes import moment
from dashboards.preview.escape import address, filled, text
from dashboards.preview.lines import LogLine

#: Shown around a line, in milliseconds, where an address asks for a time.
_AROUND_MS = 300_000
#: Services or log groups that a query's box names.
_NAMED = 8


def lines_html(lines: Sequence[LogLine], templates: Mapping[str, str]) -> str:
    """Return lines as a list. templates: observe.yaml's `links` by name."""
    return f'<ul class="lines">{"".join(_line(line, templates) for line in lines)}</ul>'


def _line(line: LogLine, templates: Mapping[str, str]) -> str:
    side = line.side if line.side in ("legacy", "serverless") else ""
    return (
        f'<li class="{side}"><div class="head"><span>{moment(line.time_unix_nano, is_exact=True)}</span>'
        f"<b><bdi>{text(line.service)}</bdi></b><span>{text(line.side)}</span>"
        f'<span class="level">{text(line.level)}</span>{way(line, templates)}</div>'
        f"<pre>{text(_short(line.message))}</pre></li>"
    )


def first_line(message: str, characters: int = 140) -> str:
    """Return the beginning of a message, in one line."""
    line = next(iter(message.strip().splitlines()), "")
    return line[:characters] + " ..." if len(line) > characters else line


def _short(message: str, rows: int = 4, characters: int = 600) -> str:
    lines = message.strip().splitlines()
    kept = "\n".join(lines[:rows])
    return kept[:characters] + " ..." if len(lines) > rows or len(kept) > characters else kept


def way(line: LogLine, templates: Mapping[str, str]) -> str:
    """Return the way to a line's story: a link to the trace where observe.yaml has one, else the command."""
    found = line.correlation_id or line.trace_id
    if not found:
        return ""
    at_ms = line.time_unix_nano // 1_000_000
    values = {
        "correlation_id": line.correlation_id,
        "trace_id": line.trace_id,
        "request_id": line.request_id,
        "service": line.service,
        "side": line.side,
        "log_group": line.log_group,
        "from": str(at_ms - _AROUND_MS),
        "to": str(at_ms + _AROUND_MS),
    }
    href = address(filled(templates.get("trace", ""), values))
    if href:
        return f'<a href="{href}" rel="noreferrer">trace <bdi>{text(found)}</bdi></a>'
    return f"<code>observe trace {text(_word(found))}</code>"


def _word(value: str) -> str:
    """A value as one word of a shell."""
    if value and all(c.isascii() and (c.isalnum() or c in "-_.:@/=+") for c in value):
        return value
    return "'" + value.replace("'", "'\\''") + "'"


def query_html(query: LogQuery, lines: Sequence[LogLine], templates: Mapping[str, str]) -> str:
    """Return a saved query of a page: what it finds here, or how to ask it."""
    if query.is_by_correlation_id:
        body = (
            '<div class="box"><p>Asks for one correlation ID; take it from a line above.</p>'
            "<p><code>observe trace CORRELATION_ID</code> shows its story over both sides.</p></div>"
        )
    elif lines:
        body = lines_html(lines, templates)
    else:
        body = '<p class="empty">No such line in this time.</p>'
    where = query.services or tuple(group.shown for group in query.log_groups)
    more = f" and {len(where) - _NAMED} more" if len(where) > _NAMED else ""
    told = f'<p class="help">{text(", ".join(where[:_NAMED]))}{more}</p>' if where else ""
    return (
        f'<figure class="panel broad" style="--w:24" id="query-{text(query.name)}">'
        f"<h3>{text(query.title)}</h3>{told}{body}</figure>"
    )
