"""Replies of an unfinished step, kept on the disk, so that a killed step continues behind them."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from mmprolong.errors import writing
from mmprolong.records import Reply


class PartialReplies:
    """The replies of the batches that are done; a batch counts once all of it is there.

    Args:
        path: of the file that keeps them.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.replies = {reply.sample: reply for reply in _whole(self._path)}
        """By sample."""

    def has(self, samples: Iterable[str]) -> bool:
        """Tell whether all of `samples` are answered."""
        return all(sample in self.replies for sample in samples)

    def add(self, batch: Sequence[Reply]) -> None:
        """Keep the replies of a batch; once this returns a kill does not take them.

        Raises:
            DiskFull: names the file.
        """
        with writing(self._path), self._path.open("ab") as file:
            file.write(b"".join(msgspec.json.encode(reply) + b"\n" for reply in batch))
        self.replies.update({reply.sample: reply for reply in batch})


def _whole(path: Path) -> list[Reply]:
    """Read the replies of a file that may end in a line torn by a kill; the torn end is cut off."""
    if not path.exists():
        return []
    replies, end = [], 0
    with path.open("rb+") as file:
        for line in file:
            reply = _decoded(line)
            if reply is None:
                break
            replies.append(reply)
            end += len(line)
        file.truncate(end)
    return replies


def _decoded(line: bytes) -> Reply | None:
    if not line.endswith(b"\n"):
        return None
    try:
        return msgspec.json.decode(line, type=Reply)
    except msgspec.DecodeError:
        return None
