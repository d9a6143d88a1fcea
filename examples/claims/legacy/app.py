"""The claims application: WSGI, one server, one SQLite database, two logs.

    python app.py PORT FOLDER

PORT 0 is any free one; the one it listens on, on 127.0.0.1, is printed. FOLDER holds claims.db (created and
seeded if absent), access.log, application.log and spool/. LEGACY_POOL connections (4) are shared by all
requests. It ends when its standard input ends.
"""

import os
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import database
import httpd
import log4j
from servlet import ClaimsServlet


def main(arguments):
    if len(arguments) != 2 or not arguments[0].isdecimal() or int(arguments[0]) > 65535:
        return __doc__
    size = os.environ.get("LEGACY_POOL", "4")
    if not (size.isdecimal() and 1 <= int(size) <= 64):
        return f"LEGACY_POOL is {size!r}, but must be 1 to 64 connections"
    port, folder = int(arguments[0]), arguments[1]
    os.makedirs(os.path.join(folder, "spool"), exist_ok=True)
    log4j.configure(folder)
    database.create(folder)
    pool = database.Pool(folder, int(size))
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    with open(os.path.join(folder, "access.log"), "a", encoding="ascii") as access_log:
        httpd.serve(port, ClaimsServlet(pool), access_log)
    return None


def end_with_standard_input():
    """Whoever started the server holds its standard input; when that ends, so does the server."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
