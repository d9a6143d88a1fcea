"""The web server and its access log, in the server's own format, which every Apache httpd 2.4 can write:

LogFormat "%h %l %u [%{%d/%b/%Y:%T}t.%{msec_frac}t %{%z}t] \\"%r\\" %>s %b %D \\"%{X-Correlation-ID}i\\" \\"%{traceparent}i\\""
"""

import logging
import queue
import sys
import threading
import time
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

WORKERS = 40

log = logging.getLogger("com.example.claims.HttpServer")


def serve(port, application, access_log):
    """Print the port and answer requests until the process ends."""
    Handler.access_log = access_log
    with make_server("127.0.0.1", port, application, Server, Handler) as server:
        log.info("listening on port %d", server.server_address[1])
        print(server.server_address[1], flush=True)
        server.serve_forever()


class Server(ThreadingMixIn, WSGIServer):
    """At most WORKERS requests at a time, in threads http-1, http-2, ...; the others wait for one of them."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, *arguments):
        self.workers = queue.PriorityQueue()
        for number in range(1, WORKERS + 1):
            self.workers.put(number)
        super().__init__(*arguments)

    def process_request_thread(self, request, client_address):
        worker = self.workers.get()
        threading.current_thread().name = f"http-{worker}"
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.workers.put(worker)

    def handle_error(self, request, client_address):
        log.warning("connection of %s lost: %s", client_address[0], type(sys.exc_info()[1]).__name__)


class Handler(WSGIRequestHandler):
    """Serves one request and writes one line of the access log, as Apache does: when it is done with it."""

    timeout = 30  # seconds a client may stay silent
    access_log = None
    raw_requestline, requestline = b"", ""
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
