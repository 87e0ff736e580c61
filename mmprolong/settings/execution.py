"""Settings that say where and how steps run: none of them names a step."""

from dataclasses import dataclass, field
from typing import Annotated, Literal

from annotated_types import Gt, Le, MinLen

from mmprolong.plugins import Choice
from mmprolong.settings.fields import EXECUTION, AtLeast0, AtLeast1, NotNegative, Positive, execution


@dataclass
class Training:
    """Execution of the trainer; it never changes the result."""

    engine: Choice = field(default_factory=lambda: "single", metadata=EXECUTION)
    """Engine that holds the model and its optimizer."""
    threads: AtLeast1 = execution(1)
    workers: AtLeast0 = execution(0)
    """Processes that draw and encode pages ahead; 0: the training process itself."""
    checkpoint_seconds: NotNegative = execution(120.0)
    """Shortest time between checkpoints [s]; it is longer where saving would take more than 2 % of the time."""
    checkpoints: AtLeast1 = execution(1)
    """Checkpoints of a running phase that are kept."""
    checkpoint_gb: NotNegative = execution(0.0)
    """Largest size of all of them, with the one that is being written [GB]; 0: no limit. The newest stays always."""
    hang_seconds: AtLeast1 = execution(1800)
    """A process that makes no progress for so long ends all of them [s]."""
    peak: NotNegative = execution(0.0)
    """Matrix products of one device at its peak [TFLOP/s], of which the log states the share (MFU); 0: it does not."""
    profile: AtLeast0 = execution(0)
    """Updates that are traced, into `profiles` of the store; 0: none."""


@dataclass
class Job:
    """Resources that a step of one stage asks Slurm for."""

    partition: str = execution("")
    """Empty here and below: as the cluster has it by default."""
    qos: str = execution("")
    constraint: str = execution("")
    """Features that a node must have, such as `h100`."""
    nodes: AtLeast1 = execution(1)
    gpus: AtLeast0 = execution(0)
    """On each node."""
    cpus: AtLeast1 = execution(1)
    """On each node."""
    memory: NotNegative = execution(0.0)
    """On each node [GB]; 0: the cluster's default."""
    minutes: AtLeast1 = execution(60)
    """Time limit. Training that needs longer saves, is queued again and continues."""
    parts: AtLeast1 = execution(1)
    """Jobs that share a step of a stage that works in parts: corpus, selection, synthesis, measurement, reply."""
    ranks: AtLeast0 = execution(0)
    """Collective processes on each node of a step in ranks; 0: one for each GPU."""
    parallel: AtLeast1 = execution(100)
    """Jobs of one launch, or shares of one step, that run at once."""
    flags: dict[str, str] = field(default_factory=dict, metadata=EXECUTION)
    """More options of sbatch, by name without dashes."""


Sustained = Annotated[float, Gt(0), Le(1)]


@dataclass
class Hardware:
    """One device of the nodes that train, and its ways to others. The default is one core of a CPU."""

    name: str = execution("one CPU core")
    peak: Positive = execution(0.16)
    """Dense matrix products in the precision of training [TFLOP/s]."""
    products: Sustained = execution(0.3)
    """Share of the peak that matrix products sustain in training, with all that lies between them."""
    attention: Sustained = execution(0.2)
    """Share of the peak that attention sustains."""
    memory: NotNegative = execution(0.0)
    """Of one device [GiB]; 0: what is needed is not compared with it."""
    bandwidth: Positive = execution(10.0)
    """Of that memory [GB/s]."""
    link: Positive = execution(10.0)
    """From one device to the others of its node [GB/s]."""
    network: Positive = execution(1.0)
    """From one device to those of other nodes [GB/s]."""
    host: Positive = execution(10.0)
    """Between one device and the memory of its node [GB/s]."""


@dataclass
class Cluster:
    """The place where steps run, and their expected speed until finished steps say better."""

    name: str = execution("local")
    launcher: Literal["processes", "slurm"] = execution("processes")
    processes: AtLeast0 = execution(0)
    """Worker processes on this machine; 0: one a core."""
    account: str = execution("")
    """Whom Slurm charges; empty: the user's default."""
    jobs: dict[str, Job] = field(default_factory=dict, metadata=EXECUTION)
    """Jobs by stage, or by `stage.plugin` (`synthesis.llm`); `default` is for those that are not named."""
    warning: AtLeast0 = execution(120)
    """Time between the warning and the time limit [s]; a checkpoint must fit into it."""
    gpu_price: NotNegative = execution(0.0)
    """Price of a GPU-hour, in any currency; 0: unknown."""
    cpu_price: NotNegative = execution(0.0)
    """Price of a CPU-hour of jobs without GPUs; 0: unknown."""
    hardware: Hardware = field(default_factory=Hardware)
    """Devices that train; time and memory are predicted from them."""
    step_seconds: dict[str, NotNegative] = field(default_factory=dict, metadata=EXECUTION)
    """Expected time of a step of the other stages [s]."""


@dataclass
class Tracking:
    """Copy of the run log in Weights & Biases."""

    mode: Literal["offline", "online", "off"] = execution("offline")
    project: str = execution("mmprolong")


@dataclass
class Paths:
    """Places of results."""

    store: Annotated[str, MinLen(1)] = execution("store")
    """Folder of finished steps."""
