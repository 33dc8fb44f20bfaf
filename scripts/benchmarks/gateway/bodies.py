"""The requests that are sent: a small one, and the real one of opencode, at first and as it goes on.

`@@@@@@@@` becomes the number of the request, so that no two texts are the same where that matters.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

from scripts.benchmarks import BenchmarkError
from scripts.lib import opencode_versions

NUMBER: Final = "@@@@@@@@"
# opencode also asks for a title, which is small.
_LEAST: Final = 20_000


def small(model: str, *, stream: bool = False) -> bytes:
    """One question, and a stream if it is wanted."""
    wanted = {"stream": True, "stream_options": {"include_usage": True}} if stream else {}
    return _text({"model": model, "messages": [{"role": "user", "content": f"Kia ora {NUMBER}"}], **wanted})


def first(captured: dict[str, Any], model: str) -> bytes:
    """A new conversation: no message was seen before."""
    messages = [{**one, "content": _marked(one["content"])} for one in captured["messages"]]
    return _text({**captured, "model": model, "stream": False, "messages": messages})


def continued(captured: dict[str, Any], model: str) -> bytes:
    """The same messages as in the request before, and a new one."""
    messages = [
        *captured["messages"],
        {"role": "assistant", "content": "The file has two lines. Shall I go on?"},
        {"role": "user", "content": f"Yes, go on {NUMBER}"},
    ]
    return _text({**captured, "model": model, "stream": False, "messages": messages})


def _marked(content: Any) -> Any:
    if isinstance(content, str):
        return f"{NUMBER} {content}"
    return [{**part, "text": f"{NUMBER} {part['text']}"} if "text" in part else part for part in content]


def _text(body: dict[str, Any]) -> bytes:
    # Only a stream has options of one.
    kept = {name: value for name, value in body.items() if name != "stream_options" or body.get("stream")}
    return json.dumps(kept, ensure_ascii=False).encode()


def captured() -> dict[str, Any]:
    """What the real opencode sends for a question: its prompt, its tools, the question."""
    bodies: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            answer = (
                b'{"error": {"message": "captured", "type": "invalid_request_error", "code": "captured"}}'
            )
            self.send_response(403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server, tempfile.TemporaryDirectory() as folder:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        _ask(Path(folder), server.server_port)
        server.shutdown()
    found = [body for body in bodies if len(_text(body)) > _LEAST]
    if not found:
        raise BenchmarkError(f"opencode {opencode_versions.NEWEST} sent no request with its prompt")
    return found[0]


def _ask(folder: Path, port: int) -> None:
    home, project = folder / "home", folder / "shop"
    home.mkdir()
    project.mkdir()
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"http://127.0.0.1:{port}/v1", "apiKey": "none"},
        "models": {"m": {}},
    }
    (project / "opencode.json").write_text(json.dumps({"provider": {"captured": provider}}))
    (project / "README.md").write_text("A shop that sells tea.\n")
    environ = {"HOME": str(home), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
    opencode = str(opencode_versions.executable(opencode_versions.NEWEST))
    subprocess.run(
        [opencode, "run", "--model", "captured/m", "Which files are there?"],
        cwd=project,
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=120,
    )
