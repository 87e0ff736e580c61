"""All settings of a run, typed, with limits. A field is identity (it names a step) or execution (where it runs).

A default never changes: fields at their default are left out of a step's identity, so a new field renames nothing.
"""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import MaxLen

from mmprolong.plugins import Choice
from mmprolong.settings.data import Mixture, PageKind, Source
from mmprolong.settings.execution import Cluster, Paths, Tracking, Training
from mmprolong.settings.fields import (
    EXECUTION,
    AtLeast0,
    AtLeast1,
    Below1,
    NotNegative,
    Positive,
    Share,
    execution,
    plugin,
    plugins_of,
)
from mmprolong.settings.llm import Llm


@dataclass
class Corpus:
    """The pool of PDFs and how its content is read."""

    path: str = execution("demo")
    """Folder of .pdf, .pdf.gz and .tar files, or a manifest that lists them (.csv, .tsv, .parquet, .jsonl); `demo` is
    the pool that ships with the package."""
    digest: str = ""
    """SHA-256 over the names and contents of the pool's files; filled in when a run is planned."""
    parser: Choice = plugin("mmprolong.corpus.parsers", "text_layer")
    """Finds the layout blocks of a page."""
    most_pages: AtLeast1 = 2000
    """Longer documents are refused."""
    seconds: AtLeast1 = execution(60)
    """Processor time that a document may take to be read [s]."""
    memory: AtLeast1 = execution(2048)
    """Memory that reading a document may take [MiB]."""
    image_root: str = execution("")
    """Folder in which the image sets of `instructions` lie."""


@dataclass
class Selection:
    """The choice and the split of the pool's documents."""

    heldout: Share = 0.25
    """Share of the documents that are kept for evaluation."""
    pages: Annotated[list[AtLeast1], MaxLen(2)] = field(default_factory=list)
    """[fewest, most] pages of a document; none: any number."""
    windows: bool = False
    """Longer documents are used in windows of so many pages."""
    filters: list[Choice] = plugins_of("mmprolong.selection.filters")
    """Refuse documents and windows by what their pages are."""
    skip: list[PageKind] = field(default_factory=list)
    """Pages that are shown, but that no question is about."""
    benchmarks: dict[str, str] = field(default_factory=dict, metadata=EXECUTION)
    """Folders of the benchmarks, by name, of which no page may be in the training data."""
    benchmarks_digest: str = ""
    """SHA-256 over the names and contents of their files; filled in when a run is planned."""


@dataclass
class View:
    """The way from a page to pixels."""

    renderer: Choice = plugin("mmprolong.images.renderers", "pymupdf")
    dpi: AtLeast1 = 144
    min_pixels: AtLeast0 = 0
    """Smallest and largest area of an image after the resize to whole tokens [px]; 0: the model's own limits."""
    max_pixels: AtLeast0 = 0
    thumbnail: AtLeast0 = 0
    """Side of the square grey thumbnails that stamped pages are printed on [px]; 0: none are kept."""
    page_index: bool = False
    """A line `Page 1:`, `Page 2:`, ... stands before each image, in training as in evaluation.

    Source: arXiv 2602.15257, section on page indices.
    """


@dataclass
class Rope:
    """Rotary positions of the language model, by a factor over those that the backbone was published with.

    The frequencies are the same for every sequence, whatever its length: those of a dynamic NTK that follows the length
    would differ between the ranks that share a sequence.
    """

    kind: Literal["base", "ntk", "yarn"] = "base"
    """`base`: the rotary base times `factor`. `ntk`: times factor ** (d / (d - 2)), d the dimension of a head, where
    `factor` is the scale of the context. `yarn`: YaRN from the native context to `factor` times it."""
    factor: NotNegative = 0.0
    """0 keeps what the checkpoint has."""


@dataclass
class Optimizer:
    """AdamW and its schedule, counted in tokens."""

    peak_lr: NotNegative = 5e-4
    final_lr_ratio: NotNegative = 0.1
    """Last learning rate as a share of the peak."""
    warmup_ratio: Share = 0.1
    """Share of the tokens over which the rate rises linearly."""
    tokens_per_update: AtLeast1 = 1024
    weight_decay: NotNegative = 0.1
    beta1: Below1 = 0.9
    beta2: Below1 = 0.95
    max_grad_norm: Positive = 1.0
    frozen: list[Literal["vision", "projector", "language"]] = field(default_factory=list)
    """Parts of the model that are not trained."""
    rate_shares: dict[Literal["vision", "projector", "language"], NotNegative] = field(default_factory=dict)
    """Learning rates of parts, as shares of the common rate; 1 where none is given."""
    spike: NotNegative = 0.0
    """An update is skipped if its gradient's norm is so many times the mean of the last 32; 0: none is."""


