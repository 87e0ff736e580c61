"""A process that runs the reply step of a tiny run until it is killed: `python -m tests.evaluation.replying FOLDER`."""

import sys
from pathlib import Path

from tests.tiny_run import finish, tiny_config

if __name__ == "__main__":
    finish(tiny_config(Path(sys.argv[1])), "reply.heldout")
