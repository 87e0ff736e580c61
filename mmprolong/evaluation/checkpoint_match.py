"""Exactness between training and evaluation: pages, page indices and rotary positions as the weights were trained."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mmprolong.errors import ConfigError
from mmprolong.models import files, weights
from mmprolong.models.weights import Checkpoint
from mmprolong.plugins import identity_of
from mmprolong.settings.knobs import View
from mmprolong.settings.stages import ReplySettings

_DECLARE = "evaluate as the weights were trained, or declare it in suite.differs if the ablation is about it"


def require_match(settings: ReplySettings, checkpoint: Path | None) -> None:
    """Refuse to evaluate weights in another way than they were trained, as far as that is known without loading them.

    Args:
        checkpoint: folder of the finished training step; none: a note beside the folder of `model.path` is looked for.

    Raises:
        ConfigError: names what differs; or `suite.rope` is asked of an engine that loads weights by itself.
    """
    note = find_note(settings.model.path) if checkpoint is None else weights.read_note(checkpoint)
    if note is None:
        return
    problems = [each for name, each in _differences(settings, note, checkpoint) if name not in settings.differs]
    if problems:
        raise ConfigError(f"{problems[0]}; {_DECLARE}")


def find_note(path: str) -> Checkpoint | None:
    """Return the note of weights that we trained, in their folder or above it; none of others."""
    folder = Path(path).expanduser()
    if not path or not folder.is_dir():
        return None
    return next((weights.read_note(each) for each in (folder, folder.parent) if (each / weights.NOTE).is_file()), None)


def require_rope(found: str, note: Checkpoint | None, differs: list[str]) -> None:
    """Refuse rotary frequencies that the weights were not trained with.

    Args:
        found: fingerprint of those in force.

    Raises:
        ConfigError: they differ.
    """
    if note is not None and found != note.rope_fingerprint and "rope" not in differs:
        trained = f"trained with {note.rope_fingerprint} (base {note.rope_base:g})"
        raise ConfigError(f"suite.rope: rotary frequencies {found} are in force, {trained}; {_DECLARE}")


def _differences(settings: ReplySettings, note: Checkpoint, checkpoint: Path | None) -> Iterator[tuple[str, str]]:
    """Yield the kind of each difference, as `suite.differs` calls it, and its description."""
    if note.view is not None:
        yield from _of_view(note.view, identity_of(settings.view))
    base = _stated_base(str(checkpoint / weights.FOLDER) if checkpoint else settings.model.path)
    if base is not None and not abs(base / note.rope_base - 1) < 1e-6:
        yield "rope", f"rope: its config.json states the base {base:g}, it was trained with {note.rope_base:g}"


def _of_view(trained: Mapping[str, Any], shown: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    defaults = identity_of(View(), whole=True)
    for key in sorted({*trained, *shown}):
        was, now = trained.get(key, defaults[key]), shown.get(key, defaults[key])
        if was != now:
            yield key if key == "page_index" else "view", f"view.{key}: {now!r}, the weights were trained with {was!r}"


def _stated_base(path: str) -> float | None:
    """Return the rotary base in the config.json of weights; none where it states none."""
    found = files.find_file(path, files.CONFIG)
    config = files.read_json_file(found) if found else {}
    text = config.get("text_config") or config
    base = (text.get("rope_parameters") or text).get("rope_theta")
    return None if base is None else float(base)
