"""Small servers on loopback that list models as Ollama, llama.cpp, LM Studio and vLLM do.

Each answers from a table: path -> JSON value, or bytes, or a number for a status. `requests` is what came.
"""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Iterator, Mapping

OLLAMA: Mapping[str, Any] = {
    "/api/tags": {
        "models": [{"name": "qwen3-coder:30b", "model": "qwen3-coder:30b", "size": 1}, {"name": "llava:7b"}]
    },
    "/api/show": lambda body: {
        "qwen3-coder:30b": {
            "capabilities": ["completion", "tools"],
            "model_info": {"general.architecture": "qwen3moe", "qwen3moe.context_length": 262144},
        },
        "llava:7b": {"capabilities": ["completion", "vision"], "model_info": {"llama.context_length": 32768}},
    }[body["model"]],
    "/v1/models": {"object": "list", "data": [{"id": "qwen3-coder:30b"}, {"id": "llava:7b"}]},
}
LLAMA_CPP: Mapping[str, Any] = {
    "/v1/models": {"data": [{"id": "/srv/Qwen3 8B-Q4.gguf", "meta": {"n_ctx_train": 40960}}]},
    "/props": {"default_generation_settings": {"n_ctx": 16384}, "modalities": {"vision": False}},
}
LM_STUDIO: Mapping[str, Any] = {
    "/api/v0/models": {
        "data": [
            {
                "id": "openai/gpt-oss-20b",
                "type": "llm",
                "max_context_length": 131072,
                "capabilities": ["tool_use"],
            },
            {"id": "nomic-embed", "type": "embeddings", "max_context_length": 2048},
        ]
    }
}
VLLM: Mapping[str, Any] = {"/v1/models": {"data": [{"id": "deepseek-r1", "max_model_len": 65536}]}}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that did not wait is not an error."""


class Runtime:
    """One server; `port` is where it listens."""

    def __init__(self, answers: Mapping[str, Any], delay: float) -> None:
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        runtime = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self._answer()

            def do_POST(self) -> None:
                self._answer()

            def log_message(self, *_: object) -> None:
                pass

            def _answer(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                runtime.requests.append((self.command, self.path, headers))
                body = self.rfile.read(int(headers.get("content-length", "0")))
                time.sleep(delay)
                value = answers.get(self.path, 404)
                value = value(json.loads(body)) if isinstance(value, Callable) else value  # type: ignore[arg-type]
                status = value if isinstance(value, int) else 200
                data = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(status)
                if status in (301, 302):
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])

    def start(self) -> None:
        """Answer until `stop`."""
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the port."""
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def runtime(answers: Mapping[str, Any], delay: float = 0.0) -> Iterator[Runtime]:
    """A server with these answers, each after `delay` seconds."""
    made = Runtime(answers, delay)
    made.start()
    try:
        yield made
    finally:
        made.stop()
