"""The text lines of Lambda's Python runtime.

    [LEVEL]\\t2026-11-21T03:30:10.123Z\\t<request id>\\tmessage     a logging record
    [ERROR] ValueError: message\\rTraceback (most recent call last):\\r...   it left the handler

The runtime joins an uncaught traceback with carriage returns, so that CloudWatch keeps it one event,
and indents it with no-break spaces, so that consoles keep the indentation.

https://github.com/aws/aws-lambda-python-runtime-interface-client awslambdaric/bootstrap.py
"""

from __future__ import annotations

from subscribers.parsers.draft import LEVELS, Draft
from subscribers.parsers.times import rfc3339

TRACEBACK = "Traceback (most recent call last):"
_UNCAUGHT = "[ERROR] "


def read(draft: Draft) -> bool:
    """Fill the draft of a line that starts with `[`; False if it is only a print."""
    text = draft.message
    if text.startswith(_UNCAUGHT) and TRACEBACK in text:
        return _read_uncaught(draft)
    word, _, rest = text[1:].partition("]\t")
    level = LEVELS.get(word)
    parts = rest.split("\t", 2)
    if not level or len(parts) != 3 or not draft.stamp(rfc3339(parts[0])):
        return False
    draft.level = level
    draft.request_id = "" if parts[1] == "None" else parts[1]  # "None" while the module is imported
    draft.message, draft.error_stack = _split(parts[2])
    if draft.error_stack:
        draft.error_type, draft.error_message = last_error(draft.error_stack)
    return True


def last_error(stack: str) -> tuple[str, str]:
    """Return (type, message) of what a traceback ends with: its last unindented line that names a type."""
    for line in reversed(stack.split("\n")):
        if line and not line.startswith((" ", TRACEBACK)):
            found = _typed(line)
            if found[0]:
                return found
    return "", ""


def _read_uncaught(draft: Draft) -> bool:
    draft.level, draft.uncaught = "ERROR", True
    draft.message, draft.error_stack = _split(draft.message[len(_UNCAUGHT) :])
    draft.error_type, draft.error_message = _typed(draft.message)
    return True


def _split(text: str) -> tuple[str, str]:
    """(what was said, the traceback with plain line ends and plain indentation)."""
    at = text.find(TRACEBACK)
    # A traceback starts a line; the words alone may be part of any message.
    if at < 0 or (at > 0 and text[at - 1] not in "\r\n"):
        return text, ""
    stack = text[at:].replace("\r\n", "\n").replace("\r", "\n")
    return text[:at].rstrip("\r\n"), "\n".join(indented(line) for line in stack.split("\n"))


def indented(line: str) -> str:
    """Return a line with plain blanks where the runtime wrote no-break ones."""
    bare = line.lstrip("\xa0")
    return " " * (len(line) - len(bare)) + bare


def _typed(text: str) -> tuple[str, str]:
    """`ValueError: boom` -> (ValueError, boom); a text without a type is all message."""
    word, _, message = text.partition(": ")
    return (word, message) if word.replace(".", "").isidentifier() else ("", text)
