"""A local HTTP server that speaks as much of W&B as reading, syncing and reports need; in memory, on loopback.

Its operations are private to W&B and move with its versions: a double for tests of wandb 0.31 and nothing else.
"""

import base64
import gzip
import json
import re
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.wandb_artifacts import Artifacts

KEY = "local" + "0" * 35
DATE = "2026-01-01T00:00:00Z"
User = dict[str, Any]
TEAMS = {"edges": [{"node": {"name": "lab"}}]}
USER: User = {"id": "u", "username": "tester", "name": "tester", "email": "t@x", "admin": False, "flags": "{}"}
USER |= {"entity": "lab", "deletedAt": None, "apiKeys": {"edges": []}, "teams": TEAMS}


@dataclass
class Run:
    """One run as the server keeps it."""

    entity: str
    project: str
    name: str
    display: str = ""
    group: str | None = None
    state: str = "running"
    config: dict[str, Any] = field(default_factory=dict)
    """Key -> {"value": ...}."""
    summary: dict[str, Any] = field(default_factory=dict)
    history: dict[int, dict[str, Any]] = field(default_factory=dict)

    def node(self) -> dict[str, Any]:
        """As GraphQL shows it."""
        keys = {key for row in self.history.values() for key in row}
        typed = {key: {"typeCounts": [{"type": "number", "count": 1}], "monotonic": False} for key in keys}
        return {
            "id": self.name,
            "name": self.name,
            "displayName": self.display or self.name,
            "state": self.state,
            "group": self.group,
            "config": json.dumps(self.config),
            "summaryMetrics": json.dumps(self.summary),
            "systemMetrics": "{}",
            "historyLineCount": len(self.history),
            "historyKeys": {"keys": typed, "lastStep": max(self.history, default=-1), "sets": []},
            "createdAt": DATE,
            "heartbeatAt": DATE,
            "tags": [],
            "readOnly": False,
            "projectId": "1",
            "internalId": "1",
            "user": USER,
            "project": {"id": "1", "name": self.project, "entity": {"id": "e", "name": self.entity}},
        } | dict.fromkeys(("jobType", "commit", "description", "notes", "sweepName", "defaultArtifact"))


