"""What cannot run, or would be ignored, is refused when it is composed: key, finding and what is allowed."""

import pytest

from mmprolong.config.compose import Composer
from mmprolong.config.ranges import RULES
from mmprolong.errors import ConfigError
from mmprolong.synthesis.stage import WRITERS
from mmprolong.training.loop import PARTS

TASKS = "phases.longpt.source.tasks"
MIXTURE = "phases.longpt.mixture"
OPTIMIZER = "phases.longpt.optimizer"


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer()


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("suite.overall=[99x]", "); allowed: 16x, 1x, 2x, 4x, 8x"),
        ("suite.trained=77x", "suite.trained: '77x': not in suite.labels"),
        ("suite.labels=[1x,2x]", ") has 5 ranges: name each"),
        ("suite.labels=[] suite.trained=''", "without suite.labels lengths are called 1K, 2K, 4K, ... tokens"),
        ("suite.source.writer=template", "takes the pool's own documents, as long as they are: set suite.labels=[]"),
        ("suite.source.pages=[[8,4]] suite.labels=[1x]", "suite.source.pages: [8, 4]; allowed: [shortest, longest]"),
        ("suite.source.pages=[[0,4]]", "suite.source.pages: [0, 4]; allowed: [shortest, longest], from 1 page on"),
        ("suite.source.pages=[]", "suite.source.pages: []; stamped documents are composed"),
        ("suite.source.tasks=[nonsense]", "suite.source.tasks: 'nonsense' is unknown; allowed: arithmetic"),
        ("suite.source.tasks=[]", "suite.source.tasks: []; name one or more of extract_single"),
        ("suite.source.documents=0", "suite.source.documents: 0; stamped documents are composed: ask for 1 or more"),
        ("suite.source.documents=-1", "suite.source.documents: -1; allowed: 0 or more"),
        ("suite.source.turns=0", "suite.source.turns: 0; allowed: 1 or more"),
        ("suite.source.writer=stamp", "did you mean 'stamps'?"),
        ("suite.source.split=held", "did you mean 'heldout'?"),
        ("suite.benchmark=held", "did you mean 'heldout'?"),
        ("suite.new_tokens=0", "suite.new_tokens: 0; allowed: 1 or more"),
        ("seed=-1 phases.sft.seed=0", "phases.longpt.seed: -1; allowed: 0 or more"),
        ("model.window=-4", "model.window: -4; allowed: 1 or more"),
        ("model.dtype=float33", "did you mean 'float32'?"),
        ("corpus.heldout=1.5", "corpus.heldout: 1.5; allowed: 0 to 1"),
        ("corpus.dpi=0", "corpus.dpi: 0; allowed: 1 or more"),
        (f"{OPTIMIZER}.peak=-1", "optimizer.peak: -1.0; allowed: 0 or more"),
        (f"{OPTIMIZER}.peak=nan", "optimizer.peak: nan; allowed: 0 or more"),
        (f"{OPTIMIZER}.peak=inf", "optimizer.peak: inf; allowed: 0 or more"),
        (f"{OPTIMIZER}.batch=0", "optimizer.batch: 0; allowed: 1 or more"),
        (f"{OPTIMIZER}.warmup=2", "optimizer.warmup: 2.0; allowed: 0 to 1"),
        (f"{OPTIMIZER}.beta2=1", "optimizer.beta2: 1.0; allowed: 0 or more, below 1"),
        (f"{OPTIMIZER}.frozen=[visio]", "did you mean 'vision'?"),
        ("phases.longpt.rope.factor=-2", "rope.factor: -2.0; allowed: 0 or more"),
        (f"{MIXTURE}.tokens=-3", "mixture.tokens: -3; allowed: 0 or more"),
        (f"{MIXTURE}.short=1.5", "mixture.short: 1.5; allowed: 0 to 1"),
        (f"{MIXTURE}.pack=0", "mixture.pack: 0; allowed: 1 or more"),
        (f"{MIXTURE}.pack=1", ") has 8 pages: raise it"),
        (f"{MIXTURE}.supervision={{vqa:-1.0}}", "mixture.supervision.vqa: -1.0; allowed: 0 or more"),
        (f"{MIXTURE}.supervision={{vqq:1.0}}", "mixture.supervision.vqq: unknown; did you mean 'vqa'?"),
        (f"{MIXTURE}.supervision={{vqa:0.0}}", "{'vqa': 0.0}; at least one share must be positive"),
        (f"{MIXTURE}.supervision={{arithmetic:1.0}}", "asks for arithmetic: add it here"),
        (f"{MIXTURE}.task_mix={{}}", "phases.longpt.mixture.task_mix: empty, but supervision asks for vqa"),
        (f"{MIXTURE}.task_mix={{reasonin:1.0}}", "mixture.task_mix.reasonin: unknown; did you mean 'reasoning'?"),
        (f"{MIXTURE}.length.edges=[4,2]", "phases.longpt.mixture.length.edges: [4, 2]; two or more rising"),
        (f"{TASKS}=[extract_single]", "['extract_single']; phases.longpt.mixture.task_mix"),
        ("+phases.lngpt={mixture:{tokens:9}}", "phases.lngpt: a phase without source.tasks and mixture.supervision"),
        ("+phases.lngpt={mixture:{tokens:9}}", "did you mean 'longpt'?"),
        ("suite.labels=[1/2x,2x,4x,8x,16x]", "suite.labels: '1/2x'; allowed: lengths such as 4x, 64K or 1M"),
        ("paths.store=ü", "paths.store: 'ü' cannot be read; if it is a text, put it in quotes: \"paths.store='ü'\""),
        ("paths.store=", "paths.store: ''; allowed: the name of a folder"),
        ("cluster.processes=-1", "cluster.processes: -1; allowed: 0 or more"),
        ("cluster.launcher=slrm", "did you mean 'slurm'?"),
        ("+cluster.step_seconds.trainin=1", "cluster.step_seconds.trainin: unknown; did you mean 'training'?"),
        (
            "cluster=slurm_cpu +cluster.jobs.defalt={nodes:1}",
            "cluster.jobs.defalt: unknown; did you mean 'default'?",
        ),
        ("cluster=slurm_cpu cluster.jobs.default.nodes=0", "cluster.jobs.default.nodes: 0; allowed: 1 or more"),
        ("cluster.training_tokens_per_second=0", "training_tokens_per_second: 0.0; allowed: more than 0"),
        ("training.threads=0", "training.threads: 0; allowed: 1 or more"),
    ],
)
def test_what_cannot_run_is_refused_in_one_line(composer: Composer, override: str, says: str):
    with pytest.raises(ConfigError) as caught:
        composer.compose(override.split())
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "override",
    [
        f"{OPTIMIZER}.peak=0.0",
        f"{MIXTURE}.tokens=0 {MIXTURE}.supervision={{}}",
        f"{MIXTURE}.tokens=0 {TASKS}=[]",
        "suite=heldout_documents suite.overall=[64K,128K]",
        "suite.labels=[] suite.overall=[] suite.trained=''",
        "phases.text.source.pages=[[9,9]] phases.text.mixture.pack=9",
        "corpus.heldout=0",
        "suite.batch=1",
    ],
)
def test_what_runs_is_accepted(composer: Composer, override: str):
    composer.compose(override.split())


def test_all_that_is_wrong_is_said_at_once(composer: Composer):
    with pytest.raises(ConfigError) as caught:
        composer.compose([f"{OPTIMIZER}.peak=-1", "suite.trained=77x", "model.window=0"])
    assert len(str(caught.value).splitlines()) == 3


def test_every_rule_is_about_a_field():
    assert not [(kind, key) for kind, rules in RULES.items() for key in rules if key not in kind.__dataclass_fields__]


@pytest.mark.parametrize(("kind", "key", "known"), [("Source", "writer", WRITERS), ("Optimizer", "frozen", PARTS)])
def test_the_names_are_those_that_the_stages_know(kind: str, key: str, known: tuple[str, ...]):
    rule = next(rules[key] for each, rules in RULES.items() if each.__name__ == kind)
    plain = key == "writer"
    assert not [name for name in known if list(rule(key, name if plain else [name]))]
    (said,) = rule(key, "?" if plain else ["?"])
    assert said.said.endswith(f"allowed: {', '.join(sorted(known))}")
