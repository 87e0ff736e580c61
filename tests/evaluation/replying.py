"""The reply step of a small store, and a process that runs it until it is killed."""

import sys
from pathlib import Path

from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step, make_step
from mmprolong.settings.knobs import Corpus, Model, Suite, Tracking
from mmprolong.settings.stages import ReplySettings
from mmprolong.store.store import Store
from tests.stores import CORPUS, HELDOUT, LENGTHS, SIDE

SETTINGS = ReplySettings(Model(), Suite(labels=LENGTHS, new_tokens=4, batch=512), Corpus(thumbnail=SIDE))


def step() -> Step:
    """An untrained proxy answers the held-out questions of `tests.stores`."""
    return make_step("reply", "heldout", SETTINGS, {"corpus": f"corpus/{CORPUS}", "source": f"synthesis/{HELDOUT}"})


if __name__ == "__main__":
    run_step(Store(Path(sys.argv[1])), step(), Tracking(mode="off"))
