"""What cannot run, or would be ignored, is refused when it is composed: key, finding and what is allowed."""

import pytest

from mmprolong.config.compose import Composer
from mmprolong.errors import ConfigError

COMPONENTS = "phases.longpt.mixture.components"
LONG = f"{COMPONENTS}.long"
OPTIMIZER = "phases.longpt.optimizer"
JOBS = "cluster.jobs"


@pytest.fixture(scope="module")
def composer() -> Composer:
    return Composer()


def told(composer: Composer, *overrides: str) -> str:
    with pytest.raises(ConfigError) as caught:
        composer.compose(overrides)
    return str(caught.value)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("nonsense", "nonsense: not an override; write key=value, group=choice"),
        ("=3", "not an override"),
        ("rope@x=base_x1", "rope@x: not an override"),
        ("seed=1,2", "seed: '1,2' is several values; put a text in quotes, \"seed='1,2'\""),
        ("paths.store=ü", "paths.store: 'ü' cannot be read; if it is a text, put it in quotes: \"paths.store='ü'\""),
        ("~view.dip", "view.dip: Key not found: 'dip'"),
        ("tasks=9_2", "tasks: '9_2' is unknown; did you mean '8_2'?"),
        ("suit=proxy", "suit: unknown; did you mean 'suite'?"),
        ("rope.factor=3", "rope: no block of settings; choose rope=NAME: base_x1, base_x2,"),
        ("phases.longpt.mixture.tokns=3", "phases.longpt.mixture.tokns: unknown; did you mean 'tokens'?"),
        ("phases.lonpt.mixture.tokens=3", "phases.lonpt: has no mixture.components; did you mean 'longpt'?"),
        (f"{COMPONENTS}.lng.share=0.1", f"{COMPONENTS}.lng.source: '' is no source; allowed: "),
        ("suite.benchmarks.heldout.after=more", "suite.benchmarks.heldout.after: 'more' is no benchmark before it"),
        ("sources.lng.documents=1", "sources.lng: has no tasks; did you mean 'long'?"),
        ("suite.benchmarks.held.new_tokens=1", "suite.benchmarks.held.source: '' is no source; allowed: "),
        ("llms.judge.dpi=72", "llms.judge: has no model; allowed: (nothing)"),
        ("phases.longpt.start=['${suite.bench}']", "phases.longpt.start.0: Interpolation key 'suite.bench' not found"),
    ],
)
def test_an_override_is_refused(composer: Composer, override: str, says: str):
    assert says in told(composer, override)


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("phases.longpt.mixture.tokens=abc", "phases.longpt.mixture.tokens: 'abc'; should be a valid integer"),
        ("phases.longpt.mixture.tokens='3'", "phases.longpt.mixture.tokens: '3'; should be a valid integer"),
        ("phases.longpt.mixture.tokens=3.5", "phases.longpt.mixture.tokens: 3.5; should be a valid integer"),
        ("phases.longpt.mixture.tokens=true", "phases.longpt.mixture.tokens: True; should be a valid integer"),
        ("phases.longpt.mixture.tokens=5e9", "should be a valid integer: write 5_000_000_000"),
        (f"{OPTIMIZER}.peak_lr='1e-5'", f"{OPTIMIZER}.peak_lr: '1e-5'; should be a valid number"),
        (f"{OPTIMIZER}.peak_lr=inf", f"{OPTIMIZER}.peak_lr: inf; should be a finite number"),
        (f"{OPTIMIZER}.peak_lr=nan", f"{OPTIMIZER}.peak_lr: nan; should be"),
        (f"{OPTIMIZER}.warmup_ratio=2", f"{OPTIMIZER}.warmup_ratio: 2; should be less than or equal to 1"),
        (f"{OPTIMIZER}.frozen=[vision,visio]", f"{OPTIMIZER}.frozen.1: 'visio'; did you mean 'vision'?"),
        ("phases.longpt.rope.kind=dynamic", "phases.longpt.rope.kind: 'dynamic'; allowed: base, ntk, yarn"),
        ("tracking.mode=ofline", "tracking.mode: 'ofline'; did you mean 'offline'?"),
        ("suite=3", "suite: '3' is unknown"),
        ("suite.benchmarks=3", "suite.benchmarks: 3; should be an object"),
        ("suite.overall=2x", "suite.overall: '2x'; should be a valid array"),
        ("paths.store=", "paths.store: ''; String should have at least 1 character"),
        ("cluster.account=123", "123; should be a valid string: write it in quotes, \"cluster.account='123'\""),
        ("cluster.account={1: 2}", "cluster.account: the name 1 is no text; put it in quotes"),
        (f"{JOBS}.reply.flags.exclude=n1,n2", f"put a text in quotes, \"{JOBS}.reply.flags.exclude='n1,n2'\""),
        ("model.backbone=prxy", "model.backbone: 'prxy' is unknown; did you mean 'proxy'?"),
        ("model.backbone=3", "model.backbone: 3; should be a name, or {name: ..., **options}"),
        ("suite.benchmarks.heldout.scorer=stamp", "suite.benchmarks.heldout.scorer: 'stamp' is unknown"),
        ("view.renderer={name: pymupdf, scle: 2}", "view.renderer.scle: unknown"),
        ("phases.sft.objective=next_tok", "phases.sft.objective: 'next_tok' is unknown; did you mean 'next_token'?"),
    ],
)
def test_a_value_is_of_its_type_and_in_its_limits(composer: Composer, override: str, says: str):
    assert says in told(composer, override)


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["suite.subject=sf"], "suite.subject: 'sf' is no phase; did you mean 'sft'?"),
        (
            ["suite.benchmarks.heldout.source=held"],
            "suite.benchmarks.heldout.source: 'held' is no source; did you mean",
        ),
        (["~suite.benchmarks.heldout"], "suite.benchmarks: {}; name at least one"),
        (
            ["suite.overall=[99x]"],
            "suite.overall: '99x' is no length of the benchmarks' sources; allowed: 16x, 1x, 2x, 4x, 8x",
        ),
        (["suite.trained=77x"], "suite.trained: '77x' is no length of the benchmarks' sources"),
        (["suite=heldout_documents", "suite.trained=long"], "suite.trained: 'long'; a length such as '4x', '64K'"),
        (["sources.heldout.lengths=[{name: 1/2x, pages: [4, 4]}]"], "sources.heldout.lengths.0.name: '1/2x'; a length"),
        (["sources.long.lengths=[{pages: [8, 4]}]"], "sources.long.lengths.0.pages: [8, 4]; give [shortest, longest]"),
        (["sources.long.lengths=[]"], "sources.long.lengths: []; stamped documents are composed"),
        (["sources.long.documents=0"], "sources.long.documents: 0; stamped documents are composed: ask for 1 or more"),
        (["sources.long.writer=llm"], "sources.long.llm: '' is no language model; allowed: (nothing)"),
        (["suite.benchmarks.heldout.judge=gpt"], "suite.benchmarks.heldout.judge: 'gpt' is no language model"),
        (["view.thumbnail=0"], "view.thumbnail: 0; documents are stamped on thumbnails"),
        (["phases.longpt.start=[windw]"], "phases.longpt.start: 'windw' is no phase; did you mean 'window'?"),
        (["phases.window.start=[sft]", "suite.subject=sft"], " start from each other; break the ring"),
        ([f"{LONG}.source=lng"], f"{LONG}.source: 'lng' is no source; did you mean 'long'?"),
        (
            ["rope=yarn_x4", "phases.longpt.rope.factor=0.5"],
            "phases.longpt.rope.factor: 0.5; rope.kind=yarn takes 1 or more",
        ),
        ([f"{LONG}.share=0.5"], f"{COMPONENTS}: shares of long 0.5 add up to 0.5; they must add up to 1"),
        ([f"{LONG}.share=0"], f"{COMPONENTS}: long, short; give at least one a share above 0"),
        ([f"{LONG}.tasks={{arithmetic: 1}}"], f"{LONG}.tasks: 'arithmetic' is no task of sources.long"),
        (["tasks=reasoning", f"{LONG}.tasks.reasoning=0"], f"{LONG}.tasks: {{'reasoning': 0.0}}; give at least one"),
        ([f"{LONG}.lengths.edges=[4,2]"], f"{LONG}.lengths.edges: [4, 2]; two or more rising"),
        (
            [f"{LONG}.lengths.edges=[1,17,18]"],
            "[1, 17, 18]; the last bin begins at 1,088 tokens, and",
        ),
        (
            ["phases.longpt.mixture.sequence_length=8"],
            "sequence_length: 8; the shortest document of sources.long has 8",
        ),
        (
            [f"{JOBS}.trainig.cpus=2"],
            f"{JOBS}.trainig: 'trainig' is no stage or STAGE.PLUGIN; did you mean 'training'?",
        ),
        (
            ["cluster.step_seconds.trainig=2"],
            "cluster.step_seconds.trainig: 'trainig' is no stage; did you mean 'training'?",
        ),
        (
            ["cluster=slurm_cpu", f"{JOBS}.reply.minutes=2"],
            f"{JOBS}.reply.minutes: 2; cluster.warning comes 120 s before",
        ),
    ],
)
def test_values_must_fit_together(composer: Composer, overrides: list[str], says: str):
    assert says in told(composer, *overrides)


