"""A local HTTP server that speaks as much of OpenAI's protocol as a chat needs; on loopback."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Response:
    """What the server sends; a string as `text` in a chat completion, everything else as it is."""

    text: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    finish: str = "stop"
    raw: bytes | None = None
    after: threading.Event | None = None
    """Sent once it is set."""
    pause: float = 0.0
    """Between two bytes [s]."""

    def content(self) -> bytes:
        if self.raw is not None:
            return self.raw
        if self.status != 200:
            return json.dumps({"error": {"message": self.text, "code": self.status}}).encode()
        message = {"role": "assistant", "content": self.text}
        usage = {"prompt_tokens": 10, "completion_tokens": 3, "total_tokens": 13}
        usage["prompt_tokens_details"] = {"cached_tokens": 4}
        choice = {"index": 0, "finish_reason": self.finish, "message": message}
        answer = {"id": "x", "object": "chat.completion", "created": 1, "model": "tiny-1", "choices": [choice]}
        return json.dumps({**answer, "usage": usage}).encode()


class Server(ThreadingHTTPServer):
    """Answers by a function of the body and the number of the request, from 0."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, respond: Callable[[Body, int], Response]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.respond = respond
        self.bodies: list[Body] = []
        self.keys: list[str | None] = []
        self.arrived = threading.Condition()
        self.under_way = self.most = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no error of ours."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.arrived:
            number = len(self.server.bodies)
            self.server.bodies.append(body)
            self.server.keys.append(self.headers["authorization"])
            self.server.under_way += 1
            self.server.most = max(self.server.most, self.server.under_way)
            self.server.arrived.notify_all()
        response = self.server.respond(body, number)
        if response.after is not None:
            response.after.wait(30)
        content = response.content()
        with self.server.arrived:
            self.server.under_way -= 1
        self.send_response(response.status)
        headers = {"Content-Type": "application/json", "Content-Length": str(len(content)), **response.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        for byte in content if response.pause else ():
            self.wfile.write(bytes([byte]))
            time.sleep(response.pause)
        self.wfile.write(b"" if response.pause else content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(respond: Callable[[Body, int], Response]) -> Iterator[Server]:
    with Server(respond) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def planned(*responses: Response) -> Callable[[Body, int], Response]:
    """Answer with these in turn."""
    return lambda _, number: responses[number]


def echo(body: Body, number: int) -> Response:
    """Answer with the last message."""
    return Response(f"about {body['messages'][-1]['content']}")
