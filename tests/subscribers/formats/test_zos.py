"""z/OS: the job log of JES2 and the hardcopy log."""

from __future__ import annotations

from datetime import UTC
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from subscribers.formats import zos
from subscribers.formats.records import paged
from subscribers.formats.told import Clock, Told
from tests.subscribers.formats.test_records import logs, page

#: 2026-11-21T03:30:10Z.
AT = 1_795_231_810_000_000_000
CLOCK = Clock(UTC, AT)
NOON = 1_795_262_401_000_000_000

JOBLOG = [
    ("                   J E S 2  J O B  L O G  --  S Y S T E M  S Y S 1  --  N O D E  N 1", "header", {}),
    ("12.00.01 JOB01234 ---- SATURDAY,  21 NOV 2026 ----", "header", {}),
    (
        "12.00.01 JOB01234  IRR010I  USERID IBMUSER  IS ASSIGNED TO THIS JOB.",
        "INFO",
        {"message.id": "IRR010I"},
    ),
    (
        "12.00.01 JOB01234  $HASP373 CLAIMS01 STARTED - INIT 1    - CLASS A        - SYS SYS1",
        "INFO",
        {"message.id": "$HASP373", "job.name": "CLAIMS01"},
    ),
    (
        "12.00.01 JOB01234  IEF450I CLAIMS01 PROC1 STEP1 - ABEND=S000 U4038 REASON=00000001",
        "ERROR U4038",
        {
            "message.id": "IEF450I",
            "job.name": "CLAIMS01",
            "step.name": "PROC1 STEP1",
            "reason_code": "00000001",
        },
    ),
    (
        "12.00.01 JOB01234  IEF450I CLAIMS01 STEP1 - ABEND=S0C7 U0000 REASON=00000000  123",
        "ERROR S0C7",
        {"message.id": "IEF450I", "job.name": "CLAIMS01", "step.name": "STEP1", "reason_code": "00000000"},
    ),
    ("   123                     TIME=12.00.05", "none", {}),
    (
        "12.00.01 JOB01234  +CEE3204S The system detected a data exception (System Completion Code=0C7).",
        "ERROR S0C7",
        {"message.id": "CEE3204S"},
    ),
    (
        "12.00.01 JOB01234  IEF472I CLAIMS01 STEP1 - COMPLETION CODE - SYSTEM=000 USER=4038",
        "ERROR U4038",
        {"message.id": "IEF472I", "job.name": "CLAIMS01", "step.name": "STEP1"},
    ),
    (
        "12.00.01 JOB01234  IEF142I CLAIMS01 STEP2 - STEP WAS EXECUTED - COND CODE 0008",
        "ERROR",
        {"message.id": "IEF142I", "job.name": "CLAIMS01", "step.name": "STEP2", "return_code": 8},
    ),
    (
        "12.00.01 J0001234  IEF453I CLAIMS01 - JOB FAILED - JCL ERROR",
        "ERROR",
        {"message.id": "IEF453I", "job.name": "CLAIMS01"},
    ),
    ("12.00.01 STC   12  IEE999W SOMETHING", "WARN", {"message.id": "IEE999W"}),
    ("12.00.01 JOB01234  -NIGHTLY  SORTTRN  SORT         00      50000      50000", "INFO", {}),
    ("------ JES2 JOB STATISTICS ------", "header", {}),
    ("           12 CARDS READ", "INFO", {}),
]


def test_a_job_log_is_read() -> None:
    """Job, message, step, how it ended; the day is that of the header, in the service's zone."""
    read = zos.joblog()
    clock = Clock(UTC, AT + 90 * 86_400_000_000_000)
    for line, kind, attributes in JOBLOG:
        found = read(line, clock)
        if found is None or found.is_header:
            assert kind == ("none" if found is None else "header"), line
            continue
        assert " ".join(filter(None, (found.level, found.error_type))) == kind, line
        told = {name.removeprefix("zos."): value for name, value in found.attributes.items()}
        job = told.pop("job.id", "")
        assert told == attributes, line
        if line.startswith("12"):
            assert found.time_unix_nano == NOON, line
            assert job in ("JOB01234", "J0001234", "STC12")
    summer = zos.joblog()("12.00.01 JOB01234  IEF404I X - ENDED", Clock(ZoneInfo("Europe/Paris"), AT))
    assert summer is not None
    assert summer.time_unix_nano == NOON - 3_600_000_000_000


