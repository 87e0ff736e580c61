"""Many processes: DeepSpeed shards weights, gradients and optimizer (ZeRO); our sequence parallelism shards packs.

The engine spans all processes and knows nothing of those that share a pack: each adds the gradient of its stretch, and
the sum over all of them is the gradient of the update. DeepSpeed's own `mpu`, `mesh_param` and `sequence_parallel_size`
are not used: with them the gradient is scaled otherwise at some stages, without a word.
"""

import os
import sys
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from mmprolong.errors import ConfigError
from mmprolong.runtime.work import World
from mmprolong.settings.knobs import Optimizer
from mmprolong.training.parallelism import Heads, sequence_ranks

if TYPE_CHECKING:
    from mmprolong.models.network import Network
    from mmprolong.training.layout import Layout
    from mmprolong.training.zero_engine import ZeroEngine

_TAKEN = (
    *("zero_optimization", "aio", "comms_logger", "flops_profiler", "memory_breakdown", "wall_clock_breakdown"),
    "steps_per_print",
)
"""Settings of DeepSpeed that change no number; all others follow from those of the run, or are unknown."""
_SHARDS = ("stage", "offload_optimizer", "offload_param")
"""Within `zero_optimization`, what follows from `zero` and `offload`."""


@dataclass(frozen=True, slots=True)
class DeepSpeed:
    """The choice."""

    version: ClassVar[int] = 1
    zero: Literal[1, 2, 3] = 2
    """States split over the processes: 1 optimizer; 2 also gradients; 3 also weights."""
    sequence: int = 1
    """Processes that share a pack (Ulysses); divides the attention heads."""
    offload: Literal["none", "optimizer", "weights"] = "none"
    """States held in the node's memory: the optimizer's; `weights`: also the weights (zero 3)."""
    recompute: bool = False
    """Compute activations again in the backward pass instead of keeping them."""
    offload_activations: bool = False
    """Keep the inputs of layers in the node's memory; needs `recompute`."""
    settings: dict[str, Any] = field(default_factory=dict)
    """More settings of DeepSpeed, such as `zero_optimization.reduce_bucket_size`."""

    def join(self, world: World) -> "Layout":
        """Connect the processes.

        Raises:
            ConfigError: options contradict each other or the run, or the processes cannot be divided so.
        """
        self._check()
        prepare()
        self._check_zero()
        from mmprolong.training.layout import join

        return join(world, self.sequence)

    def start(self, network: "Network", optimizer: Optimizer, layout: "Layout") -> "ZeroEngine":
        """Return the engine that shards a network over the processes."""
        refused = sequence_ranks(Heads(*network.heads), layout.size, self.sequence).refused
        if refused:
            raise ConfigError(f"training.engine.sequence: {self.sequence}; {refused}; see `mmprolong layouts`")
        if self.recompute:
            network.module.activation_checkpointing_enable(  # pyright: ignore[reportCallIssue]
                offload=self.offload_activations
            )
        from mmprolong.training.zero_engine import ZeroEngine

        return ZeroEngine(network, optimizer, partial(self.config, optimizer), layout)

    def config(self, settings: Optimizer, half: bool) -> dict[str, Any]:
        """Return DeepSpeed's configuration.

        Args:
            half: the weights are bfloat16.
        """
        zero: dict[str, Any] = {"stage": self.zero, **self.settings.get("zero_optimization", {})}
        if self.offload != "none":
            zero["offload_optimizer"] = {"device": "cpu"}
        if self.offload == "weights":
            zero["offload_param"] = {"device": "cpu"}
        found = {
            "train_micro_batch_size_per_gpu": 1,
            "gradient_accumulation_steps": 1,
            "gradient_clipping": settings.max_grad_norm,
            "zero_allow_untested_optimizer": True,
            "zero_force_ds_cpu_optimizer": False,
            "steps_per_print": sys.maxsize,
            **self.settings,
            "zero_optimization": zero,
        }
        if half:
            found["bf16"] = {"enabled": True, "check_grad_overflow": True}
            found["data_types"] = {"grad_accum_dtype": "fp32"}
            found["communication_data_type"] = "fp32"
        return found

    def _check(self) -> None:
        refused = [key for key in self.settings if key not in _TAKEN]
        refused += [f"zero_optimization.{key}" for key in self.settings.get("zero_optimization", {}) if key in _SHARDS]
        if refused:
            allowed = f"unknown, or follows from the run's own settings; allowed: {', '.join(sorted(_TAKEN))}"
            raise ConfigError(f"training.engine.settings.{refused[0]}: not taken from here; {allowed}")
        if self.offload == "weights" and self.zero != 3:
            raise ConfigError(f"training.engine.offload: 'weights' with zero {self.zero}; only zero 3 shards them")
        if self.offload_activations and not self.recompute:
            raise ConfigError("training.engine.offload_activations: true without recompute; set recompute, too")

    def _check_zero(self) -> None:
        from deepspeed.runtime.zero.config import DeepSpeedZeroConfig
        from pydantic import ValidationError

        try:
            DeepSpeedZeroConfig.model_validate(self.settings.get("zero_optimization", {}))
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            says = f"{first['input']!r}; {first['msg']}"
            raise ConfigError(f"training.engine.settings.zero_optimization.{key}: {says}") from error


def prepare() -> None:
    """Import DeepSpeed without compiling anything: on CPUs it would build a kernel for a minute, and a killed build
    leaves a lock behind that every later run waits for.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import deepspeed
    except ImportError as error:
        raise ConfigError(f"training.engine: 'deepspeed', but {error}; pip install 'mmprolong[cluster]'") from error
    os.environ.setdefault("LOCAL_RANK", "0")  # it asks for what a launcher sets; one process has none
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.logger.setLevel("WARNING")
