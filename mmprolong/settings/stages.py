"""What each stage is told, and its version. A stage's identity is its version, these settings and its inputs' ids."""

from dataclasses import dataclass, field

from mmprolong.settings.knobs import EXECUTION, Corpus, Mixture, Model, Optimizer, Rope, Source, Suite, Training


@dataclass
class SynthesisSettings:
    """One source, counted for one backbone."""

    source: Source = field(default_factory=Source)
    backbone: str = "proxy"
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)


@dataclass
class MixtureSettings:
    """One mixture, drawn by one seed."""

    mixture: Mixture = field(default_factory=Mixture)
    window: int = 0
    """Native window of the model [tokens]; the unit of the length bins."""
    seed: int = 0


@dataclass
class TrainingSettings:
    """One phase of one model. The mixture's settings are in the mixture's id."""

    model: Model = field(default_factory=Model)
    rope: Rope = field(default_factory=Rope)
    optimizer: Optimizer = field(default_factory=Optimizer)
    objective: str = "next_token"
    pack: int = 1024
    """Capacity of a pack [tokens]."""
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)
    training: Training = field(default_factory=Training, metadata=EXECUTION)


@dataclass
class ReplySettings:
    """One model (if no checkpoint is an input) and one suite."""

    model: Model = field(default_factory=Model)
    suite: Suite = field(default_factory=Suite)
    corpus: Corpus = field(default_factory=Corpus, metadata=EXECUTION)
    training: Training = field(default_factory=Training, metadata=EXECUTION)


@dataclass
class ScoreSettings:
    """How replies are judged and averaged."""

    scorer: str = "exact_match"
    overall: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage's entry, by name: its module is imported only where it runs."""

    module: str
    settings: type
    version: int


STAGES = {
    "corpus": Stage("mmprolong.corpus.stage", Corpus, 1),
    "synthesis": Stage("mmprolong.synthesis.stage", SynthesisSettings, 1),
    "mixture": Stage("mmprolong.mixture.stage", MixtureSettings, 1),
    "training": Stage("mmprolong.training.stage", TrainingSettings, 1),
    "reply": Stage("mmprolong.evaluation.reply", ReplySettings, 1),
    "score": Stage("mmprolong.evaluation.score", ScoreSettings, 1),
}
