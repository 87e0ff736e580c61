"""The lease of a folder: one process works in it, and the kernel frees it when that process ends, however it ends."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from mmprolong.errors import ArtifactError

LEASE = ".lease"


@contextmanager
def lease(folder: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold `folder` alone; a second process waits until the first is done or dead.

    Args:
        waiting: called at every look at which somebody else holds the folder.

    Raises:
        ArtifactError: the file system has no locks, so two processes could spoil each other's results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / LEASE).open("a") as file:
        try:
            while not try_lock(file.fileno()):
                waiting()
                time.sleep(0.5)
        except OSError as error:
            do = "mount it with locks, or set paths.store to a folder of another one"
            raise ArtifactError(f"{folder}: its file system locks no files ({error.strerror}); {do}") from error
        yield


def is_held(folder: Path) -> bool:
    """Tell whether a process of this machine has the lease of `folder`; False where the file system has no locks.

    Asked by a shared lock that is given back at once: it works in containers, where `/proc/locks` names other devices
    or nothing, and readers do not see each other. A process that wants the lease in that moment looks again at its next
    poll. A file system without locks across nodes says nothing of other nodes.
    """
    try:
        with (folder / LEASE).open("rb") as file:
            return not try_lock(file.fileno(), fcntl.LOCK_SH)
    except OSError:  # no such file, or ENOLCK: nobody is known to hold it
        return False


def try_lock(descriptor: int, kind: int = fcntl.LOCK_EX) -> bool:
    """Lock an open file until it is closed, unless another process has it.

    Raises:
        OSError: the file system has no locks.
    """
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