@dataclass
class Phase:
    """One mixture and the training on it."""

    start: list[str] = field(default_factory=list)
    """Phases whose weights it begins with; none, or an empty name: the model as it comes."""
    mixture: Mixture = field(default_factory=Mixture)
    rope: Rope = field(default_factory=Rope)
    optimizer: Optimizer = field(default_factory=Optimizer)
    objective: Choice = plugin("mmprolong.training.objectives", "next_token")
    seed: AtLeast0 = 0
    """Draws the mixture, its packing and its order."""


@dataclass
class Model:
    """The backbone and where its weights come from."""

    backbone: Choice = plugin("mmprolong.models.backbones", "proxy")
    path: str = ""
    """Folder or hub name of pretrained weights; empty: weights are drawn from `seed`."""
    digest: str = ""
    """Names the content of a folder's weights; filled in when they are evaluated by their path."""
    seed: AtLeast0 = 0
    native_context: AtLeast1 = 64
    """Context that the model was pre-trained for [tokens]."""
    dtype: Literal["float16", "bfloat16", "float32", "float64"] = "float32"
    base: str = execution("")
    """Phase that makes the model which long-context training begins with; empty: the model as it comes."""


@dataclass
class Evaluation:
    """One benchmark of a suite: its questions and the scorer of the replies."""

    benchmark: Choice = plugin("mmprolong.evaluation.benchmarks", "generated")
    source: str = ""
    """Name among `sources`, of a benchmark that asks about examples that we write."""
    scorer: Choice = plugin("mmprolong.evaluation.scorers", "exact_match")
    judge: str = execution("")
    """Name among `llms` of the model that judges, of a scorer that asks one; the model itself is identity."""
    other_judges: list[str] = field(default_factory=list, metadata=EXECUTION)
    """More of `llms` that judge every reply; the score is that of `judge`."""
    new_tokens: AtLeast1 = 16
    """Longest reply [tokens]."""
    after: str = execution("")
    """Benchmark of the suite whose scores say where more is asked, of `needle`; its score step is identity."""


@dataclass
class Suite:
    """The benchmarks of a run, and the phase whose model answers."""

    subject: str = ""
    """Phase whose model is judged; empty: the model as it comes."""
    benchmarks: dict[str, Evaluation] = field(default_factory=dict)
    overall: list[str] = field(default_factory=list)
    """Lengths whose mean is the headline score; none: all."""
    trained: str = ""
    """Longest length that training covers; marked in figures."""
    endpoint: str = execution("")
    """Name among `llms` of the server that answers; empty: the model answers here. The model itself is identity."""
    prompt_order: Literal["pages_first", "question_first", "official"] = "pages_first"
    """Order of pages and question; only behind the pages can questions on one document share its prefill."""
    rope: Rope = field(default_factory=Rope)
    """Rotary positions of the model that answers; factor 0: those of its weights."""
    differs: list[Literal["view", "page_index", "rope"]] = field(default_factory=list, metadata=EXECUTION)
    """What may differ from the training of the weights, because an ablation is about it."""
    engine: Choice = field(default_factory=lambda: "transformers", metadata=EXECUTION)
    """Engine that computes the replies."""
    data_root: str = execution("")
    """Folder in which the data sets of public benchmarks lie."""


@dataclass
class Config:
    """One run, complete."""

    corpus: Corpus = field(default_factory=Corpus)
    selection: Selection = field(default_factory=Selection)
    view: View = field(default_factory=View)
    sources: dict[str, Source] = field(default_factory=dict)
    model: Model = field(default_factory=Model)
    phases: dict[str, Phase] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    llms: dict[str, Llm] = field(default_factory=dict)
    """Language models that write examples or judge replies."""
    suite: Suite = field(default_factory=Suite)
    seed: AtLeast0 = 0
    cluster: Cluster = field(default_factory=Cluster)
    tracking: Tracking = field(default_factory=Tracking)
    paths: Paths = field(default_factory=Paths)
