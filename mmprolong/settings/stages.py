"""Settings that each stage reads. A step's identity: stage, version, these settings, its inputs' ids."""

from dataclasses import dataclass, field
from typing import Literal

from mmprolong.plugins import Choice
from mmprolong.settings.data import Mixture, Source
from mmprolong.settings.execution import Training
from mmprolong.settings.fields import EXECUTION, AtLeast1, execution, plugin
from mmprolong.settings.knobs import Corpus, Model, Optimizer, Rope, Selection, View
from mmprolong.settings.llm import Llm


@dataclass
class SelectionSettings:
    """One selection of a corpus."""

    selection: Selection = field(default_factory=Selection)
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)


@dataclass
class RenderSettings:
    """Thumbnails of one view; of the view only these two fields matter."""

    renderer: Choice = plugin("mmprolong.images.renderers", "pymupdf")
    thumbnail: int = 0
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)


@dataclass
class SynthesisSettings:
    """One source."""

    source: Source = field(default_factory=Source)
    versions: dict[str, int] = field(default_factory=dict)
    """Version of each task."""
    llm: Llm | None = None
    """Writes the examples, if no rule does."""
    filter: Llm | None = None
    """Must agree with every answer."""
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)


@dataclass
class MeasurementSettings:
    """One backbone and one view, whatever the weights."""

    backbone: Choice = plugin("mmprolong.models.backbones", "proxy")
    view: View = field(default_factory=View)
    model_path: str = execution("")
    """Folder of the model, where its tokenizer lies."""
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)


@dataclass
class MixtureSettings:
    """One mixture, drawn by one seed."""

    mixture: Mixture = field(default_factory=Mixture)
    native_context: int = 0
    """Context of the model [tokens]; the unit of the length bins."""
    seed: int = 0


@dataclass
class TrainingSettings:
    """One phase of one model. The training data are in the mixture's id."""

    model: Model = field(default_factory=Model)
    rope: Rope = field(default_factory=Rope)
    optimizer: Optimizer = field(default_factory=Optimizer)
    objective: Choice = plugin("mmprolong.training.objectives", "next_token")
    sequence_length: int = 1024
    """Capacity of a pack [tokens]."""
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)
    view: View = field(default_factory=View, metadata=EXECUTION)
    training: Training = field(default_factory=Training, metadata=EXECUTION)
    gpus: int = execution(0)
    """That its job has on each node, filled in at launch; 0: none need be there."""


@dataclass
class SamplesSettings:
    """One benchmark under its name in the suite."""

    name: str = ""
    benchmark: Choice = plugin("mmprolong.evaluation.benchmarks", "generated")
    data_root: str = execution("")


@dataclass
class ReplySettings:
    """One model (if no checkpoint is an input), shown the questions in one view."""

    model: Model = field(default_factory=Model)
    view: View = field(default_factory=View)
    new_tokens: AtLeast1 = 16
    endpoint: Llm | None = None
    """Server that answers in place of the model, which then says how prompts are counted and cut."""
    prompt_order: Literal["pages_first", "question_first", "official"] = "pages_first"
    rope: Rope = field(default_factory=Rope)
    differs: list[str] = field(default_factory=list, metadata=EXECUTION)
    engine: Choice = field(default_factory=lambda: "transformers", metadata=EXECUTION)
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)
    training: Training = field(default_factory=Training, metadata=EXECUTION)
    data_root: str = execution("")


@dataclass
class ScoreSettings:
    """Scorer, judge and averages of the replies to one benchmark."""

    scorer: Choice = plugin("mmprolong.evaluation.scorers", "exact_match")
    benchmark: Choice = plugin("mmprolong.evaluation.benchmarks", "generated")
    """Its official average is computed in addition to ours."""
    judge: Llm | None = None
    """Model that answers the scorer's requests."""
    other_judges: dict[str, Llm] = field(default_factory=dict)
    """Models whose marks stand beside its marks, by name."""
    overall: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage's entry, by name: its module is imported only where it runs."""

    module: str
    settings: type
    version: int
    way: Literal["process", "parts", "ranks"] = "process"
    """Way in which a step may be shared: by nobody, by workers that take parts, by collective processes."""


STAGES = {
    "corpus": Stage("mmprolong.corpus.stage", Corpus, 2, "parts"),
    "selection": Stage("mmprolong.selection.stage", SelectionSettings, 2, "parts"),
    "synthesis": Stage("mmprolong.synthesis.stage", SynthesisSettings, 1, "parts"),
    "render": Stage("mmprolong.images.stage", RenderSettings, 1),
    "measurement": Stage("mmprolong.measurement.stage", MeasurementSettings, 1, "parts"),
    "mixture": Stage("mmprolong.mixture.stage", MixtureSettings, 1),
    "training": Stage("mmprolong.training.stage", TrainingSettings, 1, "ranks"),
    "samples": Stage("mmprolong.evaluation.samples", SamplesSettings, 1),
    "reply": Stage("mmprolong.evaluation.reply", ReplySettings, 1, "parts"),
    "score": Stage("mmprolong.evaluation.score", ScoreSettings, 1),
}
