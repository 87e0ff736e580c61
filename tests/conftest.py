import os

import pytest
from hypothesis import settings

from mmprolong.config.groups import CONFIG_DIR

os.environ.update(WANDB_MODE="offline", WANDB_ERROR_REPORTING="false", WANDB_SILENT="true", OMP_NUM_THREADS="1")
os.environ[CONFIG_DIR] = ""  # the files of whoever runs the tests are not tested

settings.register_profile("busy", deadline=None)  # no claim of ours is about the speed of one example
settings.load_profile("busy")

LONGEST = ["slurm", "vllm", "cli", "flow", "training.test_together", "training.test_ranks"]
"""Groups of tests that begin first, so that no worker is left alone with one of them."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of a file, or of a group that they name, in one process: what they share is made once."""
    groups = {item: _group(item) for item in items}
    for item, group in groups.items():
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: LONGEST.index(groups[item]) if groups[item] in LONGEST else len(LONGEST))


def _group(item: pytest.Item) -> str:
    named = item.get_closest_marker("xdist_group")
    return named.args[0] if named else f"{item.path.parent.name}.{item.path.stem}"
