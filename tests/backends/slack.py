"""Slack's incoming webhook as it is documented: blocks and their limits, words for what is wrong.

Stricter than the real one: what could call people or be formatted is refused, for nothing of ours may.

https://docs.slack.dev/reference/block-kit/blocks
https://api.slack.com/changelog/2016-05-17-changes-to-errors-for-incoming-webhooks
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from tests.backends.server import Backend, Fault, Received, Reply

PATH = "/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
#: A link as we write it: an address without what ends it, and a plain name.
_LINK = re.compile(r"<https?://[^\s<>|]+\|[A-Za-z0-9 ._-]+>")
_ENTITY = re.compile(r"&(?:amp|lt|gt);")


class Slack(Backend):
    """One webhook. messages: what was posted; gone: the word that it answers with instead."""

    def __init__(self, faults: Callable[[int, Received], Fault | None] | None = None) -> None:
        super().__init__(faults)
        self.messages: list[dict[str, Any]] = []
        self.path = PATH
        self.gone = ""

    @property
    def webhook(self) -> str:
        """Its address."""
        return self.url + self.path

    def answer(self, request: Received) -> Reply:
        """Answer as hooks.slack.com."""
        if request.method != "POST":
            return _said(405, "method_not_allowed")
        if request.path != self.path:
            return _said(403 if request.path.startswith("/services/T0") else 404, "invalid_token")
        if self.gone:
            return _said(410 if self.gone == "channel_is_archived" else 404, self.gone)
        try:
            tree = json.loads(request.body)
        except ValueError:
            return _said(400, "invalid_payload")
        if not isinstance(tree, dict):
            return _said(400, "invalid_payload")
        if not tree.get("text") and not tree.get("blocks"):
            return _said(400, "no_text")
        if _is_unsafe(tree.get("text", "")) or len(tree.get("text", "")) > 40_000:
            return _said(400, "invalid_payload")
        if not _is_blocks(tree.get("blocks", [])):
            return _said(400, "invalid_blocks")
        with self.lock:
            self.messages.append(tree)
        return _said(200, "ok")

    def fault_reply(self, status: int) -> Reply:
        """Return a word; of 429 with Retry-After."""
        headers = {"Retry-After": self.retry_after} if status == 429 else {}
        return _said(status, "rate_limited" if status == 429 else "rollup_error")._replace(headers=headers)


def _is_blocks(blocks: Any) -> bool:
    return isinstance(blocks, list) and len(blocks) <= 50 and all(_is_block(block) for block in blocks)


def _is_block(block: dict[str, Any]) -> bool:
    kind = block["type"]
    if kind == "header":
        return block["text"]["type"] == "plain_text" and _is_text(block["text"], 150)
    if kind == "context":
        return 1 <= len(block["elements"]) <= 10 and all(_is_text(one, 2000) for one in block["elements"])
    if kind != "section":
        return False
    fields = block.get("fields", [])
    if not fields and "text" not in block:
        return False
    if len(fields) > 10 or not all(_is_text(field, 2000) for field in fields):
        return False
    return "text" not in block or _is_text(block["text"], 3000)


def _is_text(text: dict[str, Any], most: int) -> bool:
    said = text["text"]
    if not 1 <= len(said.encode("utf-16-le")) // 2 <= most or _is_unsafe(_LINK.sub("", said)):
        return False
    if text["type"] == "plain_text":
        return "verbatim" not in text and not _LINK.search(said)
    # Nothing but links: no text of anybody's.
    return text["type"] == "mrkdwn" and "emoji" not in text and not _LINK.sub("", said).strip(" ·")


def _is_unsafe(text: str) -> bool:
    """Whether it has a control character of Slack's that is not escaped."""
    return any(c in _ENTITY.sub("", text) for c in "<>&")


def _said(status: int, word: str) -> Reply:
    return Reply(status, word.encode(), {"Content-Type": "text/html"})
