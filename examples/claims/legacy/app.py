"""The old claims application: WSGI, one server, an access log. Knows nothing of any function.

    python app.py PORT ACCESS_LOG

Its only retrofit is the server's log format, which every Apache httpd 2.4 can write:

    LogFormat "%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \\"%r\\" %>s %b %D \\"%{X-Correlation-ID}i\\" \\"%{traceparent}i\\""
"""

import json
import os
import sys
import threading
import time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

#: Policies that show what can go wrong on this side.
SLOW, BROKEN, UNKNOWN = "POL-SLOW", "POL-BROKEN", "POL-UNKNOWN"


def application(environ, start_response):
    """GET /policies/{number} -> {"policy", "active"}"""
    number = environ["PATH_INFO"].rpartition("/")[2]
    time.sleep({SLOW: 2.6}.get(number, 0.004))
    status = {BROKEN: "500 Internal Server Error", UNKNOWN: "404 Not Found"}.get(number, "200 OK")
    body = json.dumps({"policy": number, "active": status.startswith("200")}).encode()
    environ["claims.request"].log_request(status[:3], len(body))
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Handler(WSGIRequestHandler):
    """Serves one request and writes one line of the access log, as Apache does: when it is done with it."""

    access_log = None
    code, size = "-", "-"

    def handle(self):
        started = time.time()
        try:
            super().handle()
        finally:  # a client that has gone away is logged, too
            if self.raw_requestline:
                self.write_line(started, int((time.time() - started) * 1e6))

    def get_environ(self):
        return {**super().get_environ(), "claims.request": self}

    def log_request(self, code="-", size="-"):
        self.code, self.size = getattr(code, "value", code), size

    def write_line(self, started, micros):
        seconds, fraction = divmod(started, 1)
        stamp = (
            time.strftime("%d/%b/%Y:%H:%M:%S", time.gmtime(seconds)) + f".{int(fraction * 1000):03d} +0000"
        )
        correlation, parent = (self._logged(name) for name in ("X-Correlation-ID", "traceparent"))
        request = f'"{_escaped(self.requestline)}" {self.code} {self.size} {micros}'
        self.access_log.write(
            f'{self.client_address[0]} - - [{stamp}] {request} "{correlation}" "{parent}"\n'
        )
        self.access_log.flush()

    def _logged(self, name):
        return _escaped((getattr(self, "headers", None) or {}).get(name) or "-")

    def log_message(self, *args):
        pass


def _escaped(text):
    """As Apache's mod_log_config escapes: quotes, backslashes and what is not printable."""
    raw = text.encode("latin-1", "replace")
    return "".join(
        f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 32 <= byte < 127 else f"\\x{byte:02x}"
        for byte in raw
    )


def end_with_standard_input():
    """Whoever started the server holds its standard input; when that ends, so does the server."""
    sys.stdin.read()
    os._exit(0)


if __name__ == "__main__":
    threading.Thread(target=end_with_standard_input, daemon=True).start()
    Handler.access_log = open(sys.argv[2], "a", encoding="ascii")
    with make_server("127.0.0.1", int(sys.argv[1]), application, Server, Handler) as server:
        print(server.server_address[1], flush=True)
        server.serve_forever()
