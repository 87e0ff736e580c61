"""An error names what set the value that is wrong: a line of a file, or an override."""

from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.config.compose import Composer
from mmprolong.config.groups import root
from mmprolong.config.layer import Layer
from mmprolong.errors import ConfigError

SUITE = "conf/suite/proxy.yaml"


def told(*overrides: str) -> list[str]:
    """The lines in which a configuration is refused."""
    with pytest.raises(ConfigError) as caught:
        Composer().compose(overrides)
    return str(caught.value).splitlines()


def line_of(file: str, text: str) -> str:
    """The place of the first line of one of our files in which `text` stands."""
    path = root("conf").parent / file
    number = next(at for at, line in enumerate(path.read_text().splitlines(), 1) if text in line)
    return f"{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}:{number}"


# Overrides


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["suite.batch=0"], "override 'suite.batch=0': suite.batch: 0; allowed: 1 or more"),
        (["suite.batch=3", "suite.batch=0"], "override 'suite.batch=0': suite.batch: 0;"),
        (["suite.batch=-1", "suite.batch=0"], "override 'suite.batch=0': suite.batch: 0;"),
        (
            ["suite.source={tasks:[reasoning],pages:[[1,2]]}"],
            "override 'suite.source={tasks:[reasoning],pages:[[1,2]]}': ",
        ),
        (["suite.source={tsks:[a]}"], "suite.source.tsks: unknown; did you mean 'tasks'?"),
        (["phases.longpt.mixture.supervision.vqa=0"], "override 'phases.longpt.mixture.supervision.vqa=0': phases."),
        (["task_mix=9_2"], "override 'task_mix=9_2': task_mix: '9_2' is unknown; did you mean '8_2'?"),
        (["+rope=base_x1"], "override '+rope=base_x1': rope: is chosen by default: write it without +, rope=base_x1"),
        (["ablation=rope_base"], "override 'ablation=rope_base': ablation: is not chosen by default: add it with +,"),
        (["rope@x=base_x1"], "override 'rope@x=base_x1': rope@x: only key=value"),
        (["nonsense"], "override 'nonsense': nonsense: "),
        (["=3"], "override '=3': unknown; allowed: "),
        (["phases.longpt.mixture.tokens=0.5"], "phases.longpt.mixture.tokens: 0.5; Expected `int`, got `float`"),
        (
            ["seed=-1", "phases.sft.seed=0"],
            " (${seed}: override 'seed=-1'): phases.longpt.seed: -1; allowed: 0 or more",
        ),
        (["corpus.dpi=${model.seed}"], "override 'corpus.dpi=${model.seed}' (${model.seed}: "),
        (["tracking.project=${phases.sft.seed}"], "${phases.sft.seed} is ${seed} itself; write that one"),
        (
            ["cluster=slurm_cpu", "cluster.jobs.reply.cpus=0"],
            "override 'cluster.jobs.reply.cpus=0': cluster.jobs.reply.",
        ),
        (
            ["cluster=slurm_cpu", "cluster.jobs.trainig.cpus=2"],
            "cluster.jobs.trainig: unknown; did you mean 'training'?",
        ),
    ],
)
def test_an_override_is_named(overrides: list[str], says: str):
    lines = told(*overrides)
    assert says in lines[0], lines


def test_a_stage_names_what_was_set_for_all_stages():
    zero = "cluster.jobs.default.cpus=0"
    assert told("cluster=slurm_cpu", "cluster.jobs.reply.memory=9", zero) == [
        f"override {zero!r}: cluster.jobs.{stage}.cpus: 0; allowed: 1 or more" for stage in ("default", "reply")
    ]


def test_two_keys_that_do_not_fit_have_two_places():
    (line,) = told("suite.source.pages=[[8,8]]")
    assert line.startswith(f"{line_of(SUITE, 'labels:')}: suite.labels: ")
    assert "suite.source.pages (override 'suite.source.pages=[[8,8]]') has 1 ranges" in line


def test_all_wrong_overrides_are_named_at_once():
    assert [line.split(": ")[1] for line in told("suit.batch=1", "phases.longpt.gone=1", "suite.batch=2")] == [
        "suit",
        "phases.longpt.gone",
    ]
    assert len(told("nonsense", "~suite", "suite.batch=2")) == 2
    assert len(told("task_mix=9_2", "rope=base_x3", "suite.batch=2")) == 2
    assert len(told("suite.batch=x", "phases.longpt.mixture.tokens=y", "phases.sft.seed=z")) == 3
    assert len(told("tracking.project=${a}", "paths.store=${b}", "suite.batch=2")) == 2


