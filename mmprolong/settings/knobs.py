"""Every knob of a run, typed. A field is identity (it names the step), execution (where and how it runs) or cosmetic.

A default never changes: fields at their default are left out of a step's identity, so new fields rename nothing.
"""

from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any

EXECUTION = {"role": "execution"}
"""Marks a field that says where or how a step runs, and so must never change what it is."""


def execution(default: Any) -> Any:
    """A field that is no identity."""
    return field(default=default, metadata=EXECUTION)


@dataclass
class Corpus:
    """The pool of PDFs and how its pages are opened."""

    path: str = execution("demo")
    """Folder of .pdf and .pdf.gz files; `demo` is the pool that ships with the package."""
    digest: str = ""
    """SHA-256 over the names and contents of the pool's files; filled in when a point is frozen."""
    renderer: str = "pymupdf"
    dpi: int = 144
    thumbnail: int = 0
    """Side of the square grey thumbnails to keep of every page [px]; 0 keeps none."""
    heldout: float = 0.25
    """Share of the documents that are kept for evaluation."""
    seconds: int = 60
    """Time a document may take to be opened and read [s]."""
    memory: int = 2048
    """Memory that reading a document may take [MiB]."""


@dataclass
class Source:
    """What synthesis writes for one use."""

    writer: str = "stamps"
    """`stamps`: keys and values printed on thumbnails. `template`: questions on the pages' own text."""
    split: str = "train"
    """Documents to write on: `train` or `heldout`."""
    tasks: list[str] = field(default_factory=list)
    """Task types that are written for every document."""
    documents: int = 0
    """Documents to compose for each entry of `pages`; 0 takes every document of the pool once."""
    pages: list[list[int]] = field(default_factory=list)
    """Ranges [shortest, longest] of document lengths; lengths are drawn log-uniformly inside a range."""
    turns: int = 4
    """Questions a document gets of each task."""
    seed: int = 0


@dataclass
class LengthDistribution:
    """How the tokens of a mixture are spread over instance lengths."""

    name: str = "pool_native"
    edges: list[int] = field(default_factory=lambda: [1, 2, 4, 8])
    """Bounds of the length bins, in multiples of the model's native window."""
    tilt: float | None = None
    """Doublings of the tokens for each doubling of the length; none: as the pool's own documents are spread."""


@dataclass
class Mixture:
    """Which instances are trained on."""

    tokens: int = 0
    """Training tokens, images included; 0: the phase is left out."""
    supervision: dict[str, float] = field(default_factory=dict)
    """Share of the long tokens by task; `vqa` stands for the tasks of `task_mix`."""
    task_mix: dict[str, float] = field(default_factory=dict)
    """Share of each task within `vqa`."""
    short: float = 0.0
    """Share of all tokens that comes from few-page instances."""
    length: LengthDistribution = field(default_factory=LengthDistribution)
    pack: int = 1024
    """Capacity of a packed training sequence [tokens]."""
    repeat: bool = False
    """Whether an instance may be used more than once where the pool is too small."""


@dataclass
class Rope:
    """Rotary base of the language model."""

    factor: float = 0.0
    """Multiple of the backbone's native base; 0 keeps what the checkpoint has."""


@dataclass
class Optimizer:
    """AdamW and its schedule, counted in tokens."""

    peak: float = 5e-4
    """Peak learning rate."""
    final: float = 0.1
    """Last learning rate as a share of the peak."""
    warmup: float = 0.1
    """Share of the tokens over which the rate rises linearly."""
    batch: int = 1024
    """Tokens an update."""
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.95
    clip: float = 1.0
    """Largest gradient norm."""
    frozen: list[str] = field(default_factory=list)
    """Parts of the model that are not trained: `vision`, `merger`, `language`."""


@dataclass
class Phase:
    """One mixture and the training on it."""

    source: Source = field(default_factory=Source)
    short_source: Source = field(default_factory=Source)
    mixture: Mixture = field(default_factory=Mixture)
    rope: Rope = field(default_factory=Rope)
    optimizer: Optimizer = field(default_factory=Optimizer)
    objective: str = "next_token"
    seed: int = 0
    """Draws the mixture, its packing and its order."""


@dataclass
class Model:
    """The backbone and where its weights come from."""

    backbone: str = "proxy"
    path: str = ""
    """Folder or hub name of pretrained weights; empty: weights are drawn from `seed`."""
    seed: int = 0
    window: int = 64
    """Native context window [tokens]."""
    dtype: str = "float32"


