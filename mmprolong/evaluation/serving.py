"""Limits that a serving engine is started with, and the command that starts vLLM's server with them."""

import json
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mmprolong.evaluation.engines import ReplyBatch
from mmprolong.settings.knobs import Model, View


@dataclass(frozen=True, slots=True)
class PromptLimits:
    """The most that the prompts of a plan need."""

    context: int
    """Longest prompt with its reply [tokens]."""
    images: int
    """Most images in a prompt."""

    def arguments(self, view: View) -> dict[str, Any]:
        """Return them as arguments of `vllm.LLM`, with the pixel limits of a view that has its own."""
        bounds = {"min_pixels": view.min_pixels, "max_pixels": view.max_pixels}
        own = {name: value for name, value in bounds.items() if value}
        arguments = {"max_model_len": self.context, "limit_mm_per_prompt": {"image": self.images, "video": 0}}
        return arguments | ({"mm_processor_kwargs": own} if own else {})


def limits_of(batches: Iterable[ReplyBatch], new_tokens: int) -> PromptLimits:
    """Return what all prompts of some batches need."""
    asked = [each for batch in batches for each in batch.asked]
    return PromptLimits(
        context=max((each.tokens for each in asked), default=0) + new_tokens,
        images=max((each.images for each in asked), default=0),
    )


def serve_command(limits: PromptLimits, model: Model, view: View, name: str) -> str:
    """Return the command that serves a model by vLLM for these limits.

    Args:
        name: of the model at the server.
    """
    words = ["vllm", "serve", model.path, "--served-model-name", name, "--dtype", model.dtype]
    for option, value in limits.arguments(view).items():
        words += [f"--{option.replace('_', '-')}", value if isinstance(value, str) else json.dumps(value)]
    return shlex.join([*words, "--generation-config", "vllm", "--enable-prompt-tokens-details"])
