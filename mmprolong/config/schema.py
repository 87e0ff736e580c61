"""Which keys there are: the typed fields of `config`."""

from dataclasses import is_dataclass
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from mmprolong.config.groups import groups
from mmprolong.errors import Wrong, nearest
from mmprolong.settings.knobs import Config


def unknown(key: str) -> Wrong | None:
    """What is wrong with a key that the schema does not know, with the nearest of its siblings or groups."""
    node: Any = _structured(Config)
    walked: list[str] = []
    for part in key.split("."):
        if not isinstance(node, DictConfig):
            return Wrong(".".join(walked), "has no parts")
        if OmegaConf.get_type(node) is dict:
            node = _element(node)
        elif part in node:
            node = node[part]
        elif not walked and part in groups():
            return Wrong(key, f"{part} is a group; choose {part}=NAME: {', '.join(groups()[part])}")
        else:
            allowed = [str(name) for name in node] + (list(groups()) if not walked else [])
            return Wrong(".".join([*walked, part]), f"unknown; {nearest(part, allowed)}")
        walked.append(part)
    return None


def _element(mapping: DictConfig) -> Any:
    """What a mapping of the schema holds under any name; None if that has no keys."""
    element = mapping._metadata.element_type
    return _structured(element) if isinstance(element, type) and is_dataclass(element) else None


@cache
def _structured(kind: type) -> Any:
    """Made once: it takes longer than to look up a thousand keys in it."""
    return OmegaConf.structured(kind)
