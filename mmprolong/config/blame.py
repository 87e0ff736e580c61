"""Which overrides an error is about, and which errors follow from another one."""

from collections.abc import Sequence, Set

from mmprolong.config.groups import ABLATION, config_file, files_in, groups, place, shown
from mmprolong.config.keys import key_of
from mmprolong.config.layer import Layer, package_of
from mmprolong.config.overrides import QUOTES
from mmprolong.config.provenance import touches
from mmprolong.errors import Missing, Wrong


def blameless(overrides: Sequence[str], wrong: Sequence[Wrong]) -> list[str]:
    """The overrides of which `wrong` says nothing, and that are in no block that such a one sets."""
    gone = {key_of(text) for text in overrides if any(_about(text, one) for one in wrong)}
    return [text for text in overrides if not _hangs_on(key_of(text), gone)]


def follows(one: Wrong, wrong: Sequence[Wrong]) -> bool:
    """Whether the choice that is meant, where one is wrong, may have what is missing: other files of its group do."""
    block = tuple(one.key.split(".")[:1])
    files = ((each.key, file) for each in wrong if each.key in groups() for file in files_in(place(each.key)).values())
    layers = (Layer(file, package_of(group, file.read_text(encoding="utf-8")) or ()) for group, file in files)
    return isinstance(one, Missing) and any(layer.find(block) for layer in layers)


def _hangs_on(key: str, gone: Set[str]) -> bool:
    """Whether `key` is one of `gone`, or is in a block that one of them sets."""
    return key in gone or any(key.startswith(f"{each}.") for each in gone if each not in groups())


def _about(override: str, wrong: Wrong) -> bool:
    """Whether `wrong` is about what an override sets, or about the file that it chooses."""
    key = key_of(override)
    if key == wrong.key:
        return True
    if key in groups() and key != ABLATION:
        file = config_file(f"{key}/{override.partition('=')[2].strip(QUOTES)}")
        return file is not None and f"{wrong.where}:".startswith(f"{shown(file)}:")
    return wrong.key not in groups() and touches(key, tuple(wrong.key.split(".")))
