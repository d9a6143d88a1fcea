"""IBM z/OS: the job log that JES2 keeps of a job, and the hardcopy log of the system (SYSLOG, OPERLOG).

`zos_joblog` is the data set JESMSGLG: a time of day, the job, a message. The day is that of the line
`12.00.01 JOB01234 ---- SATURDAY,  21 NOV 2026 ----`, remembered by stream, else the nearest to CloudWatch's
time. `zos_syslog` is the hardcopy log in IBM's layout, `tcrrrrrrr sysname yyddd hh:mm:ss.th ident msgflags
message`, with years of two or four digits. Lines of kind S, D, E and L belong to the message before them,
and so do the numbered ones of a job log; the columns before their text are left out.
Times are in the service's zone, for z/OS names none.

The level is told by the last letter of the message's ID (I, W, E, ...). An abend is an ERROR, and its code
the error type: S0C7 of the system, U4038 of a user. Return codes of 8 and more are ERROR, of 4 to 7 WARN.

http://www.ibm.com/support/knowledgecenter/SSLTBW_2.2.0/com.ibm.zos.v2r2.ieam600/ieam6_Messages_sent_to_hardcopy_log_in_JES2_system.htm
https://www-01.ibm.com/support/knowledgecenter/SSLTBW_2.1.0/com.ibm.zos.v2r1.hasa100/msgfor.htm
http://ibm.com/support/knowledgecenter/SSLTBW_2.2.0/com.ibm.zos.v2r2.ieam800/gg450i.htm
"""

from __future__ import annotations

import re
from typing import Any

from observe import semconv
from subscribers.formats.told import Clock, LineFormat, Reader, Told

_JOB = r"(?:JOB|STC|TSU) {0,4}+\d{1,5}+|[JST]\d{7}"
_JOB_ID = re.compile(_JOB)
_JOBLOG = re.compile(rf"[ 01]?(\d\d)\.(\d\d)\.(\d\d) +({_JOB}) (.*)", re.DOTALL)
#: `---- SATURDAY,  21 NOV 2026 ----`
_DAY = re.compile(r" *-{4,} *[A-Z]{3,9}, +(\d{1,2}) ([A-Z]{3}) (\d{4}) *-{4,} *")
_BANNER = re.compile(
    r"[ 01]? *+J E S ?2 {1,4}J O B {1,4}L O G .*|[ 01]?-{3,}+ JES2 JOB (STATISTICS) -{3,}+ *+"
)
_HARDCOPY = re.compile(
    r" ?([DELMNOSWX])([ CRI])([0-9A-F]{7}) (\S{1,8}) ++(\d{7}|\d{5}) "
    r"(\d\d):(\d\d):(\d\d)\.(\d\d) (.{8}) ([0-9A-F]{8}) ?(.*)",
    re.DOTALL,
)
#: A line of several of a message: its kind, the message's number in the place of the job, the flags.
_HARDCOPY_MORE = re.compile(r" ?(?:[DEL].{20,60}? (?:\d{3}) [0-9A-F]{8}|S {20,60}+) {0,2}+(.*)")
#: Where a message begins behind time and job.
_JOBLOG_TEXT = 19
_JOBLOG_MORE = re.compile(r" {1,6}\d{3} (.*)")
#: A reply number or an attention sign may stand before the ID.
_MESSAGE = re.compile(
    r"[ *@+-]*(?:\d{2,4} )?([$#@A-Z][$#@A-Z0-9]{2,7}?\d{2,5}([A-Z])?)(?: |$)(.*)", re.DOTALL
)
#: The job that a message of JES2 or of the initiator is about.
_NAME = r"[A-Z$#@][A-Z0-9$#@]{0,7}+"
_JOB_NAME = re.compile(rf" *\$HASP(?:373|395|165|890) +({_NAME})(?![^ ])")
_STEP_NAME = re.compile(
    rf" *IEF(?:403|404|450|451|452|453|142|272|472)I +({_NAME})(?: +({_NAME}))?+(?: +({_NAME}))?+ +-"
)
_ABEND = re.compile(
    r"\bABEND(?:ED)?[ =](?:CODE[ =])?(?:S?([0-9A-F]{3})\b|U(\d{4})\b)(?: U(\d{4})\b)?"
    r"(?:[ ,]{1,4}REASON[ =]([0-9A-F]{1,8}))?"
)
_COMPLETION = re.compile(
    r"\bCOMPLETION CODE {0,2}[-=]? {0,2}(?:SYSTEM)?=?([0-9A-F]{3})\b(?: {1,4}USER=(\d{4}))?", re.IGNORECASE
)
_RETURN_CODE = re.compile(r"\b(?:COND CODE|RC=|RETURN CODE[ =]|MAXCC=) {0,4}(\d{1,4})\b")
#: The letters of message IDs. E is "eventual action" for MVS and "error" for the language environment.
_LEVELS = {
    "I": "INFO",
    "W": "WARN",
    "A": "WARN",
    "D": "WARN",
    "E": "ERROR",
    "S": "ERROR",
    "C": "FATAL",
    "T": "FATAL",
}
#: Messages of type I that say that a job failed: not run, JCL error, ended by its condition code.
_FAILED = frozenset({"IEF451I", "IEF452I", "IEF453I", "IEFC452I", "IEFC453I"})
_RECORD_KINDS = {"M": "", "N": "", "W": "reply", "O": "log_command", "X": "log_entry"}
_COMMANDS = {"C": "command", "R": "command_response", "I": "internal_command"}


