"""A subset of markdown as HTML: headings, lists, tables, bold, code, links. Everything else is text.

Links to `page:NAME` and `query:NAME` lead to pages and saved queries; others to http(s) addresses or nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from dashboards.preview.escape import address, text

#: Where a link of a markdown text leads: `page:NAME`, `query:NAME`, an address -> what `href` holds, or "".
Resolve = Callable[[str], str]
_INLINE = re.compile(
    r"`(?P<code>[^`\n]+)`|\*\*(?P<bold>[^*\n]+)\*\*|\[(?P<label>[^\[\]\n]*)\]\((?P<target>[^()\s]*)\)"
)
_HEADING = re.compile(r"(#{1,4})\s+(.*)")
_ITEM = re.compile(r"\s*(?:[-*]|\d+\.)\s+(.*)")
_RULE = re.compile(r"\|?[\s:|-]*-{3}[\s:|-]*")


def web(target: str) -> str:
    """Resolve addresses of the web alone."""
    return address(target)


def html_of(markdown: str, resolve: Resolve = web) -> str:
    """Return a markdown text as HTML."""
    return "\n".join(_blocks(markdown.splitlines(), resolve))


def _blocks(lines: list[str], resolve: Resolve) -> Iterator[str]:
    while lines:
        kind = _kind(lines[0])
        end = next((i for i, line in enumerate(lines) if _kind(line) != kind), len(lines))
        if kind == "heading":
            end = 1
        block, lines = lines[:end], lines[end:]
        if kind != "blank":
            yield _BLOCKS[kind](block, resolve)


def _kind(line: str) -> str:
    if not line.strip():
        return "blank"
    if _HEADING.fullmatch(line):
        return "heading"
    if line.lstrip().startswith("|"):
        return "table"
    return "list" if _ITEM.fullmatch(line) else "text"


def _heading(lines: list[str], resolve: Resolve) -> str:
    found = _HEADING.fullmatch(lines[0])
    return f"<h4>{inline(found[2] if found else lines[0], resolve)}</h4>"


def _list(lines: list[str], resolve: Resolve) -> str:
    items = [found[1] for line in lines if (found := _ITEM.fullmatch(line))]
    return "<ul>" + "".join(f"<li>{inline(item, resolve)}</li>" for item in items) + "</ul>"


def _table(lines: list[str], resolve: Resolve) -> str:
    rows = [_cells(line) for line in lines if not _RULE.fullmatch(line.strip())]
    head, *body = rows or [[""]]
    heads = "".join(f"<th>{inline(cell, resolve)}</th>" for cell in head)
    out = "".join(
        "<tr>" + "".join(f"<td>{inline(cell, resolve)}</td>" for cell in row) + "</tr>" for row in body
    )
    return f'<div class="wide"><table><thead><tr>{heads}</tr></thead><tbody>{out}</tbody></table></div>'


def _cells(line: str) -> list[str]:
    inner = line.strip().removeprefix("|").removesuffix("|")
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _text(lines: list[str], resolve: Resolve) -> str:
    return f"<p>{'<br>'.join(inline(line, resolve) for line in lines)}</p>"


_BLOCKS: dict[str, Callable[[list[str], Resolve], str]] = {
    "heading": _heading,
    "list": _list,
    "table": _table,
    "text": _text,
}


def inline(line: str, resolve: Resolve = web) -> str:
    """Return a line with its bold words, code and links as HTML."""
    parts: list[str] = []
    end = 0
    for found in _INLINE.finditer(line):
        parts += (text(line[end : found.start()]), _inline(found, resolve))
        end = found.end()
    return "".join((*parts, text(line[end:])))


def _inline(found: re.Match[str], resolve: Resolve) -> str:
    if found["code"] is not None:
        return f"<code>{text(found['code'])}</code>"
    if found["bold"] is not None:
        return f"<strong>{inline(found['bold'], resolve)}</strong>"
    href = resolve(found["target"])
    label = text(found["label"] or found["target"])
    return f'<a href="{href}">{label}</a>' if href else label
