"""The model of a finished training step: a Hugging Face folder, and a note with its rotary fingerprint."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from mmprolong.errors import DataError
from mmprolong.models.backbone import Backbone
from mmprolong.records import Checkpoint
from mmprolong.settings.knobs import Model, Rope
from mmprolong.store.atomic import read_json, write_json

if TYPE_CHECKING:
    from mmprolong.models.network import Network

NOTE, FOLDER = "checkpoint.json", "model"


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
