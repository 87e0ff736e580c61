"""Sizes of a model, read from its configuration: layers, widths, heads, parameters by part. No torch, no weights."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mmprolong import plugins
from mmprolong.errors import ConfigError
from mmprolong.models import files
from mmprolong.settings.knobs import Model

_SIZES = Path(__file__).with_name("config_sizes.json")
"""Sizes as a config.json states them, by hub name: a login node need not have the files of published models."""
PROXY = "proxy"
"""Name of the proxy among them."""
_VISION = {
    "qwen2_5_vl": {"depth": 32, "intermediate_size": 3420, "num_heads": 16, "patch_size": 14, "spatial_merge_size": 2}
    | {"window_size": 112, "fullatt_block_indexes": [7, 15, 23, 31]},
    "qwen3_vl": {},
}
"""Sizes that a config.json may leave out, by family."""
_COLOURS, _FRAMES = 3, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSizes:
    """A decoder with grouped queries and gated feed-forward layers."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    tied: bool
    """One matrix is embedding and head."""
    qkv_bias: bool = False
    qk_norm: bool = False

    @property
    def query(self) -> int:
        """Width of all queries of a token."""
        return self.heads * self.head_dim

    @property
    def key(self) -> int:
        """Width of all keys of a token, and of its values."""
        return self.kv_heads * self.head_dim

    @property
    def products(self) -> int:
        """Weights of the matrices of one layer."""
        return self.hidden * (2 * self.query + 2 * self.key + 3 * self.ffn)

    @property
    def parameters(self) -> int:
        """All but embedding and head."""
        bias = self.qkv_bias * (self.query + 2 * self.key)
        norms = 2 * self.hidden + self.qk_norm * 2 * self.head_dim
        return self.layers * (self.products + bias + norms) + self.hidden


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSizes:
    """A vision tower and the merger that projects its patches to tokens."""

    hidden: int
    depth: int
    heads: int
    ffn: int
    gated: bool
    """Three matrices in the feed-forward layer, not two; RMS norms, not layer norms; no bias of the patch embedding."""
    patch: int
    """Side of a patch [px]."""
    merge: int
    """Patches along each side of a token."""
    out: int
    """Width of a token."""
    window: int = 0
    """Side of the windows of attention [px]; 0: none."""
    full: int = 0
    """Blocks that attend to the whole page; with `window` 0 all do."""
    levels: int = 0
    """Further mergers, each after an inner block (DeepStack)."""
    places: int = 0
    """Learned positions."""

    @property
    def merged(self) -> int:
        """Width of the patches of a token."""
        return self.hidden * self.merge**2

    @property
    def pixels(self) -> int:
        """Values of a patch."""
        return _COLOURS * _FRAMES * self.patch**2

    @property
    def pixels_of_frame(self) -> int:
        """Values of a patch of one frame; those of a still image are equal, and multiplied once."""
        return _COLOURS * self.patch**2

    @property
    def products(self) -> int:
        """Weights of the matrices of one block."""
        return self.hidden * (4 * self.hidden + (3 if self.gated else 2) * self.ffn)

    @property
    def parameters(self) -> int:
        """All but the mergers."""
        bias = 5 * self.hidden + (2 if self.gated else 1) * self.ffn
        norms = 2 * self.hidden * (1 if self.gated else 2)
        embedding = self.hidden * (self.pixels + (not self.gated))
        return embedding + self.places * self.hidden + self.depth * (self.products + bias + norms)

    @property
    def merger_products(self) -> int:
        """Weights of the matrices of one merger."""
        return self.merged * (self.merged + self.out)

    @property
    def merger_parameters(self) -> int:
        """All mergers; those of inner blocks normalise merged patches."""
        one = self.merger_products + self.merged + self.out
        return (1 + self.levels) * one + self.hidden * (1 if self.gated else 2) + self.levels * 2 * self.merged


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of a model."""

    name: str
    family: str
    """`model_type` in its config.json."""
    text: TextSizes
    vision: VisionSizes | None = None
    source: str = ""
    """Where they were read."""

    @property
    def parameters(self) -> dict[str, int]:
        """Number by part: vision, projector, language, embeddings (the head, too)."""
        vision, text = self.vision, self.text
        return {
            "vision": vision.parameters if vision else 0,
            "projector": vision.merger_parameters if vision else 0,
            "language": text.parameters,
            "embeddings": text.vocabulary * text.hidden * (1 if text.tied else 2),
        }

    @property
    def total(self) -> int:
        """Number of all parameters."""
        return sum(self.parameters.values())

    def trained(self, frozen: frozenset[str] | tuple[str, ...] = ()) -> int:
        """Return the number of parameters that are trained; embeddings belong to the language model."""
        part_of = {"embeddings": "language"}
        return sum(count for part, count in self.parameters.items() if part_of.get(part, part) not in frozen)


def shape_of(model: Model) -> Shape:
    """Return the sizes of the model that settings name.

    Raises:
        ConfigError: its config.json is not at hand and it is not one whose sizes we bring along, or it is of another
            family.
    """
    backbone = plugins.split(model.backbone)[0]
    if backbone == PROXY:  # a model that was exported has its sizes, too
        return shape_in(known_sizes()[PROXY], PROXY, "its own sizes")
    shape = shape_at(model.path)
    if shape.family != backbone:
        raise ConfigError(f"model.backbone: {backbone!r}; {shape.source} is of a {shape.family!r}")
    return shape


def shape_in(config: Mapping[str, Any], name: str, source: str = "") -> Shape:
    """Return the sizes in a config.json of Qwen2.5-VL or Qwen3-VL, flat or nested, or of a text model like theirs.

    Raises:
        ConfigError: a size is missing.
    """
    text, vision = config.get("text_config") or config, config.get("vision_config")
    kind = str(config.get("model_type", ""))
    try:
        return Shape(
            name=name,
            family=kind,
            text=_text(text, bool(config.get("tie_word_embeddings", text.get("tie_word_embeddings", False))), kind),
            vision=_vision(_VISION.get(kind, {}) | vision, kind) if vision else None,
            source=source or name,
        )
    except KeyError as error:
        raise ConfigError(
            f"{source or name}: {error.args[0]!r} is missing; give the config.json of the model"
        ) from error


def known_sizes() -> dict[str, Any]:
    """Return the sizes that we bring along, by the name of the model."""
    return files.read_json_file(_SIZES)


def shape_at(path: str) -> Shape:
    """Return the sizes of the model at `path`, a folder or a hub name, of whatever family.

    Raises:
        ConfigError: as in `shape_of`.
    """
    found = find_shape(path)
    if found is None:
        known = ", ".join(name for name in known_sizes() if name != PROXY)
        raise ConfigError(f"model.path: {path!r} has no {files.CONFIG} here; name its folder, or one of {known}")
    return found


@cache
def find_shape(path: str) -> Shape | None:
    """Return the sizes of the model at `path`; None if its config.json is not here and we do not know them."""
    found = files.find_file(path, files.CONFIG) if path else None
    if found:
        return shape_in(files.read_json_file(found), path, str(found))
    config = known_sizes().get(path) if path != PROXY else None
    return shape_in(config, path, f"published sizes; no {files.CONFIG} here") if config else None


def _text(text: Mapping[str, Any], tied: bool, kind: str) -> TextSizes:
    hidden, heads = text["hidden_size"], text["num_attention_heads"]
    return TextSizes(
        hidden=hidden,
        layers=text["num_hidden_layers"],
        heads=heads,
        kv_heads=text["num_key_value_heads"],
        head_dim=text.get("head_dim") or hidden // heads,
        ffn=text["intermediate_size"],
        vocabulary=text["vocab_size"],
        tied=tied,
        qkv_bias=kind.startswith("qwen2"),
        qk_norm=kind.startswith("qwen3"),
    )


def _vision(vision: Mapping[str, Any], kind: str) -> VisionSizes:
    windowed = kind == "qwen2_5_vl"
    return VisionSizes(
        hidden=vision["hidden_size"],
        depth=vision["depth"],
        heads=vision["num_heads"],
        ffn=vision["intermediate_size"],
        gated=windowed,
        patch=vision["patch_size"],
        merge=vision["spatial_merge_size"],
        out=vision["out_hidden_size"],
        window=vision["window_size"] if windowed else 0,
        full=len(vision["fullatt_block_indexes"]) if windowed else vision["depth"],
        levels=len(vision.get("deepstack_visual_indexes") or ()),
        places=0 if windowed else vision["num_position_embeddings"],
    )
