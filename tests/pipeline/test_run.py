import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

import pytest

from mmprolong.errors import ArtifactError, DataError, StepFailed
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step
from mmprolong.reporting.results.wandb_files import read_runs
from mmprolong.runtime.run_log import NOTES, Interrupted
from mmprolong.settings.execution import Tracking
from mmprolong.settings.stages import STAGES, Stage
from mmprolong.store.atomic import read_json
from mmprolong.store.run_record import RunRecord
from mmprolong.store.store import DONE, FAILED, SCRATCH, Store
from tests.offline import await_summary
from tests.pipeline.adding import AddingSettings

OFF = Tracking(mode="off")


@pytest.fixture(autouse=True)
def stages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two more stages in the registry, one of which W&B is told of."""
    monkeypatch.setitem(STAGES, "score", Stage("tests.pipeline.adding", AddingSettings, 1))
    monkeypatch.setitem(STAGES, "synthesis", Stage("tests.pipeline.adding_in_parts", AddingSettings, 1))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def adding(name: str, *numbers: int, stage: str = "score", **needs: str) -> Step:
    return Step(id=name, stage=stage, settings=asdict(AddingSettings(list(numbers))), needs=needs)


def test_a_finished_step_has_its_results_and_a_record_of_all_settings(store: Store):
    step = adding("a", 1, 2)
    record = run_step(store, step, OFF)
    assert record.metrics == {"overall": 3} and list(record.outputs) == ["sum.txt"]
    assert (record.settings, record.all_settings) == ({"numbers": [1, 2]}, {"numbers": [1, 2], "start": 0})
    assert not (store.folder("score", "a") / SCRATCH).exists()
    assert store.record("score", "a") == run_step(store, step, OFF)


def test_a_stopped_step_goes_on_and_has_taken_the_time_of_both_attempts(store: Store):
    step, folder = adding("a", 1, 2, 3), store.folder("score", "a")
    for kept in ("1 1", "3 2"):
        with pytest.raises(Interrupted):
            run_step(store, step, OFF, stopping=lambda: True)
        assert (folder / SCRATCH / "sum").read_text() == kept
    noted = sum(read_json(path)["seconds"] for path in (folder / SCRATCH / NOTES).iterdir())
    assert run_step(store, step, OFF).metrics == {"overall": 6}
    record = store.record("score", "a")
    assert record is not None and record.seconds >= round(noted, 3)


def test_a_step_in_parts_runs_each_and_joins_them(store: Store):
    assert run_step(store, adding("a", 1, 2, 3, stage="synthesis"), OFF).metrics == {"overall": 6}


def test_a_failed_step_says_why_and_has_no_result(store: Store):
    with pytest.raises(DataError):
        run_step(store, adding("a", -1), OFF)
    assert read_json(store.folder("score", "a") / FAILED)["kind"] == "data"
    assert store.record("score", "a") is None


def test_an_input_that_is_not_what_was_written_ends_the_step_that_reads_it(store: Store):
    run_step(store, adding("a", 100), OFF)
    path = store.folder("score", "a") / "sum.txt"
    path.write_text("900")
    with pytest.raises(ArtifactError, match=rf"{path}: has SHA-256 .*delete the folder to run the step again: rm -r"):
        run_step(store, adding("b", 1, first="score/a"), OFF)
    assert read_json(store.folder("score", "b") / FAILED)["kind"] == "data"


def test_an_input_that_is_not_finished_is_named(store: Store):
    with pytest.raises(StepFailed, match="score/b: its input score/a is not finished"):
        run_step(store, adding("b", 1, first="score/a"), OFF)


class Cut(Store):
    """Of a process that is killed at the moment at which a step would be finished."""

    def finish(self, record: RunRecord) -> None:
        raise KeyboardInterrupt


def test_a_kill_beside_the_end_of_a_step_leaves_no_run_in_wandb_without_summary(store: Store):
    found = []
    for each in (Cut(store.root), store):
        with suppress(KeyboardInterrupt):
            run_step(each, adding("a", 1, 2), Tracking())
        await_summary(store.root / "wandb", "a")
        run = read_runs(store.root / "wandb")["a"]
        found.append((run.summary["overall"], [row["sum"] for row in run.history]))
        time.sleep(1.1)  # W&B names folders by the second
    assert found == [(3, [3]), (3, [3])]
    assert (store.folder("score", "a") / DONE).exists()
