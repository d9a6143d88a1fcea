r"""The text lines of Lambda's runtimes beside Python's.

    Node.js   2026-11-21T03:30:10.123Z\t<request id>\tINFO\tmessage
              ...\tERROR\tInvoke Error \t{"errorType":"TypeError","errorMessage":"boom","stack":[line, ...]}
    .NET      2026-11-21T03:30:10.123Z\t<request id>\tinfo\tmessage
    Ruby      I, [2026-11-21T03:30:10.123456 #8]  INFO <request id> -- progname: message
    Java      2026-11-21 03:30:10 <request id> INFO  Handler - message      log4j2's layout for Lambda
              [INFO] message                                                LambdaLogger with a level
    Go        2026/11/21 03:30:10.123456 message                            log.Printf with microseconds
    Node.js   FATAL ERROR: ... JavaScript heap out of memory                its heap is full

What a runtime only puts a level in front of, and Go's lines, keep every byte of their message. Without a
request ID the lines of Java and Go are what any program may write: they prove nothing about a stream.

https://github.com/aws/aws-lambda-nodejs-runtime-interface-client src/LogPatch.js
https://github.com/aws/aws-lambda-java-libs  https://github.com/aws/aws-lambda-ruby-runtime-interface-client
https://docs.aws.amazon.com/lambda/latest/dg/csharp-logging.html
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from observe import semconv
from subscribers.formats import levels, loggers
from subscribers.parsers import platform
from subscribers.parsers.draft import LEVELS, Draft, PlatformRecord
from subscribers.parsers.times import rfc3339, unix_nano

_ID = r"[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}"
_REQUEST_ID = re.compile(_ID).fullmatch
#: Node.js' words for what left the handler or nobody caught; JSON follows.
_UNCAUGHT = ("Invoke Error", "Uncaught Exception", "Unhandled Promise Rejection")
#: What Ruby's Logger begins a line with: the level's first letter, A for one that is none.
RUBY = "DIWEFA"
_RUBY = re.compile(
    r"([DIWEFA]), \[(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}) #(\d{1,9})\] +"
    rf"(\w{{2,8}}) (?:({_ID}) )?-- ([^:\n]*): (.*)",
    re.DOTALL,
)
_JAVA = re.compile(
    rf"(\d{{4}}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)(?:[.,](\d{{3,6}}))?Z? +(?:({_ID}) +)?"
    r"(TRACE|DEBUG|INFO|WARN|ERROR|FATAL) +(\S{1,200})(?::\d{1,9})? +- (.*)",
    re.DOTALL,
)
_GO = re.compile(r"(\d{4})/(\d\d)/(\d\d) (\d\d:\d\d:\d\d\.\d{6}) ")
_FATAL, _EXHAUSTED = "FATAL ERROR: ", "JavaScript heap out of memory"
_WRAPPED = re.compile(r"\[(TRACE|DEBUG|INFO|WARN|WARNING|ERROR|FATAL|CRITICAL)\] ")


def read_tabbed(draft: Draft) -> bool:
    """Fill the draft of a line of Node.js or .NET; False if it is none."""
    parts = draft.message.split("\t", 3)
    level = levels.level_of(parts[2]) if len(parts) == 4 else ""
    # `undefined` while the module is loaded.
    if not level or not (parts[1] == "undefined" or _REQUEST_ID(parts[1])):
        return False
    return _take_tabbed(draft, parts, level)


def read_ruby(draft: Draft) -> bool:
    """Fill the draft of a line of Ruby's Logger in Lambda, which knows the request; False if it is none."""
    found = _RUBY.fullmatch(draft.message)
    return found is not None and found[5] is not None and _take_ruby(draft, found)


def read_loose(draft: Draft) -> bool:
    """Fill the draft of a line that the loggers of Java, Ruby or Go write; False if it is none."""
    text = draft.message
    if text.startswith(_FATAL):
        return _read_exhausted(draft)
    if text.startswith("["):
        found = _WRAPPED.match(text)
        draft.level = LEVELS[found[1]] if found else ""
        return found is not None
    if text[0] in RUBY:
        found = _RUBY.fullmatch(text)
        return found is not None and _take_ruby(draft, found)
    if found := _GO.match(text):
        return draft.stamp(rfc3339(f"{found[1]}-{found[2]}-{found[3]}T{found[4]}Z"))
    return _read_java(draft) or _read_untold(draft)


def _read_exhausted(draft: Draft) -> bool:
    """`FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory`."""
    said = draft.message.partition("\n")[0]
    if _EXHAUSTED not in said:
        return False
    draft.level, draft.error_type = "FATAL", platform.OUT_OF_MEMORY
    draft.error_message = said.removeprefix(_FATAL).strip()
    draft.platform = PlatformRecord(kind="exhausted", status="error", error_type=platform.OUT_OF_MEMORY)
    return True


def _read_untold(draft: Draft) -> bool:
    """Lines of .NET outside a request, and of Node.js 8, which had no level."""
    parts = draft.message.split("\t", 3)
    level = levels.level_of(parts[2]) if len(parts) == 4 and not parts[1] else ""
    if not level:
        if len(parts) < 3 or not _REQUEST_ID(parts[1]):
            return False
        parts[2:] = ["", "\t".join(parts[2:])]
    return _take_tabbed(draft, parts, level)


def _take_tabbed(draft: Draft, parts: list[str], level: str) -> bool:
    """parts: time, request ID or what stands for none, level, message."""
    if len(parts[0]) != 24 or not draft.stamp(rfc3339(parts[0])):
        return False
    draft.level, draft.message = level, parts[3]
    draft.request_id = parts[1] if _REQUEST_ID(parts[1]) else ""
    _read_uncaught(draft)
    return True


def _take_ruby(draft: Draft, found: re.Match[str]) -> bool:
    if not draft.stamp(rfc3339(f"{found[2]}Z")):
        return False
    draft.level, draft.request_id, draft.message = LEVELS.get(found[4], ""), found[5] or "", found[7]
    draft.attributes = {semconv.PROCESS_PID: int(found[3]), **({"log.logger": found[6]} if found[6] else {})}
    return True


def _read_java(draft: Draft) -> bool:
    found = _JAVA.fullmatch(draft.message)
    if found is None:
        return False
    day, clock, fraction, request_id, level, logger, message = found.groups()
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}.{(fraction or '0').ljust(6, '0')}").replace(
            tzinfo=UTC
        )
    except ValueError:
        return False
    if fraction:  # whole seconds: CloudWatch knows better
        draft.stamp(unix_nano(moment))
    draft.request_id, draft.level, draft.message = request_id or "", level, message
    draft.attributes = {"log.logger": logger}
    return True


def _read_uncaught(draft: Draft) -> None:
    """`Invoke Error \\t{"errorType", "errorMessage", "stack": [line, ...]}`; what else is in it is data."""
    said, _, text = draft.message.partition("\t")
    document = loggers.document_of(text) if said.strip() in _UNCAUGHT else None
    if document is None:
        return
    draft.uncaught = True
    draft.error_type, draft.error_message = _take(document, "errorType"), _take(document, "errorMessage")
    stack = document.get("stack")
    if isinstance(stack, list) and all(isinstance(line, str) for line in stack):
        draft.error_stack = "\n".join(document.pop("stack"))
    draft.message = (
        ": ".join(part for part in (draft.error_type, draft.error_message) if part) or said.strip()
    )
    draft.attributes = document


def _take(document: dict[str, Any], key: str) -> str:
    value = document.get(key)
    return document.pop(key) if isinstance(value, str) else ""
