"""The page on the disk: written beside and renamed, by one process at a time, and never the end of what it shows."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from mmprolong.pipeline.plan import Plan
from mmprolong.store.atomic import partial_name
from mmprolong.store.lease import try_lock
from mmprolong.store.store import Store
from mmprolong.sweep.dashboard.page import page, utc_now
from mmprolong.sweep.standing import Standing

FILE = "dashboard.html"
_POLL = 0.1
"""Time between two tries to get a lock [s]."""


def dashboard_path(store: Store, ablation: str) -> Path:
    """Where the page of an ablation lies."""
    return store.root / "reports" / ablation / FILE


class Dashboard:
    """The page of one sweep.

    Of many processes that want to write it one does, one waits, and all others leave it to the one that waits, which
    has not begun to look at the disk: so the page that is written last has seen all that was there before.
    """

    def __init__(self, store: Store, plan: Plan) -> None:
        self.path = dashboard_path(store, plan.ablation)
        self.trouble = ""
        """Why it could not be written the last time."""
        self._store = store
        self._plan = plan

    @property
    def age(self) -> float:
        """Time since it was written, by whomever [s]."""
        try:
            return time.time() - self.path.stat().st_mtime
        except OSError:  # not written yet
            return float("inf")

    @contextmanager
    def turn(self, patience: float) -> Iterator[bool]:
        """Whether this process is to look at the disk and write, as no other does until this ends.

        Args:
            patience: how long it waits for the one that writes [s].
        """
        with ExitStack() as stack:
            try:
                mine = self._claimed(stack, patience)
            except OSError as error:
                self.trouble = f"{self.path}: {error.strerror}"
                mine = False
            yield mine

    def _claimed(self, stack: ExitStack, patience: float) -> bool:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        following = stack.enter_context(self.path.with_name(f".{FILE}.next").open("a"))
        writing = stack.enter_context(self.path.with_name(f".{FILE}.now").open("a"))
        end = time.monotonic() + patience
        if not try_lock(following.fileno()):
            return False
        while not try_lock(writing.fileno()):
            if time.monotonic() > end:
                return False
            time.sleep(_POLL)
        following.close()
        return True

    def publish(self, look: Callable[[], Mapping[str, Standing]], source: str, patience: float) -> None:
        """Take a turn, if there is one to have, and write."""
        with self.turn(patience) as mine:
            if mine:
                self.write(look, source)

    def write(self, look: Callable[[], Mapping[str, Standing]], source: str) -> None:
        """Replace the page; if that fails, `trouble` says why, and what runs goes on.

        Args:
            look: where the steps stand.
            source: who says so.
        """
        partial = partial_name(self.path)
        try:
            partial.write_text(page(self._store, self._plan, look(), source, utc_now()), encoding="utf-8")
            partial.replace(self.path)
            self.trouble = ""
        except Exception as error:  # noqa: BLE001  (whatever is wrong with a page, a sweep must not end with it)
            self.trouble = f"{self.path}: {type(error).__name__}: {error}"
            with suppress(OSError):
                partial.unlink()
