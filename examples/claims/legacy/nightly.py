"""The nightly reconciliation: all claims of the database in one file for the general ledger.

    python nightly.py FOLDER [--hold SECONDS]

Writes FOLDER/spool/RECON.<yyyymmdd>.txt and prints its path. Fixed width, US-ASCII, 40 columns, CRLF:

    H  CLAIMS(10)  yyyymmddHHMMSS                                       filler(15)
    D  CLAIM-NO X(12)  AMOUNT S9(7)V99  STATUS X(2)  yyyymmdd           filler(8)
    T  COUNT 9(9)  SUM 9(13)V99                                         filler(15)

Times are UTC. --hold: reorganise table CLAIMS first, which locks it for so long.
"""

import argparse
import logging
import os
import sqlite3
import sys
import threading
import time
from contextlib import closing

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import database
import log4j
from claims import euros

log = logging.getLogger("com.example.claims.NightlyReconciliation")


def main(arguments):
    options = _parser().parse_args(arguments)
    if not os.path.isfile(os.path.join(options.folder, "claims.db")):
        return f"{options.folder} holds no claims.db"
    threading.current_thread().name = "NIGHTLY-RECON"
    log4j.configure(options.folder)
    try:
        with closing(database.connect(options.folder)) as db:
            if options.hold:
                reorganise(db, options.hold)
            print(reconcile(db, os.path.join(options.folder, "spool")))
    except (OSError, sqlite3.Error) as error:
        log.error("reconciliation failed: %s", error, exc_info=True)
        return f"reconciliation failed: {error}"
    return None


def reorganise(db, seconds):
    """REORG of table CLAIMS: nobody else can write meanwhile."""
    db.execute("BEGIN EXCLUSIVE")
    log.info("REORG of table CLAIMS: locked")
    time.sleep(seconds)
    db.execute("REINDEX claims")
    db.execute("COMMIT")
    log.info("REORG of table CLAIMS: released")


def reconcile(db, spool):
    """Write the report of all claims into `spool` and return its path."""
    now = time.gmtime()
    name = time.strftime("RECON.%Y%m%d", now)
    rows = db.execute(
        "SELECT number, amount_cents, status, registered_at FROM claims ORDER BY number"
    ).fetchall()
    log.info("%s begun: %d claims", name, len(rows))
    fitting = [row for row in rows if _fits(*row[:2])]
    path = _write(os.path.join(spool, f"{name}.txt"), _records(fitting, now))
    log.info("%s written: %d claims, %d skipped", name, len(fitting), len(rows) - len(fitting))
    return path


def _fits(number, cents):
    if len(number) > 12:
        log.warning("skipped %s: %d characters do not fit X(12) of field CLAIM-NO", number, len(number))
    elif cents > 999_999_999:
        log.warning("skipped %s: amount %s does not fit S9(7)V99 of field AMOUNT", number, euros(cents))
    else:
        return True
    return False


def _records(rows, now):
    yield "H" + "CLAIMS".ljust(10) + time.strftime("%Y%m%d%H%M%S", now)
    for number, cents, status, registered_at in rows:
        yield f"D{number:<12}{cents:09d}{status}{registered_at[:10].replace('-', '')}"
    yield f"T{len(rows):09d}{sum(row[1] for row in rows):015d}"


def _write(path, records):
    """Under another name first: whoever collects the spool never sees half a report."""
    unfinished = f"{os.path.dirname(path)}/.{os.path.basename(path)}.{os.getpid()}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(unfinished, "w", encoding="ascii", newline="") as file:
        file.writelines(record.ljust(40) + "\r\n" for record in records)
    os.replace(unfinished, path)
    return path


def _parser():
    parser = argparse.ArgumentParser(description="The nightly reconciliation.")
    parser.add_argument("folder", metavar="FOLDER")
    parser.add_argument("--hold", type=_seconds, default=0, metavar="SECONDS")
    return parser


def _seconds(text):
    value = float(text)
    if not 0 <= value <= 3600:
        raise argparse.ArgumentTypeError("must be 0 to 3600 seconds")
    return value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
