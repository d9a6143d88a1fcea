"""Everything that the pages of one preview share: data, verdicts, lines, and where links lead."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from dashboards.panels import Link, Page
from dashboards.preview.escape import address, filled, text
from dashboards.preview.facts import Facts
from dashboards.preview.judge import Verdict
from dashboards.preview.lines import Lines
from dashboards.preview.window import Window
from dashboards.resources import System


class Scene(msgspec.Struct, frozen=True, kw_only=True):
    """What pages are made from. files: name of a page -> its file."""

    system: System
    pages: tuple[Page, ...]
    window: Window
    facts: Facts
    lines: Lines
    verdicts: Mapping[str, Verdict]
    files: Mapping[str, str]

    def href_of_page(self, name: str) -> str:
        """Return where a page is, escaped; "" where there is none of this name."""
        return text(self.files.get(name, ""))

    def href_of_query(self, name: str, page: Page) -> str:
        """Return where a saved query is: on this page, else on the first that has it."""
        if any(query.name == name for query in page.queries):
            return f"#query-{text(name)}"
        other = next((one for one in self.pages if any(query.name == name for query in one.queries)), None)
        return f"{self.href_of_page(other.name)}#query-{text(name)}" if other else ""

    def resolve(self, target: str, page: Page) -> str:
        """Return where a link of a markdown text leads, escaped; "" for nowhere."""
        kind, _, name = target.partition(":")
        if kind == "page":
            return self.href_of_page(name)
        return self.href_of_query(name, page) if kind == "query" else address(target)

    def href(self, link: Link, page: Page) -> str:
        """Return where a link of a panel leads; "" where its address asks for what only one request has."""
        if link.page:
            return self.href_of_page(link.page)
        if link.query:
            return self.href_of_query(link.query, page)
        first, last = (ns // 1_000_000 for ns in (self.window.first_unix_nano, self.window.last_unix_nano))
        known = {"from": str(first), "to": str(last), page.kind: page.subject}
        return address(filled(link.url, known))


def files_of(pages: tuple[Page, ...]) -> dict[str, str]:
    """Return the file of each page: `index.html` of the system's, or of the first where there is none."""
    front = next((page.name for page in pages if page.kind == "system"), pages[0].name if pages else "")
    return {page.name: "index.html" if page.name == front else f"{page.name}.html" for page in pages}