def joblog() -> Reader:
    """Return a reader of JESMSGLG."""
    day: dict[str, str] = {}
    in_statistics = False

    def read(text: str, clock: Clock) -> Told | None:
        nonlocal in_statistics
        match = _JOBLOG.fullmatch(text)
        if match is None:
            if banner := _BANNER.fullmatch(text):
                in_statistics = banner[1] is not None
                return Told(is_header=True)
            return Told(message=text.strip(), level="INFO") if in_statistics else None
        in_statistics = False
        hour, minute, second, job, message = match.groups()
        if header := _DAY.fullmatch(message):
            day.update(zip("dMy", header.groups(), strict=True))
            return Told(is_header=True)
        parts = {**day, "H": hour, "m": minute, "s": second}
        told = _told(message, {"zos.job.id": job.replace(" ", "")})
        told.time_unix_nano = clock.unix_nano(parts)
        return told

    return read


def hardcopy() -> Reader:
    """Return a reader of SYSLOG and OPERLOG."""

    def read(text: str, clock: Clock) -> Told | None:
        match = _HARDCOPY.fullmatch(text)
        if match is None or match[1] not in _RECORD_KINDS:
            return None
        kind, command, routes, system, date, *clock_parts, ident, flags, message = match.groups()
        parts = {**dict(zip("HmsS", clock_parts, strict=True)), "y": date[:-3], "D": date[-3:]}
        ident = ident.strip()
        attributes: dict[str, Any] = {
            semconv.HOST_NAME: system,
            ("zos.job.id" if _JOB_ID.fullmatch(ident) else "zos.console"): ident.replace(" ", ""),
            "zos.routing_codes": _routing_codes(routes),
            "zos.message.flags": flags,
            "zos.record": _COMMANDS.get(command) or _RECORD_KINDS[kind],
        }
        told = _told(message, attributes, is_command=command in "CI")
        told.time_unix_nano = clock.unix_nano(parts)
        return told

    return read


def joblog_continued(text: str) -> str:
    """Return what a numbered line of a job log says: `TIME=12.00.05` of `   123   TIME=12.00.05`."""
    match = _JOBLOG_MORE.fullmatch(text)
    if match is None:
        return text
    # Up to where messages begin there are blanks only; behind that they may be a table's.
    return match[1] if text[match.start(1) : _JOBLOG_TEXT].strip() else text[_JOBLOG_TEXT:]


def hardcopy_continued(text: str) -> str:
    """Return what a line of kind S, D, E or L says."""
    match = _HARDCOPY_MORE.fullmatch(text)
    return match[1] if match else text


def _told(text: str, attributes: dict[str, Any], *, is_command: bool = False) -> Told:
    """What a message says of itself. attributes: empty ones are left out."""
    told = Told(message=text.strip(), level="INFO")
    message = None if is_command else _MESSAGE.match(text)
    if message is not None:
        attributes["zos.message.id"] = message[1]
        told.level = _LEVELS.get(message[2] or "", "INFO")
        if message[1] in _FAILED:
            told.level = "ERROR"
        if job := _JOB_NAME.match(text):
            attributes["zos.job.name"] = job[1]
        elif step := _STEP_NAME.match(text):
            # Which of two names is the procedure's step differs from message to message.
            attributes["zos.job.name"] = step[1]
            attributes["zos.step.name"] = " ".join(name for name in (step[2], step[3]) if name)
        _end(told, text, attributes)
    told.attributes = {name: value for name, value in attributes.items() if value not in ("", [], None)}
    return told


def _end(told: Told, text: str, attributes: dict[str, Any]) -> None:
    """Read how a step or a job ended."""
    abend = _ABEND.search(text)
    system, user = "", ""
    if abend is not None:
        system, user = abend[1] or "", abend[2] or abend[3] or ""
        attributes["zos.reason_code"] = abend[4]
    elif completion := _COMPLETION.search(text):
        system, user = completion[1], completion[2] or ""
    code = f"S{system.upper()}" if system.strip("0") else f"U{user}" if user.strip("0") else ""
    if code:
        told.level, told.error_type, told.error_message = "ERROR", code, text.strip()
        return
    if returned := _RETURN_CODE.search(text):
        number = int(returned[1])
        attributes["zos.return_code"] = number
        if number >= 4 and told.level == "INFO":
            told.level = "ERROR" if number >= 8 else "WARN"


def _routing_codes(digits: str) -> list[int]:
    """Routing codes 1 to 28, a bit each from the left."""
    bits = f"{int(digits, 16):028b}"
    return [number for number, bit in enumerate(bits, start=1) if bit == "1"]


JOBLOG = LineFormat(
    dataset="zos_joblog",
    reader=joblog,
    joins=True,
    continued=joblog_continued,
    example=(
        "12.00.01 JOB01234 ---- SATURDAY,  21 NOV 2026 ----\n"
        "12.00.01 JOB01234  $HASP373 CLAIMS01 STARTED - INIT 1    - CLASS A        - SYS SYS1\n"
        "12.00.05 JOB01234  IEF450I CLAIMS01 STEP1 - ABEND=S0C7 U0000 REASON=00000000"
    ),
)
SYSLOG = LineFormat(
    dataset="zos_syslog",
    reader=hardcopy,
    joins=True,
    continued=hardcopy_continued,
    example=(
        "M 0000000 VBT1     22121 21:20:22.25 STC05049 00000090  "
        "HZS0344I THE LOGGER REQUEST HAS COMPLETED. 604"
    ),
)
