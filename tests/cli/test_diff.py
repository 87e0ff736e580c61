from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.pipeline.plan import save_plan
from mmprolong.store.store import Store
from mmprolong.sweep.planning import make_plan


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("store")
    plan, _ = make_plan(["+ablation=question_scope", "sweep.seeds=[0]", f"paths.store={store}"])
    save_plan(Store(store), plan)
    return store


ARMS = ("question_scope/window", "question_scope/document")


def test_arms_that_differ_in_their_factor_alone_pass(planned: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["diff", *ARMS, "--store", str(planned)]) == 0
    shown = capsys.readouterr().out
    assert "equal in all but the declared factor" in shown and "declared" in shown


def test_a_second_difference_fails(planned: Path, capsys: pytest.CaptureFixture[str]):
    assert main(["diff", *ARMS, "--factor", "phases.longpt.rope", "--store", str(planned)]) == 1
    assert "differ in phases.longpt.mixture.components.long.source, too" in " ".join(capsys.readouterr().err.split())