@dataclass
class WandbServer:
    """What the server holds, and where it listens."""

    url: str = ""
    key: str = KEY
    """The one that is accepted."""
    runs: dict[tuple[str, str, str], Run] = field(default_factory=dict)
    artifacts: Artifacts = field(default_factory=Artifacts)
    views: list[dict[str, Any]] = field(default_factory=list)
    """Saved reports."""
    refused: set[str] = field(default_factory=set)
    """Runs that nobody may write."""
    asked: list[str] = field(default_factory=list)
    """Names of the operations, in order."""

    def answer(self, query: str, name: str, given: dict[str, Any]) -> dict[str, Any]:
        """The data of one GraphQL operation."""
        self.asked.append(name)
        for pattern, operation in self._operations.items():
            if re.fullmatch(pattern, name):
                return operation(query, given)
        if "__type(" in query or "__schema" in query:
            empty = {"name": "x", "fields": [], "inputFields": [], "args": []}
            return dict.fromkeys(re.findall(r"(\w+):\s*__type", query) or ["__type"], empty)
        raise NotImplementedError(name)

    @property
    def _operations(self) -> dict[str, Callable[[str, dict[str, Any]], dict[str, Any]]]:
        return {
            "Viewer": self._viewer,
            "GetDefaultEntity": lambda *_: {"viewer": {"id": "u", "entity": "lab", "defaultEntity": {"name": "lab"}}},
            "ServerFeatures(Query)?": lambda *_: {"serverInfo": {"features": []}},
            "UpsertBucket": self._upsert,
            "CreateRunFiles": self._files,
            "RunResumeStatus": self._resume,
            "(Get|Light|GetLight)?Runs": self._list,
            **self.artifacts.operations(self.url),
            ".*(Run|History).*": self._one,
            "GetProjects?|CreateProject|ProjectInternalId": self._project,
            "upsertView.*|UpsertView.*": self._view,
        }

    def stream(self, key: tuple[str, str, str], body: dict[str, Any]) -> None:
        """Lines of a run's files as they are uploaded."""
        run = self.runs.setdefault(key, Run(*key))
        files = body.get("files") or {}
        for line in files.get("wandb-history.jsonl", {}).get("content", []):
            row = json.loads(line)
            run.history.setdefault(int(row["_step"]), {}).update(row)
        for line in files.get("wandb-summary.json", {}).get("content", []):
            run.summary |= json.loads(line)
        if body.get("complete"):
            run.state = "finished" if body.get("exitcode") == 0 else "failed"

    def _viewer(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        return {"viewer": USER, "serverInfo": None}

    def _upsert(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        key = (given.get("entity") or "lab", given.get("project") or "uncategorized", given["name"])
        new = key not in self.runs
        run = self.runs.setdefault(key, Run(*key))
        run.config = json.loads(given.get("config") or "null") or run.config
        run.group = given.get("groupName") or run.group
        run.display = given.get("displayName") or run.display
        run.summary |= json.loads(given.get("summaryMetrics") or "{}")
        return {"upsertBucket": {"bucket": run.node(), "inserted": new}}

    def _resume(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        """Where a run stands that is to be gone on with."""
        run = self.runs.get((given.get("entity") or "lab", given["project"], given["name"]))
        tail = [json.dumps(run.history[max(run.history)])] if run and run.history else []
        kept = {"historyTail": json.dumps(tail), "eventsTail": "[]", "logLineCount": 0, "eventsLineCount": 0}
        bucket = run and {**run.node(), **kept, "wandbConfig": "{}"}
        return {"model": {"id": "1", "name": given["project"], "entity": {"id": "e", "name": "lab"}, "bucket": bucket}}

    def _list(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        wanted = json.loads(given.get("filters") or "{}")
        asked = given.get("entity"), given.get("project")
        if asked not in {key[:2] for key in self.runs}:
            return {"project": None}
        found = [run for key, run in self.runs.items() if key[:2] == asked and matches(run, wanted)]
        start = int(given.get("cursor") or 0)
        page = found[start : start + (given.get("perPage") or 50)]
        end = start + len(page)
        info = {"endCursor": str(end), "hasNextPage": end < len(found)}
        edges = [{"node": run.node(), "cursor": str(start + place + 1)} for place, run in enumerate(page)]
        runs = {"totalCount": len(found), "edges": edges, "pageInfo": info}
        return {"project": {"id": "1", "internalId": "1", "name": asked[1], "runCount": len(found), "runs": runs}}

    def _one(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        name = given.get("name") or given.get("run") or given.get("runName")
        run = self.runs.get((given.get("entity", ""), given.get("project", ""), name or ""))
        if run is None:
            return {"project": {"id": "1", "internalId": "1", "run": None}}
        rows = [run.history[step] for step in sorted(run.history)]
        low, high = given.get("minStep") or 0, given.get("maxStep") or 2**60
        found = run.node() | {"files": {"edges": [], "pageInfo": {"endCursor": None, "hasNextPage": False}}}
        found["history"] = [json.dumps(row) for row in rows if low <= row["_step"] < high]
        found["parquetHistory"] = {"parquetUrls": [], "liveData": rows if "liveData" in query else []}
        return {"project": {"id": "1", "internalId": "1", "name": run.project, "run": found}}

    def _files(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        files = [{"name": name, "uploadUrl": f"{self.url}/upload/{name}"} for name in given["files"]]
        return {"createRunFiles": {"runID": "x", "uploadHeaders": [], "files": files}}

    def _project(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        made = given.get("input", {})
        name, entity = given.get("name") or made.get("name"), given.get("entity") or made.get("entityName")
        known = sorted({key[1] for key in self.runs if key[0] == entity})
        project = _project_node(name or given.get("projectName") or "", entity or "lab")
        edges = [{"node": _project_node(one, entity or "lab"), "cursor": one} for one in known]
        models = {"edges": edges, "pageInfo": {"endCursor": None, "hasNextPage": False}}
        return {
            "project": project,
            "models": models,
            "result": {"project": project, "model": project, "inserted": True},
        }

    def _view(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        self.views.append(given)
        project = {"id": "1", "name": given.get("projectName"), "entityName": given.get("entityName")}
        kept = {key: given.get(key) for key in ("name", "displayName", "description", "spec")}
        view = {**kept, "id": "view", "type": "runs", "project": project, "user": USER}
        return {"upsertView": {"view": view | {"createdAt": DATE, "updatedAt": DATE}, "inserted": True}}


def _project_node(name: str, entity: str) -> dict[str, Any]:
    node = {"id": "1", "internalId": "1", "name": name, "entityName": entity, "createdAt": DATE, "user": USER}
    return node | {"isBenchmark": False}


def matches(run: Run, wanted: dict[str, Any]) -> bool:
    """Whether a run has what a filter asks: equality and `$in` over name, group and state."""
    for key, value in wanted.items():
        if key in ("$and", "$or"):
            parts = [matches(run, part) for part in value]
            if not (all(parts) if key == "$and" else any(parts)):
                return False
            continue
        found = getattr(run, {"display_name": "display"}.get(key, key))
        if found not in value["$in"] if isinstance(value, dict) else found != value:
            return False
    return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    held: WandbServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        if not self._allowed():
            return None
        body = self._body()
        stream = re.match(r"/files/([^/]+)/([^/]+)/([^/]+)/file_stream", self.path)
        if stream:
            entity, project, name = stream.groups()
            self.held.stream((entity, project, name), json.loads(body))
            return self._send(200, {"exitcode": None, "limits": {}})
        asked = json.loads(body)
        if (asked.get("variables") or {}).get("name") in self.held.refused:
            return self._send(403, {"errors": [{"message": "permission denied"}]})
        named = re.search(r"(?:query|mutation)\s+(\w+)", asked["query"])
        name = asked.get("operationName") or (named[1] if named else "")
        try:
            self._send(200, {"data": self.held.answer(asked["query"], name, asked.get("variables") or {})})
        except NotImplementedError:
            self._send(200, {"data": None, "errors": [{"message": f"the double has no {name}"}]})

    def do_PUT(self) -> None:
        body = self._body()
        if self.path.startswith("/artifacts/"):
            self.held.artifacts.upload(self.path, body)
        self._send(200, {})

    do_GET = do_PUT

    def _allowed(self) -> bool:
        kind, _, secret = (self.headers.get("authorization") or "").partition(" ")
        if kind == "Basic" and base64.b64decode(secret).decode().partition(":")[2] == self.held.key:
            return True
        self._body()
        self._send(401, {"errors": [{"message": "invalid API key"}]})
        return False

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        return gzip.decompress(body) if self.headers.get("content-encoding") == "gzip" else body

    def _send(self, code: int, answer: object) -> None:
        body = json.dumps(answer).encode()
        self.send_response(code)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client may hang up; anything else is shown."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def serving() -> Iterator[WandbServer]:
    """A server on a free port of loopback, until the end of the block."""
    held = WandbServer()
    handler = type("Handler", (_Handler,), {"held": held})
    with _Server(("127.0.0.1", 0), handler) as server:
        held.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield held
        server.shutdown()
        thread.join()
