"""Where the values of a configuration come from: asked once a value is wrong, never before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from mmprolong.config.groups import groups
from mmprolong.config.keys import DEFAULT, JOBS, key_of
from mmprolong.config.layer import Layer
from mmprolong.config.references import target
from mmprolong.errors import Keys, Wrong

SCHEMA = "default of the schema"


@dataclass(frozen=True, slots=True)
class Origins:
    """What set each value: of files and overrides the last."""

    layers: Callable[[Keys], Sequence[Layer]]
    """The files that may set a key, in the order in which they are merged."""
    overrides: Sequence[str] = ()
    """In the order in which they are applied."""
    written: Mapping[str, Keys] = field(default_factory=dict)
    """By override, if an ablation sets it: the key under which it is written."""

    def placed(self, wrong: Wrong) -> Wrong:
        """`wrong` with its place, unless it has one."""
        if wrong.where:
            return wrong
        said = wrong.said
        if wrong.also:
            said = said.replace(wrong.also, f"{wrong.also} ({self.of(tuple(wrong.also.split('.')))})", 1)
        return replace(wrong, said=said, where=self.of(wrong.at or tuple(wrong.key.split("."))))

    def of(self, keys: Keys) -> str:
        """The place of the value at `keys`. One that stands for another value has two: `PLACE (${KEY}: PLACE)`."""
        place, value = self._found(keys)
        referred = self._found(target(value))[0] if target(value) else ""
        if referred:
            return f"{place} ({value}: {referred})"
        return place or self._default(keys)

    def _found(self, keys: Keys) -> tuple[str, str]:
        """Place and value, as it is written; both empty if nothing sets it."""
        place, value = self._overridden(keys)
        return (place, value) if place else self._in_file(keys)

    def _overridden(self, keys: Keys) -> tuple[str, str]:
        """What sets the whole value comes before what sets a part of it."""
        found = [text for text in self.overrides if touches(key_of(text), keys)]
        if not found:
            return "", ""
        whole = [text for text in found if key_of(text).count(".") < len(keys)]
        text = (whole or found)[-1]
        place = self.of(self.written[text]) if text in self.written else f"override {text!r}"
        return place, text.partition("=")[2].strip("'\"")

    def _in_file(self, keys: Keys) -> tuple[str, str]:
        for layer in reversed(self.layers(keys)):
            found = layer.find(keys)
            if found is not None:
                return str(found), found.value
        return "", ""

    def _default(self, keys: Keys) -> str:
        """A stage's job has the value of all jobs; else the innermost block that is written somewhere leaves it out."""
        jobs, stage = tuple(JOBS.split(".")), len(JOBS.split("."))
        if keys[:stage] == jobs and len(keys) > stage + 1 and keys[stage] != DEFAULT:
            return self.of((*jobs, DEFAULT, *keys[stage + 1 :]))
        for length in range(len(keys) - 1, 0, -1):
            block = keys[:length]
            place = self._in_file(block)[0] or self._overridden(block)[0]
            if place:
                return f"{SCHEMA} ({'.'.join(map(str, block))}: {place})"
        return SCHEMA


def touches(key: str, keys: Keys) -> bool:
    """Whether setting `key` sets the value at `keys`, a part of it, or what it is in. Choices set their group alone."""
    own = tuple(key.split("."))
    shared = len(keys) if key in groups() else min(len(own), len(keys))
    return own[:shared] == keys[:shared]
