"""Which commands there are."""

import argparse
from types import ModuleType

from mmprolong.cli import (
    cancel,
    catalogue,
    claims,
    completion,
    corpus,
    diff,
    fetch,
    logs,
    mixture,
    power,
    report,
    rescore,
    retry,
    show,
    status,
    sweep,
    sync,
    synthesis,
    why,
)
from mmprolong.config.groups import CONFIG_DIR, OPTION

COMMANDS: dict[str, ModuleType] = {
    "sweep": sweep,
    "status": status,
    "report": report,
    "claims": claims,
    "power": power,
    "logs": logs,
    "rescore": rescore,
    "retry": retry,
    "cancel": cancel,
    "list": catalogue,
    "corpus": corpus,
    "synthesis": synthesis,
    "mixture": mixture,
    "show": show,
    "diff": diff,
    "why": why,
    "fetch": fetch,
    "sync": sync,
    "completion": completion,
}
"""One file a command: `arguments(parser)` and `run(arguments)`, whose docstring is its help."""

_WITHOUT = (fetch, rescore, sync, completion)
"""Commands that read nothing that a user can add to."""


def add_arguments(command: argparse.ArgumentParser, module: ModuleType) -> None:
    """All that a command can be told, and what does it."""
    module.arguments(command)
    command.set_defaults(run=module.run)
    if module not in _WITHOUT:
        own = f"folder of your own conf/, sweeps/ and analysis/, added to ours (default: ${CONFIG_DIR})"
        command.add_argument(OPTION, metavar="DIR", default="", help=own)
