"""The ledger: every answer that was paid for, by the digest of its request. Outlives the steps that asked.

A folder of JSON lines, a file for each process that asked; files only grow, and no two processes write one.
"""

import errno
import hashlib
import os
import secrets
import socket
import zlib
from pathlib import Path
from typing import NamedTuple

import msgspec

from mmprolong.conversations import Text, flat
from mmprolong.errors import DataError, writing
from mmprolong.llm.requests import Answer, Chat, Request
from mmprolong.store.fingerprint import canonical, readable_id


class Cost(NamedTuple):
    """Calls, tokens and money that requests take."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0

    def plus(self, other: "Cost") -> "Cost":
        """Return the sum."""
        return Cost(self.calls + other.calls, self.tokens + other.tokens, self.money + other.money)


class LedgerEntry(msgspec.Struct, frozen=True):
    """One line."""

    key: str
    answer: Answer
    money: float
    """At the prices of the day."""
    check: int = 0
    """CRC-32 of the line with 0 in this place."""


def key_of(request: Request, chat: Chat) -> str:
    """Return the SHA-256 of all that an answer depends on; images by reference and view, runs of pages page by page."""
    messages = [(message.role, list(flat(message.parts))) for message in request.messages]
    seen = any(not isinstance(part, Text) for _, parts in messages for part in parts)
    content = {
        "model": chat.model,
        "messages": msgspec.to_builtins(messages),
        "sampling": msgspec.to_builtins(request.sampling or chat.sampling),
        "schema": request.schema,
        "draw": request.draw,
        "view": chat.view if seen else "",
    }
    return hashlib.sha256(canonical(content, "request").encode()).hexdigest()


class Ledger:
    """Answers to earlier requests, and their cost.

    Args:
        store: the store's folder; the answers of a model lie in `ledger/MODEL/` below it.
    """

    def __init__(self, store: Path, model: str) -> None:
        self.folder = store / "ledger" / readable_id(model, model)
        self.spent = Cost()
        """By all processes, as far as their files were read."""
        self._own = self.folder / f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}.jsonl"
        self._read: dict[Path, int] = {}
        self._places: dict[str, tuple[Path, int]] = {}
        self.refresh()

    def refresh(self) -> None:
        """Read what other processes have written since.

        Raises:
            DataError: a line is damaged.
        """
        for path in sorted(self.folder.glob("*.jsonl")):
            if path.stat().st_size > self._read.get(path, 0):
                self._take(path)

    def get(self, key: str) -> Answer | None:
        """Return the answer to a request; None if it was never answered."""
        if key not in self._places:
            return None
        path, offset = self._places[key]
        with path.open("rb") as file:
            file.seek(offset)
            return _entry(file.readline(), path, offset).answer

    def put(self, key: str, answer: Answer, money: float) -> None:
        """Write an answer down. After a kill it is there; a line torn by one is not.

        Raises:
            DiskFull: names the file.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        entry = LedgerEntry(key, answer, money)
        line = msgspec.json.encode(msgspec.structs.replace(entry, check=_checksum(entry))) + b"\n"
        with writing(self._own), self._own.open("ab", buffering=0) as file:
            offset = file.tell()
            if file.write(line) < len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._count(entry, self._own, offset, len(line))

    def _take(self, path: Path) -> None:
        with path.open("rb") as file:
            file.seek(self._read.get(path, 0))
            for line in file:
                if line.endswith(b"\n"):  # else it is being written, or was torn
                    offset = self._read.get(path, 0)
                    self._count(_entry(line, path, offset), path, offset, len(line))

    def _count(self, entry: LedgerEntry, path: Path, offset: int, length: int) -> None:
        self._places.setdefault(entry.key, (path, offset))
        self._read[path] = offset + length
        tokens = entry.answer.prompt_tokens + entry.answer.completion_tokens
        self.spent = self.spent.plus(Cost(1, tokens, entry.money))


def _entry(line: bytes, path: Path, offset: int) -> LedgerEntry:
    try:
        entry = msgspec.json.decode(line, type=LedgerEntry)
        if entry.check == _checksum(entry):
            return entry
        flaw = "its checksum differs"
    except msgspec.DecodeError as error:
        flaw = str(error)
    raise DataError(f"{path}: line at byte {offset}: {flaw}; delete the line to ask its request again")


def _checksum(entry: LedgerEntry) -> int:
    return zlib.crc32(msgspec.json.encode(msgspec.structs.replace(entry, check=0)))