@dataclass
class Training:
    """How the trainer runs, not what it computes."""

    threads: int = execution(1)
    checkpoint_seconds: float = execution(120.0)
    """Time between checkpoints [s]."""


@dataclass
class Suite:
    """What a model is judged by."""

    benchmark: str = "heldout"
    source: Source = field(default_factory=Source)
    labels: list[str] = field(default_factory=list)
    """Name of each length in `source.pages`: '1x', '2x', ..."""
    overall: list[str] = field(default_factory=list)
    """Lengths whose mean is the headline score."""
    trained: str = ""
    """Longest length that training covers; marked in figures."""
    scorer: str = "exact_match"
    new_tokens: int = 16
    """Longest reply [tokens]."""
    batch: int = execution(8192)
    """Prompt tokens evaluated at once."""


@dataclass
class Job:
    """What a step of one stage asks Slurm for."""

    partition: str = execution("")
    """Empty here and below: as the cluster has it by default."""
    qos: str = execution("")
    constraint: str = execution("")
    """Features that a node must have, such as `h100`."""
    nodes: int = execution(1)
    gpus: int = execution(0)
    """On each node."""
    cpus: int = execution(1)
    """On each node."""
    memory: float = execution(0.0)
    """On each node [GB]; 0: the cluster's default."""
    minutes: int = execution(60)
    """Time limit. Training that needs longer saves, is queued again and goes on."""
    parallel: int = execution(100)
    """Steps of one array that run at once."""
    flags: dict[str, str] = field(default_factory=dict, metadata=EXECUTION)
    """More options of sbatch, by name without dashes."""


@dataclass
class Cluster:
    """Where steps run, and how fast they are expected to be until finished steps say it."""

    name: str = execution("local")
    launcher: str = execution("processes")
    """`processes` of this machine, or `slurm`."""
    processes: int = execution(0)
    """Worker processes; 0: one a core."""
    account: str = execution("")
    """Whom Slurm charges; empty: the user's default."""
    jobs: dict[str, Job] = field(default_factory=dict, metadata=EXECUTION)
    """By stage; `default` is for the stages that are not named."""
    array: int = execution(1000)
    """Longest array that the cluster accepts (its MaxArraySize - 1)."""
    warning: int = execution(120)
    """Time between the warning and the time limit [s]; a snapshot must fit into it."""
    gpu_price: float = execution(0.0)
    """Of a GPU-hour, in any currency; 0: unknown."""
    cpu_price: float = execution(0.0)
    """Of a CPU-hour of jobs without GPUs; 0: unknown."""
    training_tokens_per_second: float = execution(10_000.0)
    step_seconds: dict[str, float] = field(default_factory=dict, metadata=EXECUTION)
    """Expected time of a step of the other stages [s]."""
    step_megabytes: dict[str, float] = field(default_factory=dict, metadata=EXECUTION)
    """Expected size of a finished step, by stage [MB]."""
    times_of: str = execution("")
    """The model that these times and sizes are of; empty: not said."""


@dataclass
class Tracking:
    """Mirror of the run log in Weights & Biases."""

    mode: str = execution("offline")
    """offline, online or off."""
    project: str = execution("mmprolong")


@dataclass
class Paths:
    """Where results are kept."""

    store: str = execution("store")
    """Folder of finished steps."""


@dataclass
class Config:
    """One run, complete."""

    corpus: Corpus = field(default_factory=Corpus)
    model: Model = field(default_factory=Model)
    phases: dict[str, Phase] = field(default_factory=dict)
    """In the order in which they are run."""
    training: Training = field(default_factory=Training)
    suite: Suite = field(default_factory=Suite)
    seed: int = 0
    cluster: Cluster = field(default_factory=Cluster)
    tracking: Tracking = field(default_factory=Tracking)
    paths: Paths = field(default_factory=Paths)
    sweep: Any = field(default=None, metadata=EXECUTION)
    """The block of an ablation file; taken out before a run is frozen."""


def identity(settings: Any) -> dict[str, Any]:
    """The fields of a settings object that name a step: no execution fields, nothing that is at its default."""
    kept: dict[str, Any] = {}
    for entry in fields(settings):
        value = getattr(settings, entry.name)
        if entry.metadata == EXECUTION:
            continue
        if is_dataclass(value):
            inner = identity(value)
            if inner:
                kept[entry.name] = inner
        elif value != _default(entry):
            kept[entry.name] = value
    return kept


def _default(entry: Any) -> Any:
    return entry.default_factory() if callable(entry.default_factory) else entry.default