HARDCOPY = [
    (
        "NC0000000 VBT1     26325 12:00:01.00 MCONVBT1 00000290  F HZSPROC,LOGGER=ON",
        "INFO",
        {"console": "MCONVBT1", "record": "command"},
    ),
    (
        "N 0000000 VBT1     26325 12:00:01.00          00000290  IEF196I IGD101I SMS ALLOCATED",
        "INFO",
        {"message.id": "IEF196I"},
    ),
    (
        "M 0000000 VBT1     26325 12:00:01.00 STC05049 00000090  HZS0344I THE LOGGER 604",
        "INFO",
        {"job.id": "STC05049", "message.id": "HZS0344I"},
    ),
    ("D                                         602 00000290  ALLOCATED NEW FOR LOGSTREAM", "none", {}),
    ("S                                                       MORE OF IT", "none", {}),
    (
        "N 4040000 SYS1     2026325 12:00:01.00 JOB01234 00000090  IEF450I CLAIMS01 STEP1 - ABEND=S0C7 U0000 "
        "REASON=00000000",
        "ERROR S0C7",
        {
            "job.id": "JOB01234",
            "message.id": "IEF450I",
            "job.name": "CLAIMS01",
            "step.name": "STEP1",
            "reason_code": "00000000",
            "routing_codes": [2, 10],
        },
    ),
    (
        " W 420C000 SYS1     26325 12:00:01.00 JOB01234 00000090 *07 IEF233A M 0480,TAPE01,,CLAIMS01,STEP1",
        "WARN",
        {"job.id": "JOB01234", "message.id": "IEF233A", "record": "reply", "routing_codes": [2, 7, 13, 14]},
    ),
]


def test_a_hardcopy_log_is_read() -> None:
    """Years of two or four digits, the day of the year; continuations belong to what was before them."""
    read = zos.hardcopy()
    for line, kind, attributes in HARDCOPY:
        found = read(line, CLOCK)
        if found is None:
            assert kind == "none", line
            continue
        assert found.time_unix_nano == NOON
        assert " ".join(filter(None, (found.level, found.error_type))) == kind, line
        assert found.attributes.pop("host.name") in ("VBT1", "SYS1")
        found.attributes.pop("zos.message.flags")
        assert {name.removeprefix("zos."): value for name, value in found.attributes.items()} == attributes, (
            line
        )


def test_lines_of_several_are_one_message_without_their_columns() -> None:
    """Of the hardcopy log and of a job log; what lays out a table behind them stays."""
    hardcopy = page(
        "M 0000000 VBT1     26325 12:00:01.00 STC05049 00000090  HZS0344I THE LOGGER 604",
        "D                                         604 00000290  ALLOCATED NEW FOR LOGSTREAM",
        "E                                         604 00000290    DATA SET  SYS1.LOG",
        "S                                                       MORE OF IT",
        "what is this",
    )
    (log,) = logs(paged(zos.SYSLOG, UTC)(hardcopy))
    assert log.message.split("\n") == [
        "HZS0344I THE LOGGER 604",
        "ALLOCATED NEW FOR LOGSTREAM",
        "  DATA SET  SYS1.LOG",
        "MORE OF IT",
        "what is this",
    ]
    joblog = page(
        "12.00.01 JOB01234  IEF450I CLAIMS01 STEP1 - ABEND=S0C7 U0000 REASON=00000000  123",
        "   123                     TIME=12.00.05",
        "   123             TIME=12.00.06",
    )
    (log,) = logs(paged(zos.JOBLOG, UTC)(joblog))
    assert log.message.split("\n")[1:] == ["        TIME=12.00.05", "TIME=12.00.06"]


PIECES = [line for line, _, _ in (*JOBLOG, *HARDCOPY)]


@given(st.sampled_from(PIECES), st.integers(0, 120), st.text(max_size=20))
def test_changed_lines_never_raise(line: str, at: int, noise: str) -> None:
    """Cut, glued and changed at any place."""
    changed = line[:at] + noise + line[at + len(noise) // 2 :]
    for reader in (zos.joblog(), zos.hardcopy()):
        found = reader(changed, CLOCK)
        assert found is None or isinstance(found, Told)
    for continued in (zos.joblog_continued, zos.hardcopy_continued):
        assert changed.endswith(continued(changed))
