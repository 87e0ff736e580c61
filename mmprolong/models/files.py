"""Files of a pretrained model: in a folder, or in the cache of the Hugging Face hub. Nothing is downloaded here."""

from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from mmprolong.errors import ConfigError

CONFIG, TOKENIZER, PREPROCESSOR = "config.json", "tokenizer.json", "preprocessor_config.json"
NEEDED = (CONFIG, TOKENIZER, PREPROCESSOR)
"""Beside the weights (`*.safetensors`)."""
OF_PROCESSOR = (
    TOKENIZER,
    PREPROCESSOR,
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "merges.txt",
    "processor_config.json",
    "special_tokens_map.json",
    "tokenizer_config.json",
    "video_preprocessor_config.json",
    "vocab.json",
)
"""Files that a serving engine needs beside weights and configuration, where the model has them."""


def model_source(path: str) -> str:
    """Return what `from_pretrained` takes for `model.path`: a folder without `~`, or a hub name."""
    folder = Path(path).expanduser()
    return str(folder) if folder.is_dir() else path


def find_file(path: str, name: str) -> Path | None:
    """Return a file of the model at `path` (a folder or a hub name), or None where it has none."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    folder = Path(path).expanduser()
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    try:
        found = try_to_load_from_cache(path, name)
    except HFValidationError:  # no hub name, so it was meant as a folder
        return None
    return Path(found) if isinstance(found, str) else None


@cache
def need_file(path: str, name: str) -> Path:
    """Return a file of the model at `path`.

    Raises:
        ConfigError: it is not there; says what a model needs, and where it was looked for.
    """
    found = find_file(path, name) if path else None
    if found is None:
        needed = f"a model needs {', '.join(NEEDED)} and *.safetensors"
        if not path:
            raise ConfigError(f"model.path: ''; {needed}; name their folder, or a hub name that is in the local cache")
        from huggingface_hub.constants import HF_HUB_CACHE

        places = f"neither the folder {Path(path).expanduser()} nor the cache {HF_HUB_CACHE} has its {name}"
        raise ConfigError(f"model.path: {path!r}; {places}; {needed} (hf download {path} puts them into the cache)")
    return found


def read_json_file(path: Path) -> dict[str, Any]:
    """Return the object in a JSON file.

    Raises:
        ConfigError: it holds something else; names the file.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except msgspec.MsgspecError as error:
        raise ConfigError(f"{path}: {error}; expected the JSON that came with the model") from error


def write_json_file(path: Path, value: dict[str, Any]) -> None:
    """Write an object as indented JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(value), indent=2))
