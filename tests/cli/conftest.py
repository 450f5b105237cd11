"""A small OpenAI-compatible server for tests: deterministic, and able to hold questions back."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


class ModelServer:
    """Serves `/v1/chat/completions` for one model and one key on a free port of the loopback interface.

    Args:
        answer: prompt -> (completion, finish reason).
        hold_after: how many prompts are answered before further ones wait for `release`.
    """

    model = "right-or-wrong"
    key = "a-key"

    def __init__(self, answer: Callable[[str], tuple[str, str]], hold_after: int | None = None) -> None:
        self.answer, self.hold_after = answer, hold_after
        self.asked: Counter[str] = Counter()
        self.failing = False
        self.held, self.release = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, content = server.respond(body, self.headers.get("Authorization", ""))
                data = json.dumps(content).encode()
                try:
                    self.send_response(status)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client was killed

            def log_message(self, format: str, *args: Any) -> None:
                """Quiet."""

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/v1"

    def respond(self, body: dict[str, Any], authorization: str) -> tuple[int, dict[str, Any]]:
        """Status and content for a request."""
        if authorization != f"Bearer {self.key}":
            return 401, {"error": {"message": "Incorrect API key provided", "type": "invalid_request_error"}}
        if body["model"] != self.model:
            return 404, {
                "error": {"message": f"The model {body['model']} does not exist", "type": "invalid_request_error"}
            }
        prompt = body["messages"][-1]["content"]
        system = [message["content"] for message in body["messages"] if message["role"] in ("system", "developer")]
        if not system:
            return 200, self._completion(body, "ready", "stop")
        with self._lock:
            wait = self.hold_after is not None and sum(self.asked.values()) >= self.hold_after
            self.asked[prompt] += 1
        if wait and not self.release.is_set():
            self.held.set()
            self.release.wait()
        if self.failing:
            return 400, {"error": {"message": "the weights have been lost", "type": "server_error"}}
        return 200, self._completion(body, *self.answer(prompt))

    def _completion(self, body: dict[str, Any], text: str, finish: str) -> dict[str, Any]:
        read = sum(len(message["content"].split()) for message in body["messages"])
        written = len(text.split())
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 0,
            "model": self.model,
            "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}],
            "usage": {"prompt_tokens": read, "completion_tokens": written, "total_tokens": read + written},
        }

    def __enter__(self) -> ModelServer:
        threading.Thread(target=self._http.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.release.set()
        self._http.shutdown()
        self._http.server_close()


@pytest.fixture
def model_server() -> type[ModelServer]:
    """The class, for tests to serve their own answers."""
    return ModelServer
