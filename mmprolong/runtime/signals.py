"""Signals that ask a step to stop: noted, and answered by the step itself once it has saved."""

import signal
from types import FrameType

ASKED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2)
"""A person or a scheduler ends the process, its terminal is gone, its time limit is near."""


class StopSignals:
    """The signals of `ASKED` that this process has got.

    They are also blocked, because Slurm sends them to every process of a job and children inherit the mask: readers of
    PDFs, ranks and W&B's process run until the step itself decides. What is ignored (`nohup`) stays ignored.
    """

    def __init__(self) -> None:
        self._seen: set[signal.Signals] = set()
        self._asked = {each for each in ASKED if signal.getsignal(each) != signal.SIG_IGN}
        for each in self._asked:
            signal.signal(each, self._note)
        signal.pthread_sigmask(signal.SIG_BLOCK, self._asked)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._seen.add(signal.Signals(number))

    def seen(self) -> set[signal.Signals]:
        """Return those that have arrived."""
        pending = {signal.Signals(number) for number in signal.sigpending()}
        return self._seen | pending & self._asked

    def stopping(self) -> bool:
        """Tell whether any has arrived."""
        return bool(self.seen())


def interrupt_on_signals() -> None:
    """Let them end this process as Ctrl-C does."""
    for each in ASKED:
        if signal.getsignal(each) != signal.SIG_IGN:
            signal.signal(each, signal.default_int_handler)
