"""The model of a finished training step: a Hugging Face folder, and a note with its rotary fingerprint."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mmprolong.errors import ConfigError, DataError
from mmprolong.models import files
from mmprolong.models.backbone import Backbone
from mmprolong.settings.knobs import Model, Rope
from mmprolong.store.atomic import read_json, write_json

if TYPE_CHECKING:
    from mmprolong.models.network import Network

NOTE, FOLDER = "checkpoint.json", "model"
_BLOCK = 1 << 20
_EVERY = 64 << 20
"""A block of so many bytes of a file of weights is read, and the next one so many further on: training changes all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """Weights ready to be trained on or evaluated."""

    backbone: str
    updates: int
    tokens: int
    """Training tokens seen over all phases."""
    rope_base: float
    rope_fingerprint: str
    """Hash of the rotary frequencies that the model really uses."""
    view: dict[str, Any] | None = None
    """What of the view of its training is not at its default; none: unknown."""


class Exports(Protocol):
    """A network, or the engine that trains it."""

    def export(self, folder: Path) -> None:
        """Write the model as a Hugging Face folder."""
        ...


def describe(
    network: "Network", backbone: str, updates: int, tokens: int, view: dict[str, Any] | None = None
) -> Checkpoint:
    """Return the note of a network as it is now.

    Args:
        backbone: name of the family.
        tokens: training tokens seen over all phases.
        view: identity of the view of its training.
    """
    return Checkpoint(
        backbone=backbone,
        updates=updates,
        tokens=tokens,
        rope_base=network.rope_base,
        rope_fingerprint=network.set_rope(Rope()),
        view=view,
    )


def save(model: Exports, note: Checkpoint, folder: Path) -> None:
    """Write `model/` and its note into a step's folder."""
    model.export(folder / FOLDER)
    write_json(folder / NOTE, note)


def read_note(folder: Path) -> Checkpoint:
    """Return the note of a finished training step."""
    return Checkpoint(**read_json(folder / NOTE))


def load(backbone: Backbone, model: Model, folder: Path | None) -> "Network":
    """Load the model of a finished training step, or where `folder` is none the model as it comes.

    Raises:
        DataError: its rotary frequencies are not those it was saved with.
    """
    if folder is None:
        return backbone.load(model)
    note = read_note(folder)
    network = backbone.load(model, folder / FOLDER)
    found = network.set_rope(Rope())
    if found != note.rope_fingerprint:
        raise DataError(
            f"{folder}: rotary frequencies {found} are not those of the checkpoint, {note.rope_fingerprint}"
        )
    return network


def find_model(subject: str) -> str | None:
    """Return the folder or hub name of weights: of a training step, its model."""
    path = Path(subject).expanduser()
    for folder in (path, path / FOLDER):
        if (folder / files.CONFIG).is_file():
            return str(folder.absolute())
    return subject if files.find_file(subject, files.CONFIG) else None


def stated(path: str) -> tuple[str, str]:
    """Return family and precision of a folder or hub name, as its configuration has them; empty where it does not."""
    content = files.read_json_file(files.need_file(path, files.CONFIG))
    dtype = content.get("dtype") or content.get("torch_dtype") or content.get("text_config", {}).get("dtype")
    return str(content.get("model_type")), dtype or ""


def weights_digest(path: str) -> str:
    """Return 12 hex digits that name the files of weights of a folder or hub name, large ones by a block every 64 MiB.

    Raises:
        ConfigError: there are none.
    """
    config = files.need_file(path, files.CONFIG)
    found = sorted(config.parent.glob("*.safetensors"))
    if not found:
        raise ConfigError(f"{config.parent}: holds no *.safetensors; name the folder of a whole model")
    digest = hashlib.sha256(config.read_bytes())
    for each in found:
        size = each.stat().st_size
        digest.update(f"{each.name} {size}".encode())
        with each.open("rb") as file:
            for begin in range(0, size, _EVERY):
                file.seek(begin)
                digest.update(file.read(_BLOCK))
    return digest.hexdigest()[:12]
