"""An Elasticsearch that takes everything, for the benchmark: in a process of its own, its time is not ours.

It inflates what it gets, makes sure that it is `_bulk`, and answers each item as the real one does under the
`filter_path` that the sink asks for. Prints its address.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

try:
    from isal import igzip
except ImportError:  # the standard library does the same, slower
    igzip = gzip  # type: ignore[misc]

_ACTION = re.compile(rb'^\{"create":\{"_index":"[^"]+","_id":"([^"]+)"\}\}$', re.MULTILINE)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 20

    def do_POST(self) -> None:
        body = igzip.decompress(self.rfile.read(int(self.headers["Content-Length"])))
        ids = _ACTION.findall(body)
        is_bulk = self.path.startswith("/_bulk") and body.endswith(b"\n")
        if not is_bulk or 2 * len(ids) != body.count(b"\n"):
            self._reply(400, b'{"error":"not a bulk request"}')
            return
        items = [{"create": {"_id": id.decode(), "status": 201}} for id in ids]
        self._reply(200, json.dumps({"errors": False, "items": items}).encode())

    def _reply(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """The benchmark has other news."""


def main() -> None:
    """Serve until the process that started it ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
    sys.stdout.flush()
    server.serve_forever()


if __name__ == "__main__":
    main()
