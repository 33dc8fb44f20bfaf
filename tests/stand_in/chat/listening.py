"""A port on loopback with a thread for each connection; it can be closed and opened again."""

from __future__ import annotations

import socket
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from typing import Callable, Final, Iterator

_BACKLOG: Final = 128
_POLL_SECONDS: Final = 0.2


class Listener:
    """Listens on `host` and calls `handle(connection, number)` in a thread; numbers count from 1.

    What `handle` raises is kept in `mishaps`, but for OSError: clients leave as they like.
    """

    def __init__(self, handle: Callable[[socket.socket, int], None], host: str, port: int) -> None:
        self.mishaps: list[str] = []
        self.host = host
        self.accepted = 0
        self._handle = handle
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closing = threading.Event()
        self._socket = self._listen(port)
        self.port: int = self._socket.getsockname()[1]
        self._thread = self._start()

    def _listen(self, port: int) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        # So that the same port can be had again at once. On Windows it would allow two owners of a port.
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((self.host, port))
        listening.listen(_BACKLOG)
        listening.settimeout(_POLL_SECONDS)
        return listening

    def _start(self) -> threading.Thread:
        self._closing.clear()
        thread = threading.Thread(target=self._accept, args=(self._socket,), daemon=True)
        thread.start()
        return thread

    def _accept(self, listening: socket.socket) -> None:
        while not self._closing.is_set():
            try:
                connection, _ = listening.accept()
            except socket.timeout:
                continue
            except OSError:
                break
            if self._closing.is_set():
                connection.close()
                break
            with self._lock:
                self.accepted += 1
                number = self.accepted
                self._open.add(connection)
            threading.Thread(target=self._run, args=(connection, number), daemon=True).start()

    def _run(self, connection: socket.socket, number: int) -> None:
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._handle(connection, number)
        except OSError:
            pass
        except Exception:  # noqa: BLE001  # whatever is wrong in the stand-in is a test's business
            self.mishaps.append(traceback.format_exc())
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    @contextmanager
    def refusing(self) -> Iterator[None]:
        """Nobody listens meanwhile: connections are refused. Those that are open go on."""
        self._stop_accepting()
        try:
            yield
        finally:
            self._socket = self._listen(self.port)
            self._thread = self._start()

    def _stop_accepting(self) -> None:
        self._closing.set()
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=_POLL_SECONDS):
            self._thread.join()  # what waits for a connection got one
        self._thread.join()
        self._socket.close()

    def close(self) -> None:
        """Stop, and end every connection."""
        self._stop_accepting()
        with self._lock:
            connections = tuple(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)


def unused_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on, for connections that are refused."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as bound:
        bound.bind((host, 0))
        return int(bound.getsockname()[1])


@contextmanager
def unanswering_port() -> Iterator[int]:
    """A port where a connection is neither made nor refused meanwhile: its queue is full. Linux only."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as bound:
        bound.bind(("127.0.0.1", 0))
        bound.listen(0)
        waiting = []
        try:
            for _ in range(4):
                one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                one.setblocking(False)
                one.connect_ex(bound.getsockname())
                waiting.append(one)
            yield int(bound.getsockname()[1])
        finally:
            for one in waiting:
                one.close()
