"""Results that were read before, in one MessagePack file with a checksum."""

import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Generic, TypeVar

import msgspec

from mmprolong.errors import ArtifactError

T = TypeVar("T")
HEAD = b"mmprolong cache 1\n"


class Cache(Generic[T]):
    """Values by key, each with the mark under which it was read; another mark means that it is out of date."""

    def __init__(self, path: Path, kind: type[T]) -> None:
        """Read what is there.

        Raises:
            ArtifactError: the file is damaged.
        """
        self.path = path
        self._decoder = msgspec.msgpack.Decoder(dict[str, tuple[str, kind]])
        self._held = self._read()
        self._changed = False

    def get(self, key: str, mark: str) -> T | None:
        """The value that was kept under this mark."""
        found = self._held.get(key)
        return found[1] if found and found[0] == mark else None

    def keep(self, key: str, mark: str, value: T) -> None:
        """Remember a value until `save`."""
        self._held[key] = mark, value
        self._changed = True

    def save(self) -> None:
        """Write what was kept; a folder that may only be read is left as it is."""
        if not self._changed:
            return
        body = msgspec.msgpack.encode(self._held)
        with suppress(PermissionError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.partial")
            partial.write_bytes(HEAD + zlib.crc32(body).to_bytes(4, "little") + body)
            partial.replace(self.path)
            self._changed = False

    def _read(self) -> dict[str, tuple[str, T]]:
        try:
            data = self.path.read_bytes()
        except FileNotFoundError:
            return {}
        body = data[len(HEAD) + 4 :]
        whole = data.startswith(HEAD) and data[len(HEAD) : len(HEAD) + 4] == zlib.crc32(body).to_bytes(4, "little")
        if not whole:
            raise ArtifactError(f"{self.path}: damaged cache of {len(data)} bytes; delete it, it is made again")
        try:
            return self._decoder.decode(body)
        except msgspec.DecodeError as error:
            raise ArtifactError(f"{self.path}: {error}; delete it, it is made again") from error
