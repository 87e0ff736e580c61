"""The commands as a user types them: what they print, how they fail."""

import json
import resource
import sys
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.cli.lookup import Steps, step_folders
from mmprolong.config.compose import Composer
from mmprolong.config.groups import ablations, groups
from mmprolong.store.store import Store
from tests.cli.typed import said, small, step_of
from tests.own import write
from tests.small import run

pytestmark = pytest.mark.xdist_group("cli")


HEAVY = ["torch", "pandas", "scipy", "transformers", "matplotlib", "wandb"]


# Start-up


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["status"],
        ["list"],
        ["sweep", "+ablation=length_dist", "--dry-run"],
    ],
    ids=lambda words: words[0],
)
def test_planning_and_status_import_nothing_heavy(words: list[str], tmp_path: Path):
    code = (
        "import sys, contextlib\nfrom mmprolong.cli import main\n"
        f"with contextlib.suppress(SystemExit): main({words!r})\n"
        f"print('heavy:', sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = run([sys.executable, "-c", code], cwd=tmp_path)
    assert done.stdout.endswith("heavy: []\n"), done.stdout + done.stderr


def test_help_takes_less_than_a_second():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert run([sys.executable, "-m", "mmprolong.cli", "--help"]).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1


def test_both_ways_to_start_a_sweep_print_the_same_plan(tmp_path: Path):
    words = ["+ablation=rope_base", "--dry-run"]
    ways = (["mmprolong.sweep", *words], ["mmprolong.cli", "sweep", *reversed(words)])
    first, second = (run([sys.executable, "-m", *way], cwd=tmp_path) for way in ways)
    assert first.returncode == second.returncode == 0
    assert first.stdout == second.stdout


# The stages, one at a time


def test_corpus_counts_pages_and_names_what_it_refused(capsys, pool: Path, tmp_path: Path):
    shown = said(capsys, "corpus", *small(pool, tmp_path))
    assert "heldout" in shown
    assert "8 to 15" in shown
    assert "broken.pdf" in shown


def test_synthesis_runs_what_it_needs_and_nothing_twice(capsys, pool: Path, tmp_path: Path):
    first = said(capsys, "synthesis", *small(pool, tmp_path))
    assert "min / median / max" in first
    assert "ocr_needle" in first
    assert {"corpus", "selection", "synthesis"} == {path.split("/")[0] for path in step_folders(Store(tmp_path))}
    assert said(capsys, "synthesis", *small(pool, tmp_path)).count("finished before") == 3


def test_synthesis_of_the_suite(capsys, pool: Path, tmp_path: Path):
    shown = said(capsys, "synthesis", "--suite", *small(pool, tmp_path), "sources.heldout.documents=1")
    assert "synthesis.heldout" in shown


def test_mixture_prints_its_certificate(capsys, pool: Path, tmp_path: Path):
    words = ["phases.longpt.mixture.tokens=6144", "--phase", "longpt", "length_distribution=uniform"]
    shown = said(capsys, "mixture", *words, *small(pool, tmp_path))
    assert "measurement/" in shown
    assert "6,144" in shown
    assert "33.3%" in shown
    assert "repeats" in shown


def test_tracking_off_is_off():
    assert Composer().compose(["tracking=off"]).tracking.mode == "off"


# Looking


def test_show_prints_a_seeded_sample_of_what_an_arm_is_trained_on(capsys, swept: Path):
    words = ["show", "length_dist/uniform", "-n", "3", "--task", "reasoning", "--store", str(swept)]
    shown = said(capsys, *words)
    assert shown.count("task      reasoning") == 3
    for part in ("document", "page", "question", "answer", "evidence", "tokens", "supervised"):
        assert part in shown
    assert said(capsys, *words) == shown
    assert said(capsys, *words, "--seed", "1") != shown


@pytest.mark.parametrize(("stage", "values"), [("reply", 0), ("score", 2)])
def test_show_puts_replies_beside_their_targets(capsys, swept: Path, stage: str, values: int):
    shown = said(capsys, "show", step_of(swept, stage), "-n", "2", "--store", str(swept))
    assert [shown.count(part) for part in ("reply  ", "target  ", "value  ")] == [2, 2, values]
    assert "find " in shown or "list " in shown or "of" in shown


def test_show_of_an_untrained_baseline_shows_an_arm_that_is_trained(capsys, swept: Path):
    assert "mixture.longpt" in said(capsys, "show", "length_dist", "-n", "1", "--store", str(swept))
    assert "length_dist/base/s0" in said(capsys, "show", "length_dist/base", "-n", "1", "--store", str(swept))


def test_diff_of_points_names_what_they_differ_in(capsys, monkeypatch: pytest.MonkeyPatch, swept: Path):
    monkeypatch.setenv("COLUMNS", "200")
    shown = said(capsys, "diff", "length_dist/uniform", "length_dist/long_biased/0", "--store", str(swept))
    assert "length_dist/uniform/s0" in shown
    assert "lengths.tilt" in shown
    assert "in both" in shown
    shown = said(capsys, "diff", "length_dist/uniform", "length_dist/base", "--store", str(swept))
    assert "phase" in shown


def test_diff_names_the_points_that_a_shorter_name_stands_for(capsys, swept: Path):
    shown = said(capsys, "diff", "length_dist", "length_dist/base", "--store", str(swept))
    assert shown.startswith("A length_dist/base/s0\nB length_dist/base/s0\n")


def test_diff_of_steps_goes_down_to_the_settings(capsys, swept: Path):
    trained = [path for path in step_folders(Store(swept)) if path.startswith("training/longpt")]
    shown = said(capsys, "diff", *trained, "--store", str(swept))
    assert "training > mixture" in shown
    assert "lengths.tilt" in shown


def test_diff_counts_what_two_mixtures_share(capsys, swept: Path):
    mixtures = [path for path in step_folders(Store(swept)) if path.startswith("mixture/longpt")]
    shown = said(capsys, "diff", *mixtures, "--store", str(swept))
    whole = next(line.split() for line in shown.splitlines() if line.strip().startswith("all "))
    both, only_a, only_b = (int(whole[index].replace(",", "")) for index in (2, 4, 6))
    tokens = sorted(Store(swept).record(*path.split("/")).metrics["tokens"] for path in mixtures)  # type: ignore[union-attr]
    assert sorted([both + only_a, both + only_b]) == tokens


def test_why_goes_down_to_the_pool(capsys, swept: Path):
    shown = said(capsys, "why", step_of(swept, "score"), "--store", str(swept))
    for part in ("score, version", "reply, version", "corpus, version", "digest", "see above"):
        assert part in shown


def test_a_step_is_found_by_its_hash(swept: Path):
    steps = Steps(Store(swept))
    assert [steps.find(path.rpartition("-")[2]).path for path in steps.paths] == steps.paths


def test_status_can_be_watched_until_all_is_finished(capsys, swept: Path):
    assert said(capsys, "status", "--watch", "--store", str(swept)).count("finished") == 3


def test_states_are_there_for_programs(capsys, swept: Path):
    found = json.loads(said(capsys, "status", "--store", str(swept), "--json"))["length_dist"]
    assert found["finished"] and {each["state"] for each in found["steps"].values()} == {"finished"}
    assert all(0 <= mean <= 1 for point in found["points"] for mean in point["scores"].values())


def test_list_names_every_ablation_and_choice(capsys):
    shown = " ".join(said(capsys, "list").split())
    assert all(name in shown for name in ablations())
    assert all(choice in shown for group, choices in groups().items() if group != "ablation" for choice in choices)


def test_list_goes_past_a_broken_file(capsys, tmp_path: Path):
    own = write(tmp_path, {"sweeps/ablation/mine.yaml": "# @package _global_\nsweep: {name: other, arms: 3}\n"})
    assert main(["list", "--config-dir", str(own)]) == 1
    shown = capsys.readouterr().out
    assert "mine.yaml: sweep.question: missing; give a value\n" in shown
    assert all(name in shown for name in (*ablations(), "groups: "))


# What goes wrong


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["synthesis", "tasks=9_2"], "did you mean '8_2'?"),
        (["corpus", "corpus.pth=x"], "did you mean 'path'?"),
        (["sweep", "+ablation=lenth_dist"], "did you mean 'length_dist'?"),
        (["sweep"], "add +ablation=NAME"),
        (["corpus", "+ablation=length_dist"], "leave the ablation out"),
        (["corpus", "corpus.path=."], "holds no .pdf"),
        (["corpus", "corpus.path=nowhere"], "is not a folder"),
        (["mixture", "--phase", "lonpt"], "did you mean 'longpt'?"),
        (["status", "rope_base"], "begin with python -m mmprolong.sweep +ablation=rope_base"),
        (["report", "rop_base"], "did you mean 'rope_base'?"),
        (["show", "rope_base"], "not launched"),
        (["show", "length_dst"], "did you mean 'length_dist'"),
        (["why", "nothing-0000"], "not in store"),
        (["why", "length_dst"], "did you mean 'length_dist'"),
        (["why", "length_dist/base"], "not launched"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_mistake_is_one_line_with_the_way_out(capsys, monkeypatch, tmp_path: Path, words: list[str], says: str):
    monkeypatch.chdir(tmp_path)
    assert says in said(capsys, *words, code=1)
    assert step_folders(Store(tmp_path / "store")) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["show", "longpt-unifrm"], "did you mean 'longpt-uniform"),
        (["show", "longpt"], "are named so"),
        (["show", "length_dist", "--task", "reading"], "--task: none is of 'reading'"),
        (["show", "length_dist/unifrm"], "did you mean 'uniform'?"),
        (["show", "length_dist/uniform/7"], "has no seed 7; allowed: 0"),
        (["diff", "length_dist/uniform", "longpt"], "ablation 'longpt': not launched from"),
        (["cancel", "length_dist", "unifrom"], "did you mean 'uniform'?"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_misspelt_step_or_point_is_answered_with_the_nearest(capsys, swept: Path, words: list[str], says: str):
    assert says in said(capsys, *words, "--store", str(swept), code=1)


def test_show_of_a_training_step_says_what_can_be_shown(capsys, swept: Path):
    said_ = said(capsys, "show", step_of(swept, "training"), "--store", str(swept), code=1)
    assert "measurement, mixture" in said_


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["statsu"], "Did you mean 'status'?"),
        (["sweep", "--dryrun"], "'--dry-run'"),
        (["show", "rope_base", "-n", "0"], "0 is not in the range x>=1"),
        (["report", "--from", "x.parquet"], "of which ablation?"),
    ],
    ids=" ".join,
)
def test_what_is_no_command_of_ours_is_refused_with_its_usage(capsys, words: list[str], says: str):
    assert main(words) == 2
    assert says in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_error(swept: Path):
    words = f"{sys.executable} -m mmprolong.cli show length_dist -n 500 --store {swept} | head -1"
    done = run(["bash", "-c", words])
    assert done.stdout.count("\n") == 1
    assert done.stderr == ""


def test_fetch_says_what_it_needs(capsys, monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get" in said(capsys, "fetch", str(tmp_path / "pdfs"), code=1)
