"""What is to be run of a plan of which finished steps were deleted to save disk."""

import shutil
from pathlib import Path

import pytest

from mmprolong.settings.knobs import Cluster, Tracking
from mmprolong.store.lease import lease
from mmprolong.store.store import SCRATCH, Store
from mmprolong.sweep.launch import Launcher
from mmprolong.sweep.standing import standings
from mmprolong.sweep.todo import settled_steps, spent_steps
from mmprolong.sweep.totals import totals
from tests.sweep.queues import CHAIN
from tests.sweep.test_arrays import ARMS
from tests.sweep.test_standing import finish, states


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """The whole chain is finished, and its checkpoint deleted."""
    store = Store(tmp_path)
    for name, step in CHAIN.steps.items():
        finish(store, step.stage, name)
    shutil.rmtree(store.folder("training", "training0"))
    return store


def test_what_was_used_up_is_not_run_again(store: Store):
    found = standings(store, CHAIN)
    assert states(found) == ["finished"] * 3
    assert "gone" in found["training0"].detail
    assert (totals(CHAIN, found, {}).state, totals(CHAIN, found, {}).left.cpu) == ("finished", 0)
    assert Launcher(store, CHAIN, Cluster(), Tracking(mode="off")).progress.over(CHAIN)


def test_what_a_kill_left_in_a_finished_step_is_removed_unless_a_process_holds_it(store: Store):
    left = store.folder("reply", "reply0") / SCRATCH
    left.mkdir()
    with lease(left.parent, waiting=lambda: None):
        settled_steps(store, CHAIN)
        assert left.exists()
    settled_steps(store, CHAIN)
    assert not left.exists()


def test_what_an_unfinished_step_needs_is_run_again(store: Store):
    shutil.rmtree(store.folder("score", "score0"))
    assert states(standings(store, CHAIN)) == ["finished", "finished", "open"]
    shutil.rmtree(store.folder("reply", "reply0"))
    assert states(standings(store, CHAIN)) == ["open"] * 3
    assert settled_steps(store, CHAIN) == set()


def test_an_input_of_two_arms_is_run_again_for_the_one_that_needs_it():
    assert spent_steps(ARMS, {"reply0", "reply1"}) == {"corpus", "mixture0", "mixture1", "training0", "training1"}
    assert spent_steps(ARMS, {"reply0", "training1"}) == {"mixture0", "mixture1", "training0"}
    assert spent_steps(ARMS, set()) == set()
