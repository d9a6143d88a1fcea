"""Every spelling of a level, and every numbering, as one of draft.LEVELS' values; "" for what is no level.

Syslog's notice is INFO and its critical, alert and emergency are FATAL, as `critical` is everywhere here.
https://opentelemetry.io/docs/specs/otel/logs/data-model-appendix/
"""

from __future__ import annotations

from subscribers.parsers.draft import LEVELS

#: Level -> the words of other frameworks: java.util.logging, syslog, .NET, npm, Windows, zap, Serilog.
_MORE = {
    "TRACE": "finest finer silly trce trac all",
    "DEBUG": "fine config verbose dbug dbg debu",
    "INFO": "information informational notice http log audit success notset",
    "WARN": "warnung caution",
    "ERROR": "err severe eror fail failure",
    "FATAL": "crit alert emerg emergency panic dpanic",
}
WORDS = {**LEVELS, **{word.upper(): level for level, words in _MORE.items() for word in words.split()}}
#: By number: emergency, alert, critical, error, warning, notice, informational, debug.
SYSLOG = ("FATAL", "FATAL", "FATAL", "ERROR", "WARN", "INFO", "INFO", "DEBUG")
#: klog and glog, and others that write one letter.
LETTERS = {
    "T": "TRACE",
    "V": "DEBUG",
    "D": "DEBUG",
    "I": "INFO",
    "W": "WARN",
    "E": "ERROR",
    "F": "FATAL",
    "C": "FATAL",
}
#: bunyan's and pino's numbers, by tens: 10 trace, 20 debug, 30 info, 40 warn, 50 error, 60 fatal.
_TENS = ("", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")


def level_of(word: str) -> str:
    """Return the level of a word, whatever its case, with blanks around it or not."""
    return WORDS.get(word) or (WORDS.get(word.strip().upper(), "") if len(word) < 32 else "")


def syslog(severity: int) -> str:
    """Return the level of syslog's severity 0 to 7. https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1"""
    return SYSLOG[severity] if 0 <= severity < len(SYSLOG) else ""


def tens(number: int) -> str:
    """Return the level of bunyan's and pino's numbers; one of the team's own is that of the ten below it."""
    return _TENS[min(number // 10, 6)] if 10 <= number < 1000 else ""
