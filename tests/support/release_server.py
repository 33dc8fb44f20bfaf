"""A release on loopback, with everything that a download can do wrong on demand."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

VERSION = "0.1.0"
SUMS = "SHA256SUMS"
NATIVE = "gonkagate-setup-linux-x86_64"
PYZ = "gonkagate-setup.pyz"

# Prints its version; otherwise notes its arguments and one line of its input in HOME, and ends with status 7.
PROGRAM = b"""#!/bin/sh
case ${1:-} in --version) echo "gonkagate-setup 0.1.0 (commit abc)"; exit 0 ;; esac
for word in "$@"; do printf '%s\\n' "$word"; done >"$HOME/arguments"
read -r answer || answer="end of input"
printf '%s' "$answer" >"$HOME/answer"
exit 7
"""
NATIVE_PROGRAM = PROGRAM + b"# native\n"


class Release:
    """`assets`: bytes by name; `sums`: SHA256SUMS if not made from them; `cut` breaks off, `stall` hangs."""

    def __init__(self) -> None:
        self.assets = {NATIVE: NATIVE_PROGRAM, PYZ: PROGRAM}
        self.sums: bytes | None = None
        self.cut: str | None = None
        self.stall: str | None = None
        self.stalled = threading.Event()
        self.requests: list[str] = []
        self._released = threading.Event()
        release = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                release.requests.append(self.path)
                release._answer(self)

            def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def sums_of_assets(self) -> bytes:
        lines = [
            f"{hashlib.sha256(data).hexdigest()}  {name}\n" for name, data in sorted(self.assets.items())
        ]
        return "".join(lines).encode()

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        name = handler.path.rpartition("/")[2]
        folders = {f"/latest/download/{name}", f"/download/v{VERSION}/{name}"}
        data = self.assets.get(name)
        if name == SUMS:
            data = self.sums_of_assets() if self.sums is None else self.sums
        if data is None or handler.path not in folders:
            handler.send_error(404)
            return
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        if name == self.stall:
            handler.wfile.write(data[:10])
            handler.wfile.flush()
            self.stalled.set()
            self._released.wait(60)
            return
        handler.wfile.write(data[: len(data) // 2] if name == self.cut else data)

    def __enter__(self) -> Release:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._released.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
