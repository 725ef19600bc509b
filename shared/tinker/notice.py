"""The notice on the door: answers on the port of a service that has died, and says so.

The SDK repeats a refused connection for ever. An answer of status 404 it raises at once, with the
text in it. So every client of the dead service is told, whoever made it: this process, a recipe
in another one, the `tinker` command. `shared.tinker.watch` tells `connect()`'s own clients better.
"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_BODY_READ = 64 << 20


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    text = ""

    def _answer(self) -> None:
        # An unread body would reset the connection before the answer is read.
        left = min(int(self.headers.get("Content-Length") or 0), _BODY_READ)
        while left > 0 and (read := len(self.rfile.read(min(left, 1 << 16)))):
            left -= read
        body = json.dumps({"error": self.text, "category": "server"}).encode()
        self.send_response(404, "Service ended")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what is told here is told to the client."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True


class Notice:
    """Answers every request at `url` with `text` until `close`."""

    def __init__(self, url: str, text: str) -> None:
        """Listen at `url`.

        Raises:
            OSError: the port was taken by someone else meanwhile.
        """
        parts = urlsplit(url)
        handler = type("Handler", (_Handler,), {"text": text})
        self._server = _Server((parts.hostname or "127.0.0.1", parts.port or 0), handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), daemon=True, name="labkit-notice"
        )
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