@pytest.mark.parametrize(
    "overrides",
    [
        ["+rope=base_x1"],
        [f"{OPTIMIZER}.peak_lr=0"],
        ["phases.sft.start=[nowhere]", "phases.sft.mixture.components={}"],
        [f"{LONG}.share=0.5", f"{COMPONENTS}.short.share=0.5"],
        [f"{LONG}.lengths.edges=[]", "suite.subject=''"],
        ["suite=heldout_documents", "suite.overall=[64K,8p,1M]"],
        ["view.renderer={name: pymupdf}"],
        ["cluster=slurm_cpu", f"{JOBS}.reply.minutes=2", "cluster.warning=60"],
    ],
)
def test_what_can_run_is_accepted(composer: Composer, overrides: list[str]):
    composer.compose(overrides)


@pytest.mark.parametrize(
    "wrong",
    [
        ["nonsense", "paths.store=ü", "~view.dip"],
        ["tasks=9_2", "rope=base_x3"],
        ["suite.benchmarks.heldout.new_tokens=0", "view.dpi=x", "seed=-1"],
        ["suite.subject=sf", "model.backbone=prxy", "suite.trained=77x", "phases.lonpt.seed=1", "sources.lng.seed=1"],
    ],
    ids=" ".join,
)
def test_all_that_is_wrong_in_one_way_is_said_at_once(composer: Composer, wrong: list[str]):
    places = {line.partition(": ")[0] for line in told(composer, *wrong).splitlines()}
    assert {f"override {text!r}" for text in wrong} <= places
