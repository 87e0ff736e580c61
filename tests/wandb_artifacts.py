"""The part of the W&B double that takes artifacts: made, filled file by file, committed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Operation = Callable[[str, dict[str, Any]], dict[str, Any]]


@dataclass
class Artifact:
    """One artifact as the server keeps it."""

    type: str
    name: str
    run: str
    state: str = "PENDING"
    files: dict[str, bytes] = field(default_factory=dict)
    """Content by path, as uploaded."""

    def table(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table in it."""
        found = json.loads(self.files[f"{name}.table.json"])
        return [dict(zip(found["columns"], row, strict=True)) for row in found["data"]]


@dataclass
class Artifacts:
    """Artifacts by id, in the order in which they were made; the id is part of the addresses they are uploaded to."""

    held: list[Artifact] = field(default_factory=list)

    def operations(self, url: str) -> dict[str, Operation]:
        """By name, for uploads below `url`."""
        return {
            "ArtifactType": lambda *_: {"project": {"artifact": None}},
            "FetchArtifactDigestAlgorithm": lambda *_: {"project": {"artifactType": None}},
            "XXHashDigestsEnabled": lambda *_: {"entity": {"xxhashDigestsEnabled": False}},
            "CreateArtifact": self._create,
            "CreateArtifactFiles": lambda _, given: self._files(url, given["input"]["artifactFiles"]),
            "(Create|Update)ArtifactManifest": lambda _, given: self._manifest(url, given),
            "CommitArtifact": self._commit,
        }

    def upload(self, path: str, content: bytes) -> None:
        """What came to an address that was given out."""
        number, _, name = path.removeprefix("/artifacts/").partition("/")
        self.held[int(number)].files[name] = content

    def _create(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        asked = given["input"]
        self.held.append(Artifact(asked["artifactTypeName"], asked["artifactCollectionName"], asked["runName"]))
        sequence = {"latestArtifact": None}
        artifact = {"id": str(len(self.held) - 1), "state": "PENDING", "artifactSequence": sequence}
        return {"createArtifact": {"artifact": artifact}}

    def _files(self, url: str, asked: list[dict[str, Any]]) -> dict[str, Any]:
        nodes = []
        for each in asked:
            path = f"{each['artifactID']}/{each['name']}"
            made = {"storagePath": path, "uploadUrl": f"{url}/artifacts/{path}", "uploadHeaders": []}
            nodes.append({"node": made | {"uploadMultipartUrls": None, "artifact": {"id": each["artifactID"]}}})
        return {"createArtifactFiles": {"files": {"edges": nodes}}}

    def _manifest(self, url: str, given: dict[str, Any]) -> dict[str, Any]:
        number = given.get("artifactID") or given["artifactManifestID"]
        file = {"id": "f", "uploadUrl": f"{url}/artifacts/{number}/manifest.json", "uploadHeaders": []}
        made = {"artifactManifest": {"id": number, "file": file}}
        return {"createArtifactManifest": made, "updateArtifactManifest": made}

    def _commit(self, query: str, given: dict[str, Any]) -> dict[str, Any]:
        self.held[int(given["artifactID"])].state = "COMMITTED"
        return {"commitArtifact": {"artifact": {"id": given["artifactID"], "digest": "d"}}}
