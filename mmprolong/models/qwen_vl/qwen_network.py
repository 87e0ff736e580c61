"""The loaded Qwen2.5-VL or Qwen3-VL: transformers' own classes, with packed attention and precomputed layouts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoModelForImageTextToText, Cache, DynamicCache
from transformers.utils.logging import disable_progress_bar

from mmprolong.errors import ConfigError
from mmprolong.models.network import Batch, Embedded
from mmprolong.models.qwen_vl import kernels
from mmprolong.models.qwen_vl.attention import use_packed_attention
from mmprolong.models.qwen_vl.image_format import ImageFormat
from mmprolong.models.qwen_vl.vision import Features, PatchEmbedding, deepstack_features, windowed_features
from mmprolong.models.rope import NativeRope, apply_rope, rope_base, rope_fingerprint
from mmprolong.models.sequence import SequenceGroup
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
        native: positions of the model as it was published.
    """

    def __init__(self, module: Any, processor: Processor, native: NativeRope) -> None:
        self.module = module
        self._processor = processor
        self._native = native
        self._group: SequenceGroup | None = None
        self._in_step = False
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

    @property
    def heads(self) -> tuple[int, int]:
        """Heads of the language model's attention, and of its keys and values."""
        config = self._language.config
        return config.num_attention_heads, config.num_key_value_heads

    def join(self, group: SequenceGroup | None) -> None:
        """Work in step with other processes from now on."""
        self._group, self._in_step = group, True

    @property
    def attention(self) -> str:
        """Attention kernel in force."""
        weight = self.module.lm_head.weight
        return kernels.choose(weight.device, weight.dtype)

    def see(self, pixels: torch.Tensor, grids: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the features of images: of the tower, then of each DeepStack level."""
        features, deep = self._features(self._visual, pixels, grids)
        return features, *deep

    def embed(self, batch: Batch) -> Embedded:
        """Encode and merge the images of a batch."""
        ids = batch.ids.flatten()
        embeddings, image = self._language.embed_tokens(ids), ids == self.module.config.image_token_id
        features, deep = self._image_features(batch)
        if features is not None:
            places = image.nonzero()[:, 0]
            if self._group is not None:
                together = self._group.gather(torch.cat([features, *deep], 1), batch.image_tokens)
                own = together[batch.image_tokens_before :][: len(places)]
                features, *deep = own.split(features.shape[1], 1)
            embeddings = embeddings.index_put((places,), features)
        embeddings, image = embeddings.view(*batch.ids.shape, -1), image.view_as(batch.ids)
        return Embedded(embeddings, batch.positions, image, tuple(deep), batch.bounds, batch.longest)

    def _image_features(self, batch: Batch) -> Features | tuple[None, tuple[()]]:
        """Return the features of the images that this process encodes; in step with others, of a blank one for none."""
        if batch.seen:
            return batch.seen[0], batch.seen[1:]
        if batch.pixels is not None and batch.grids is not None:
            return self._features(self._visual, batch.pixels, batch.grids)
        if not self._in_step:
            return None, ()
        side = 2 * self._visual.spatial_merge_size
        grid = torch.tensor([[1, side, side]], device=batch.ids.device)
        pixels = torch.zeros(side**2, self._processor.form.patch**2, dtype=torch.uint8, device=batch.ids.device)
        features, deep = self._features(self._visual, pixels, grid)
        return features[:0], tuple(each[:0] for each in deep)

    def hidden(self, embedded: Embedded, cache: Cache | None = None) -> torch.Tensor:
        """Return the last layer's states.

        Packed conversations are kept apart by their bounds, which transformers hands on to the attention.
        """
        more: dict[str, Any] = {}
        if embedded.deep:
            more = {"visual_pos_masks": embedded.image, "deepstack_visual_embeds": embedded.deep}
        if cache is None:
            more |= {"cu_seq_lens_q": embedded.bounds, "max_length_q": embedded.longest, "sequence_group": self._group}
        out = self._language(
            inputs_embeds=embedded.embeddings,
            position_ids=embedded.positions if cache is None else embedded.positions[1:],
            cache=cache,
            use_cache=cache is not None,
            **more,
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
        """Apply rotary positions; return the fingerprint of the frequencies in force."""
        if rope.factor:
            apply_rope(self._language, rope, self._native)
        return rope_fingerprint(self._language)

    def export(self, folder: Path, weights: Mapping[str, torch.Tensor] | None = None) -> None:
        """Write a Hugging Face folder that serving engines load."""
        self.module.save_pretrained(folder, state_dict=dict(weights) if weights else None)
        self._processor.write_processor(folder)


def load(source: str, dtype: str, processor: Processor, native: NativeRope) -> QwenNetwork:
    """Load weights from a folder or a hub name. No remote code, no pickles.

    Raises:
        ConfigError: a file of them is damaged.
    """
    try:
        module = AutoModelForImageTextToText.from_pretrained(
            source, dtype=getattr(torch, dtype), use_safetensors=True, trust_remote_code=False
        )
    except SafetensorError as error:
        raise ConfigError(f"{source}: {error}; a file of its weights is damaged, fetch it again") from error
    return ready(module, processor, native)


def native_rope(folder: str, context: int) -> NativeRope:
    """Return the positions that a published configuration states, in whatever form its version wrote them.

    Args:
        context: native context [tokens].
    """
    text = AutoConfig.from_pretrained(folder).text_config
    return NativeRope(float(text.rope_parameters["rope_theta"]), context, text.max_position_embeddings)


def ready(module: Any, processor: Processor, native: NativeRope) -> QwenNetwork:
    """Put a model on the GPU where there is one, with attention that keeps packed conversations apart."""
    network = QwenNetwork(module, processor, native)
    use_packed_attention(module.model.visual, module.model.language_model)
    if torch.cuda.is_available():
        module.to("cuda")
    return network
