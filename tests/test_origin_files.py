"""What is wrong in a file that the user wrote is told with the file and its line: as the command prints it."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mmprolong.cli import main
from mmprolong.config.groups import OPTION
from tests.corpus.pdfs import write_pdf
from tests.own import write

MINE = """\
# @package _global_
sweep:
  name: mine
  question: Mine?
  source: me
  baseline: a
  points:
    a: [rope=mine]
    b: [rope=base_x2]
    c:
      - rope=base_x8
      - task_mix=2_8
"""
ABLATION, ROPE, CORPUS = "sweeps/ablation/mine.yaml", "conf/rope/mine.yaml", "conf/corpus/mine.yaml"
HEADER = "# @package phases.longpt.rope\n"

Refused = Callable[..., list[str]]


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Refused:
    """The lines in which the ablation `mine` of a folder of the user's own is refused, typed in that folder."""
    write_pdf(tmp_path / "pool" / "a.pdf")

    def refused(files: Mapping[str, str], *overrides: str, here: str = "own") -> list[str]:
        own = write(tmp_path / "own", {ABLATION: MINE, ROPE: f"{HEADER}factor: 1\n", **files})
        monkeypatch.chdir(tmp_path / here)
        places = [f"corpus.path={tmp_path / 'pool'}", f"paths.store={tmp_path / 'store'}", OPTION, str(own)]
        assert main(["sweep", "+ablation=mine", "--dry-run", *overrides, *places]) == 1
        out, err = capsys.readouterr()
        assert out == "" and not (tmp_path / "store" / "plans").exists()
        return err.removeprefix("error: ").splitlines()

    return refused


# Values


def test_the_last_file_that_set_a_value_is_named_wherever_it_puts_it(refused: Refused):
    """Groups, `@package` headers, nested packages, defaults of files, lists over lines, the ablation's own blocks."""
    files = {
        "conf/model/first.yaml": "# @package _global_\nmodel:\n  window: 0\n  dtype: float33\n",
        "conf/model/second.yaml": "# @package _global_\ndefaults: [first, _self_]\nmodel:\n  window: -1\n",
        "conf/suite/mine.yaml": "# @package suite\ndefaults: [proxy, _self_]\nnew_tokens: 0\nbatch: 0\n",
        "conf/training/mine.yaml": "# @package phases\ndefaults: [proxy, _self_]\nlongpt:\n  mixture: {tokens: -5}\n"
        "  optimizer:\n    frozen:\n      - vision\n      - visio\n",
        ROPE: f"{HEADER}# minus four\nfactor: -4\n",
        ABLATION: MINE
        + "suite:\n  batch: -3\ncorpus: {dpi: '${phases.longpt.mixture.tokens}'}\nphases: {sft: {seed: -7}}\n",
    }
    lines = refused(files, "model=second", "suite=mine", "training=mine")
    assert [line.partition(";")[0] for line in lines] == [
        f"{ABLATION}:15 (${{phases.longpt.mixture.tokens}}: conf/training/mine.yaml:4): corpus.dpi: -5",
        "conf/model/second.yaml:4: model.window: -1",
        "conf/model/first.yaml:4: model.dtype: 'float33' is unknown",
        "conf/training/mine.yaml:4: phases.longpt.mixture.tokens: -5",
        f"{ROPE}:3: mine/a: phases.longpt.rope.factor: -4.0",
        "conf/training/mine.yaml:8: phases.longpt.optimizer.frozen: 'visio' is unknown",
        f"{ABLATION}:16: phases.sft.seed: -7",
        "conf/suite/mine.yaml:3: suite.new_tokens: 0",
        f"{ABLATION}:14: suite.batch: -3",
    ]


def test_a_block_that_leaves_a_value_at_its_default_is_named(refused: Refused):
    phase = (
        "phases:\n  more:\n    mixture: {tokens: 9, supervision: {ocr_full: 1}}\n    source:\n      tasks: [ocr_full]\n"
    )
    assert [line.partition(";")[0] for line in refused({ABLATION: MINE + phase})] == [
        f"default of the schema (phases.more.source: {ABLATION}:16): phases.more.source.{key}"
        for key in ("documents: 0", "pages: []")
    ]


def test_a_choice_that_the_ablation_file_makes_is_followed(refused: Refused):
    files = {
        "conf/suite/mine.yaml": "# @package suite\ndefaults: [heldout_documents, _self_]\nnew_tokens: 0\n",
        ABLATION: MINE.replace("sweep:", "defaults: [{override /suite: mine}]\nsweep:"),
    }
    assert refused(files) == ["conf/suite/mine.yaml:3: suite.new_tokens: 0; allowed: 1 or more"]


def test_a_reference_without_a_value_is_named_where_it_stands(refused: Refused):
    files = {
        CORPUS: "dpi: 144\nrenderer: at ${seed}\n",
        ABLATION: MINE + "suite:\n  overall:\n    - 2x\n    - ${gone}\n",
    }
    assert refused(files, "corpus=mine") == [
        f"{CORPUS}:2: corpus.renderer: 'at ${{seed}}'; only a whole value can stand for another: write ${{KEY}} alone",
        f"{ABLATION}:16: suite.overall: ${{gone}} names no value; write the key of one",
    ]


