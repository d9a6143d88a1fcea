"""Pages as documents: nothing of data is markup, nothing loads, everything says why it is empty."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboards.alarms.values import Alarms
from dashboards.expressions import Metric
from dashboards.panels import LogQuery, Mark, Page, Panel, Section, Series
from dashboards.preview.escape import address, filled, text
from dashboards.preview.markdown import html_of
from dashboards.preview.render import preview
from dashboards.preview.script import SCRIPT
from subscribers.store import Store
from tests.dashboards.preview.filled import FIRST, LAST, filled_store, log
from tests.dashboards.sample import ALARMS, PAGES, SYSTEM

HOSTILE = (
    "</script><script>alert(1)</script>",
    "\"' onmouseover='alert(1)",
    "<img src=x onerror=alert(1)>",
    "\u202egnp.exe\u202c",
    "a\x00b\x1b[31mc\x85",
    "&lt;b&gt; ${x} {{y}} <!-- ]]>",
)
_VOID = {"meta", "br", "img", "link", "input"}


class _Tags(HTMLParser):
    """Every element with its attributes, and whether all were closed in order."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.is_nested = True
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        self.is_nested &= bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _hostile_page(name: str) -> Page:
    hostile = Metric("service.requests", "claims-legacy", "sum")
    everything = Series(label=name, of=hostile)
    panels = [
        Panel(
            id=kind,
            title=name,
            kind=kind,  # type: ignore[arg-type]
            help=name,
            empty=name,
            text=f"{name} [{name}](javascript:alert(1)) [{name}](page:{name}) | {name}",
            series=(everything,),
            marks=(Mark(label=name, at=name), Mark(label=name, at="2026-11-22T04:00:01Z")),
            query=LogQuery(name=name, title=name, services=("claims-legacy",), is_errors=True),
        )
        for kind in ("lines", "area", "bars", "number", "table", "text", "logs", "alarms")
    ]
    return Page(
        name="endpoint-hostile",
        title=name,
        kind="endpoint",
        subject=name,
        about=name,
        sections=(Section(title=name, note=name, panels=tuple(panels)),),
        queries=(LogQuery(name="q", title=name, services=(name,)),),
    )


def _checked(document: str) -> _Tags:
    tags = _Tags(document)
    assert tags.is_nested, "an element is not closed where it was opened"
    assert tags.open == []
    assert sum(tag == "script" for tag, _ in tags.found) == 1
    assert f"<script>{SCRIPT}</script>" in document
    for tag, attributes in tags.found:
        assert tag not in ("img", "iframe", "object", "link", "form", "base")
        assert not any(name.startswith("on") or name == "src" for name in attributes)
        href = attributes.get("href", "")
        assert tag != "a" or re.match(r"#query-|https?://|[a-z0-9-]+\.html", href)
    return tags


@pytest.mark.parametrize("name", HOSTILE)
def test_what_a_name_or_a_line_says_is_text(name: str, tmp_path: Path) -> None:
    """Titles, labels, marks, help, markdown and messages, on every kind of panel."""
    store = filled_store(tmp_path, (log(20, "claims-legacy", "legacy", f"{name}\n{name}"),))
    system = msgspec.structs.replace(SYSTEM, title=name)

    files = preview(system, (_hostile_page(name),), Alarms(), store.query, FIRST, LAST)

    document = files["index.html"]
    tags = _checked(document)
    assert not set(document) & {"\x00", "\x1b", "\x85", "\u202e", "\u202c"}
    if "<" in name:
        assert any(name.splitlines()[0] in words for words in tags.words)


def test_every_page_of_the_sample_is_a_document_that_loads_nothing(tmp_path: Path) -> None:
    """With data, and well-formed; the policy forbids what is not in the page."""
    files = preview(SYSTEM, PAGES, ALARMS, filled_store(tmp_path).query, FIRST, LAST)

    assert list(files) == ["index.html", "endpoint-submit.html", "service-assess-claim.html"]
    for document in files.values():
        _checked(document)
        assert "default-src &#x27;none&#x27;" in document
        assert re.search(r"<title>[^<]+</title>", document)
        assert document.endswith("</html>\n")
        assert "2026-11-22 04:00:00" in document


