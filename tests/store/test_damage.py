"""Damage in one place is told where it is, and takes nothing else down: through the commands."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.pipeline.plan import load_plan, save_plan
from mmprolong.pipeline.steps import Step, stage_of
from mmprolong.store.store import Store
from mmprolong.sweep.state import step_states
from tests.stores import Truth, write_store

SMALL = Truth(levels={"pool_native": (0.9, 0.1), "uniform": (0.8, 0.1)}, documents=4, questions=2, seeds=2)
SCORE = "score/score-uniform-s1"


def said(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> str:
    assert main(words) == code
    out, err = capsys.readouterr()
    assert err.count("\n") == code, err
    return " ".join((err or out).split())


def tear(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:50])


def flip(path: Path) -> None:
    """Let one digit be another."""
    content = path.read_bytes()
    digit = content.index(b"0.")
    path.write_bytes(content[:digit] + b"1" + content[digit + 1 :])


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A finished sweep whose plan has its steps, and a plan of another ablation."""
    store = write_store(tmp_path, SMALL)
    plan = load_plan(Store(store), "length_dist")
    steps = {step.id: step for point in plan.points for step in steps_of(point.steps)}
    for name in ("length_dist", "rope_base"):
        save_plan(Store(store), replace(plan, ablation=name, steps=steps))
    return store


def steps_of(roles: Mapping[str, str]) -> Iterator[Step]:
    tokens = {"mixture": {"tokens": 65536}}
    for role, name in roles.items():
        needs = {"mixture": f"mixture/{roles['mixture.longpt']}"} if role.startswith("training.") else {}
        yield Step(id=name, stage=stage_of(role), settings=tokens, needs=needs, label=name)


@pytest.mark.parametrize(("name", "damage"), [("done.json", tear), ("done.json", flip), ("scores.jsonl", Path.unlink)])
def test_a_damaged_record_is_a_failed_step_and_no_number(
    capsys: pytest.CaptureFixture[str], store: Path, name: str, damage: Callable[[Path], None]
):
    damage(store / SCORE / name)
    place = ("--store", str(store))
    where = step_states(Store(store), load_plan(Store(store), "length_dist"))
    assert [name for name, each in where.items() if each.state != "finished"] == ["score-uniform-s1"]
    failure = where["score-uniform-s1"].failure
    assert failure is not None
    assert failure.kind == "data" and "delete the folder to run the step again" in failure.message
    assert "failed (data)" in said(capsys, "status", "length_dist", *place)
    assert "score-uniform-s1" in said(capsys, "logs", "length_dist", *place)
    shown = said(capsys, "claims", "balanced_lengths_win", *place)
    assert "cannot be judged" in shown and "delete the folder" in shown
    for refusing in ("report", "power"):
        assert "delete the folder to run the step again" in said(capsys, refusing, "length_dist", *place, code=1)


@pytest.mark.parametrize("damage", [flip, tear, lambda path: path.write_bytes(b"")])
def test_damaged_marks_are_no_numbers(
    capsys: pytest.CaptureFixture[str], store: Path, damage: Callable[[Path], object]
):
    damage(store / SCORE / "scores.jsonl")
    place = ("--store", str(store))
    for refusing in ("report", "power"):
        told = said(capsys, refusing, "length_dist", *place, code=1)
        assert f"{SCORE}/scores.jsonl: has SHA-256" in told and f"rm -r {store / SCORE}" in told
    assert "cannot be judged" in said(capsys, "claims", "balanced_lengths_win", *place)


def test_a_torn_plan_is_told(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, store: Path):
    monkeypatch.setenv("COLUMNS", "400")
    tear(store / "plans" / "rope_base.json")
    place = ("--store", str(store))
    assert "rope_base.json: " in said(capsys, "status", *place, code=1)
    assert "version 1" in said(capsys, "why", "score/score-uniform-s1", *place)
    assert "plan the sweep again" in said(capsys, "why", "nothing-0000", *place, code=1)
    assert "plan the sweep again" in said(capsys, "status", "rope_base", *place, code=1)
    shown = said(capsys, "claims", "rope_8x_is_too_much", *place)
    assert "cannot be judged" in shown and "plan the sweep again" in shown


@pytest.mark.parametrize("words", [["--from", "offline"], ["--table", "training_setup"]])
def test_what_was_not_launched_is_told_without_a_hint(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
):
    text = said(capsys, "report", "length_dist", *words, "--store", str(tmp_path), code=1)
    assert "did you mean" not in text
    assert "begin with python -m mmprolong.sweep +ablation=length_dist" in text