def test_a_path_can_be_opened_from_where_the_user_is(refused: Refused, tmp_path: Path):
    files = {ROPE: f"{HEADER}factor: -4"}
    for here, shown in (("own", ROPE), ("own/conf", "rope/mine.yaml"), ("pool", str(tmp_path / "own" / ROPE))):
        (line,) = refused(files, here=here)
        assert line.startswith(f"{shown}:2: ")


# Files that cannot be composed


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({ROPE: f"{HEADER}factr: 1"}, f"{ROPE}:2: mine/a: phases.longpt.rope.factr: unknown; did you mean 'factor'?"),
        ({ROPE: f"{HEADER}factor: abc"}, f"{ROPE}:2: mine/a: phases.longpt.rope.factor: Value 'abc' of type 'str'"),
        ({ROPE: f"{HEADER}factor: ["}, f"{ROPE}:2: mine/a: while parsing a flow node"),
        ({ROPE: f"{HEADER}factor: ${{seed"}, f"{ROPE}:2: mine/a: no viable alternative at input '${{seed'"),
        ({CORPUS: "# @package\ndpi: 3"}, f"{CORPUS}: Expected header format"),
        (
            {CORPUS: "dpi: 3\ndefaults: [{/model: prox}]"},
            f"{CORPUS}:2: model: 'prox' is unknown; did you mean 'proxy'? allowed: ",
        ),
        (
            {ABLATION: MINE.replace("sweep:", "defaults: [{override /suite: prox}]\nsweep:")},
            f"{ABLATION}:2: suite: 'prox' is unknown; did you mean 'proxy'? allowed: ",
        ),
        (
            {ABLATION: MINE.replace("sweep:", "defaults: [{override /suit: proxy}]\nsweep:")},
            f"{ABLATION}: Could not override 'suit'. No match in the defaults list.",
        ),
    ],
)
def test_a_file_that_cannot_be_composed(refused: Refused, files: dict[str, str], says: str):
    (line,) = refused(files, *(["corpus=mine"] if CORPUS in files else []))
    assert line.startswith(says)


def test_a_wrong_file_is_named_once_however_many_rows_choose_it(refused: Refused):
    rows = "".join(f"    r{number}: [rope=mine, seed.x={number}]\n" for number in range(3))
    lines = refused({ABLATION: MINE.replace("    a: [rope=mine]\n", "    a: [rope=mine]\n" + rows), ROPE: "3"})
    assert [line.partition(": ")[0] for line in lines if "seed" not in line] == [ROPE]


def test_a_stage_of_a_file_asks_for_what_all_jobs_do(refused: Refused):
    jobs = "jobs:\n  default: {minutes: 1}\n  training:\n    gpus: 1\n"
    files = {"conf/cluster/mine.yaml": f"launcher: slurm\nwarning: 60\n{jobs}"}
    lines = refused(files, "cluster=mine", "cluster.jobs.default.cpus=0")
    assert [line.split("; ")[0] for line in lines[:2]] == [
        f"override 'cluster.jobs.default.cpus=0': cluster.jobs.{stage}.cpus: 0" for stage in ("default", "training")
    ]
    lines = refused(files, "cluster=mine")
    assert [line.split("; ")[0] for line in lines] == [
        f"conf/cluster/mine.yaml:4: cluster.jobs.{stage}.minutes: 1" for stage in ("default", "training")
    ]


def test_every_wrong_file_is_named_with_what_is_wrong_besides(refused: Refused):
    lines = refused({ROPE: f"{HEADER}factr: 1", CORPUS: "dpi: ["}, "corpus=mine", "suite.batch=0")
    assert [line.partition(": ")[0] for line in lines] == [f"{CORPUS}:1", f"{ROPE}:2", "override 'suite.batch=0'"]


# The block of an ablation


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (MINE.replace("baseline: a", "baseline: d"), ":6: sweep.baseline: 'd' is no label"),
        (MINE.replace("  source", "  sourc"), ":5: sweep.sourc: unknown; did you mean 'source'?"),
        (MINE + "  seeds: [0, x]", ":13: sweep.seeds: 'x'; Expected `int`, got `str`"),
        (MINE.replace("  source: me\n", ""), ":2: sweep: Object missing required field `source`"),
        (MINE.replace("    b:", "    8_2:"), ":7: sweep.points: 82 is no text; put the name in quotes"),
        (MINE.replace("task_mix=2_8", "seed=3"), ":12: sweep: the label 'c' sets seed=3"),
        (
            MINE + "  table: length_dist\n  published: mmprolong_vtcbench.csv",
            ":14: sweep.published: 'mmprolong_vtcbench.csv', but table 'length_dist' reads",
        ),
    ],
)
def test_a_wrong_block(refused: Refused, text: str, says: str):
    (line,) = refused({ABLATION: text})
    assert line.startswith(f"{ABLATION}{says}")


# Rows