def test_the_same_store_makes_the_same_pages(tmp_path: Path) -> None:
    """Byte for byte."""
    query = filled_store(tmp_path).query

    assert preview(SYSTEM, PAGES, ALARMS, query, FIRST, LAST) == preview(
        SYSTEM, PAGES, ALARMS, query, FIRST, LAST
    )


def test_every_panel_of_an_empty_store_says_why_it_is_empty(tmp_path: Path) -> None:
    """Never an empty grid without words."""
    store = Store(tmp_path)
    store.append([])

    files = preview(SYSTEM, PAGES, ALARMS, store.query, 0, LAST)

    for document in files.values():
        tags = _checked(document)
        assert 'class="chart"' not in document
        assert "The store has nothing in the time that was asked for." in document
        figures = document.split("<figure")[1:]
        assert all(re.search(r'class="(empty|text|box|calm)"', figure) for figure in figures)
        assert tags.found


def test_a_panel_that_only_cloudwatch_can_fill_says_so(tmp_path: Path) -> None:
    """Instead of a graph without a line."""
    document = preview(SYSTEM, PAGES, ALARMS, filled_store(tmp_path).query, FIRST, LAST)[
        "endpoint-submit.html"
    ]

    assert "Only CloudWatch has it; this preview shows what log lines tell." in document


def test_links_lead_to_pages_and_queries_that_exist(tmp_path: Path) -> None:
    """Every file and every anchor."""
    files = preview(SYSTEM, PAGES, ALARMS, filled_store(tmp_path).query, FIRST, LAST)

    for name, document in files.items():
        for href in re.findall(r'href="([^"]+)"', document):
            if href.startswith("http"):
                continue
            file, _, anchor = href.partition("#")
            assert (file or name) in files
            assert not anchor or f'id="{anchor}"' in files[file or name]


def test_a_line_leads_to_its_trace_and_says_how_where_no_address_is_configured(tmp_path: Path) -> None:
    """By its correlation ID."""
    query = filled_store(tmp_path).query
    bare = msgspec.structs.replace(SYSTEM, config=msgspec.structs.replace(SYSTEM.config, links={}))

    linked = preview(SYSTEM, PAGES, ALARMS, query, FIRST, LAST)["endpoint-submit.html"]
    told = preview(bare, PAGES, ALARMS, query, FIRST, LAST)["endpoint-submit.html"]

    assert 'href="https://traces.example/t/web-0?from=' in linked
    assert "<code>observe trace web-0</code>" in told


@given(st.text())
def test_no_text_leaves_markup_behind(value: str) -> None:
    """And what is harmless stays what it is."""
    escaped = text(value)

    assert not set(escaped) & set("<>\"'\x00\x1b\u202e")
    if value.isalnum():
        assert escaped == value


@given(st.text(alphabet=st.sampled_from("ab*`[]()|#- \n<&\"'1.:/"), max_size=80))
def test_markdown_is_always_well_formed(markdown: str) -> None:
    """Whatever is opened is closed, and only what this subset has is an element."""
    tags = _Tags(html_of(markdown))

    assert tags.is_nested
    assert tags.open == []
    known = {"p", "br", "ul", "li", "h4", "code", "strong", "a", "div"}
    known |= {"table", "thead", "tbody", "tr", "th", "td"}
    assert {tag for tag, _ in tags.found} <= known


def test_markdown_has_lists_tables_and_links() -> None:
    """What pages are written in."""
    made = html_of(
        "## Head\n\n- **one** `x<y`\n- [two](https://a.example/?b=1&c=2)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )

    assert "<h4>Head</h4>" in made
    assert "<li><strong>one</strong> <code>x&lt;y</code></li>" in made
    assert '<a href="https://a.example/?b=1&amp;c=2">two</a>' in made
    assert "<thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>2</td></tr></tbody>" in made


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "data:text/html,x", "//evil.example", " https://", "https://a b", "file:///etc"],
)
def test_an_address_that_is_not_of_the_web_is_none(url: str) -> None:
    """No link rather than a wrong one."""
    assert address(url) == ""


def test_an_address_takes_values_url_encoded_and_none_without_them() -> None:
    """What a log says can change no address."""
    assert (
        filled("https://t.example/{trace_id}", {"trace_id": "a/../?b&c"})
        == "https://t.example/a%2F..%2F%3Fb%26c"
    )
    assert filled("https://t.example/{trace_id}", {}) == ""