def test_what_is_wrong_in_another_way_is_named_with_it():
    wrong = [
        "nonsense",
        "rope=base_x3",
        "phases.longpt.gone=1",
        "model.window=x",
        "suite.batch=0",
        "suite.new_tokens=9",
    ]
    assert [line.partition(": ")[0] for line in told(*wrong)] == [f"override {text!r}" for text in wrong[:5]]


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["cluster=slurm_h10", "cluster.jobs.default.minutes=100"], ["cluster"]),
        (["rope=base_x2", "rope.factor=3"], ["rope.factor"]),
        (["phases.longpt=3", "phases.longpt.source.documents=8"], ["phases.longpt"]),
        (
            ["+phases.mine={seed: -1, source: {tasks: [reasoning]}}", "phases.mine.mixture.tokens=3"],
            ["phases.mine.seed"],
        ),
        (["phases.longpt.seed=0.5", "phases.longpt={seed: 0.25}"], ["phases.longpt.seed"]),
    ],
)
def test_what_is_right_is_not_called_wrong(overrides: list[str], lines: list[str]):
    assert [line.split("': ")[1].split(": ")[0] for line in told(*overrides)] == lines


def test_what_is_typed_last_is_blamed():
    peak, block = "phases.longpt.optimizer.beta1=0.5", "phases.longpt.optimizer={beta1: 8}"
    assert told(peak, block)[0].startswith(f"override {block!r}: ")


def test_what_only_follows_from_what_is_wrong_is_not_named():
    assert len(told("training=longpt_5bb", "phases.mine.seed=x")) == 1
    assert len(told("cluster=slurm_cp", "phases.mine.seed=x")) == 2
    assert len(told("suite.source.pages=x", "suite.labels=[9x]")) == 1


def test_a_choice_and_a_value_of_a_block_called_alike_are_told_apart():
    choice, value = told("training=longpt_5bb", "training.threads=0")
    assert choice.startswith("override 'training=longpt_5bb': training: 'longpt_5bb' is unknown")
    assert value.startswith("override 'training.threads=0': training.threads: 0; allowed: 1 or more")


@pytest.mark.parametrize("command", [["corpus"], ["mixture"], ["sweep", "--dry-run", "+ablation=rope_base"]])
def test_every_command_names_it(capsys: pytest.CaptureFixture[str], command: list[str]):
    assert main([*command, "corpus.path=/nowhere"]) == 1
    assert capsys.readouterr().err.startswith(
        "error: override 'corpus.path=/nowhere': corpus.path: '/nowhere' is not a"
    )


def test_a_phase_that_is_left_out_names_what_leaves_it_out(capsys: pytest.CaptureFixture[str]):
    assert main(["mixture", "--phase", "sft"]) == 1
    place = line_of("conf/training/proxy.yaml", "tokens: 0")
    assert capsys.readouterr().err.startswith(f"error: {place}: phases.sft.mixture.tokens: 0 leaves the phase out")


# Layers


def test_a_value_that_is_merged_in_by_an_anchor_is_found_where_it_is_written(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("one: &one\n  x: 1\n  y: 2\ntwo:\n  <<: *one\n  y: 3\n")
    layer = Layer(file, ("a", "b"))
    found = [layer.find(("a", "b", "two", key)) for key in ("x", "y", "z")]
    assert [each and (each.line, each.value) for each in found] == [(2, "1"), (6, "3"), None]


def test_what_a_file_has_nothing_to_do_with_is_not_in_it(tmp_path: Path):
    file = tmp_path / "a.yaml"
    file.write_text("# about\nx: [1, {y: 2}]\nz: null\n")
    layer = Layer(file, ("a",))
    asked = [("a",), ("a", "x", 1, "y"), ("a", "z", "t"), ("b",), ("a", "y"), ("a", "x", 7)]
    assert [found and found.line for found in map(layer.find, asked)] == [2, 2, 3, None, None, 2]


@pytest.mark.parametrize("text", ["", "# nothing\n", "x: [", "\t"])
def test_a_file_without_values_sets_none(tmp_path: Path, text: str):
    (tmp_path / "a.yaml").write_text(text)
    assert Layer(tmp_path / "a.yaml").find(("x",)) is None