def test_a_row_is_named_by_its_line_and_label(refused: Refused):
    rows = """\
    d: [suite.batch=0, "corpus.dpi=${model.window}"]
    e: [task_mix=9_2]
    f: [phases.gone.seed=1]
    g: [nonsense]
    h: [+rope=base_x2]
    i: [phases.longpt.mixture.tokens=0.5]
    j:
      - rope=base_x8
      - "phases.longpt.source.tasks=['${gone}']"
"""
    text = (MINE + rows).replace("[rope=mine]", "[rope=mine, model.window=1]")
    lines = refused({ABLATION: text}, "model.window=0", "suite.batch=-7")
    assert [line.partition(";")[0] for line in lines] == [
        "override 'suite.batch=-7': mine/a (and 8 more): suite.batch: -7",
        "override 'model.window=0': mine/b (and 8 more): model.window: 0",
        f"{ABLATION}:13 (${{model.window}}: override 'model.window=0'): mine/d: corpus.dpi: 0",
        f"{ABLATION}:13: mine/d: suite.batch: 0",
        f"{ABLATION}:14: mine/e: task_mix: '9_2' is unknown",
        f"{ABLATION}:15: mine/f: phases.gone: unknown",
        f"{ABLATION}:16: mine/g: nonsense: Error parsing override 'nonsense'",
        f"{ABLATION}:17: mine/h: rope: is chosen by default: write it without +, rope=base_x2",
        f"{ABLATION}:18: mine/i: phases.longpt.mixture.tokens: 0.5",
        f"{ABLATION}:21: mine/j: phases.longpt.source.tasks: ${{gone}} names no value",
    ]


def test_a_row_that_is_asked_other_questions_is_named_beside_the_baseline(refused: Refused):
    (line,) = refused({ABLATION: MINE.replace("task_mix=2_8", "suite.source.seed=7")}, "suite.source.seed=8")
    says = "suite.source.seed: 7, but 8 in 'a' (override 'suite.source.seed=8'); ask all rows the same questions"
    assert line == f"{ABLATION}:12: mine/c: {says}"


def test_a_baseline_that_differs_from_all_rows_is_named_beside_them(refused: Refused):
    text = MINE.replace("[rope=mine]", "[rope=mine, suite.scorer=exact_match]")
    suite = "# @package suite\ndefaults: [proxy, _self_]\nscorer: stamps\n"
    (line,) = refused({ABLATION: text, "conf/suite/mine.yaml": suite}, "suite=mine")
    says = f"suite.scorer: 'stamps', but 'exact_match' in 'a' ({ABLATION}:8); ask all rows the same questions"
    assert line == f"conf/suite/mine.yaml:3: mine/b (and 1 more): {says}"


def test_rows_and_overrides_of_the_command_line_are_told_apart(refused: Refused):
    """What all rows have is said once; what the rows set wins over what is typed."""
    text = MINE.replace("task_mix=2_8", "suite.new_tokens=0")
    lines = refused({ABLATION: text}, "suite.batch=0", "suite.new_tokens=-7", "+sweep.points.d=['corpus.dpi=0']")
    assert [line.partition(";")[0] for line in lines] == [
        "override 'suite.new_tokens=-7': mine/a (and 2 more): suite.new_tokens: -7",
        "override 'suite.batch=0': suite.batch: 0",
        f"{ABLATION}:12: mine/c: suite.new_tokens: 0",
        "override \"+sweep.points.d=['corpus.dpi=0']\": mine/d: corpus.dpi: 0",
    ]


def test_what_many_points_have_is_said_once_with_the_line_of_the_axis(refused: Refused):
    axes = """\
  grid:
    - x: [rope=base_x1]
      z: [rope=base_x2]
    - y: [suite.batch=-1]
      t:
        - task_mix=2_8
        - suite.scorer=exact_mtch
  zip:
    - v: [rope=base_x3]
    - w: [task_mix=2_8]
"""
    lines = refused({ABLATION: MINE + axes}, "sweep.seeds=[0,1,2]")
    assert [line.partition(";")[0] for line in lines] == [
        f"{ABLATION}:16: mine/x / y (and 1 more): suite.batch: -1",
        f"{ABLATION}:19: mine/x / t (and 1 more): suite.scorer: 'exact_mtch' is unknown",
        f"{ABLATION}:21: mine/v / w: rope: 'base_x3' is unknown",
    ]


def test_all_that_is_wrong_is_said_at_once_wherever_it_is_set(refused: Refused):
    files = {
        ABLATION: MINE.replace("task_mix=2_8", "phases.sft.seed=-3").replace("baseline: a", "baseline: z")
        + "suite:\n  new_tokens: 0",
        ROPE: f"{HEADER}factor: -4",
    }
    assert [line.partition(";")[0] for line in refused(files, "suite.batch=0")] == [
        f"{ABLATION}:6: sweep.baseline: 'z' is no label",
        f"{ROPE}:2: mine/a: phases.longpt.rope.factor: -4.0",
        f"{ABLATION}:14: suite.new_tokens: 0",
        "override 'suite.batch=0': suite.batch: 0",
        f"{ABLATION}:12: mine/c: phases.sft.seed: -3",
    ]
