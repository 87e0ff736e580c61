"""The loaded Qwen2.5-VL or Qwen3-VL: transformers' own classes, with packed attention and precomputed layouts."""

from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText, Cache, DynamicCache
from transformers.utils.import_utils import is_flash_attn_2_available
from transformers.utils.logging import disable_progress_bar

from mmprolong.errors import ConfigError
from mmprolong.models.network import Batch, Embedded
from mmprolong.models.qwen_vl.attention import use_packed_attention
from mmprolong.models.qwen_vl.image_format import ImageFormat
from mmprolong.models.qwen_vl.vision import PatchEmbedding, deepstack_features, windowed_features
from mmprolong.models.rope import rope_base, rope_fingerprint, set_rope_base
from mmprolong.settings.knobs import Rope

disable_progress_bar()  # of loading and saving: noise in the log of a step

_PROJECTOR = ("model.visual.merger.", "model.visual.deepstack_merger_list.")
_VISION = "model.visual."


class Processor(Protocol):
    """The part of a backbone that its network uses."""

    @property
    def form(self) -> ImageFormat:
        """Image format."""
        ...

    @property
    def image_token(self) -> int:
        """Id of the token that stands for a part of an image."""
        ...

    def write_processor(self, folder: Path) -> None:
        """Write the files that serving engines need in addition to the weights."""
        ...


class QwenNetwork:
    """A model of either family.

    Args:
        module: a `ForConditionalGeneration` of transformers.
        native_base: rotary base of the model as it was published.
    """

    def __init__(self, module: Any, processor: Processor, native_base: float) -> None:
        self.module = module
        self._processor = processor
        self._native_base = native_base
        self._visual, self._language = module.model.visual, module.model.language_model
        stacked = module.config.model_type == "qwen3_vl"
        self._features = deepstack_features if stacked else windowed_features
        if module.config.image_token_id != processor.image_token:
            ids = f"image_token_id {module.config.image_token_id}, its tokenizer.json {processor.image_token}"
            raise ConfigError(f"model.path: config.json has {ids}; take both from one model")
        self._visual.patch_embed = PatchEmbedding(self._visual.patch_embed.proj, processor.form)

    @property
    def rope_base(self) -> float:
        """Rotary base in force."""
        return rope_base(self._language)

    def embed(self, batch: Batch) -> Embedded:
        """Encode and merge the images of a batch."""
        ids = batch.ids.flatten()
        embeddings, image = self._language.embed_tokens(ids), ids == self.module.config.image_token_id
        deep: tuple[torch.Tensor, ...] = ()
        if batch.pixels is not None and batch.grids is not None:
            features, deep = self._features(self._visual, batch.pixels, batch.grids)
            embeddings = embeddings.index_put((image.nonzero()[:, 0],), features)
        return Embedded(embeddings.view(*batch.ids.shape, -1), batch.positions, image.view_as(batch.ids), deep)

    def hidden(self, embedded: Embedded, cache: Cache | None = None) -> torch.Tensor:
        """Return the last layer's states.

        Packed conversations are kept apart by three things, each of which fails without a word: no attention mask, no
        cache, and the plain index as first row of the positions.
        """
        deep = {"visual_pos_masks": embedded.image, "deepstack_visual_embeds": embedded.deep} if embedded.deep else {}
        out = self._language(
            inputs_embeds=embedded.embeddings,
            position_ids=embedded.positions if cache is None else embedded.positions[1:],
            cache=cache,
            use_cache=cache is not None,
            **deep,
        )
        return out.last_hidden_state

    def logits(self, hidden: torch.Tensor) -> torch.Tensor:
        """Return (..., vocabulary)."""
        return self.module.lm_head(hidden)

    def new_cache(self) -> Cache:
        """Return an empty cache."""
        return DynamicCache(config=self._language.config)

    def parts(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of `vision`, `projector` and `language`."""
        parts: dict[str, list[nn.Parameter]] = {"vision": [], "projector": [], "language": []}
        for name, parameter in self.module.named_parameters():
            vision = "projector" if name.startswith(_PROJECTOR) else "vision"
            parts[vision if name.startswith(_VISION) else "language"].append(parameter)
        return parts

    def set_rope(self, rope: Rope) -> str:
        """Apply a multiple of the native base; return the fingerprint of the frequencies in force."""
        if rope.factor:
            set_rope_base(self._language, self._native_base * rope.factor)
        return rope_fingerprint(self._language)

    def export(self, folder: Path) -> None:
        """Write a Hugging Face folder that serving engines load."""
        self.module.save_pretrained(folder)
        self._processor.write_processor(folder)


def load(source: str, dtype: str, processor: Processor, native_base: float) -> QwenNetwork:
    """Load weights from a folder or a hub name. No remote code, no pickles."""
    module = AutoModelForImageTextToText.from_pretrained(
        source, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
    )
    return ready(module, processor, native_base)


def native_rope_base(folder: str) -> float:
    """Return the rotary base that a published configuration states, in whatever form its version wrote it."""
    return float(AutoConfig.from_pretrained(folder).text_config.rope_parameters["rope_theta"])


def ready(module: Any, processor: Processor, native_base: float) -> QwenNetwork:
    """Put a model on the GPU where there is one, with attention that keeps packed conversations apart."""
    network = QwenNetwork(module, processor, native_base)
    # installing flash-attn takes a CUDA compiler, so nothing may depend on it
    if is_flash_attn_2_available() and module.dtype in (torch.bfloat16, torch.float16):
        module.set_attn_implementation("flash_attention_2")
    else:
        use_packed_attention(module.model.visual, module.model.language_model)
    if torch.cuda.is_available():
        module.to("cuda")
        recompute_activations(module)
    return network


def recompute_activations(module: Any, large: int = 1_000_000_000) -> None:
    """Compute activations again in the backward pass instead of keeping them, from so many parameters on."""
    if module.num_parameters() >= large:
        module.activation_checkpointing_enable()
