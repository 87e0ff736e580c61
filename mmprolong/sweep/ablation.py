"""An ablation: a question, the arms of its table and the overrides that each arm stands for."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Annotated, Any

import yaml
from annotated_types import MinLen

from mmprolong.config.groups import ABLATION, ABLATIONS, PUBLISHED, TABLES, files_in, named
from mmprolong.config.overrides import SWEEP, key_of, locating
from mmprolong.errors import ConfigError, InvalidSettings, Problem, check_name
from mmprolong.settings.knobs import AtLeast0

_ONCE = "a sweep has one: set it when you launch"
_FOR_ALL = {"seed": "name seeds in sweep.seeds", "cluster": _ONCE, "paths": _ONCE, "tracking": _ONCE}
"""Advice by first part of a key that no arm can set."""
AXES = " / "
"""Separator between the labels of combined axes."""

Axis = dict[str, Annotated[list[str], MinLen(1)]]
"""Overrides by label."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """The `sweep:` block of a file in sweeps/ablation."""

    name: str
    question: str
    source: str
    """Paper, section or table."""
    baseline: str
    """Label of the arm that the others are compared with."""
    seeds: Annotated[list[AtLeast0], MinLen(1)] = field(default_factory=lambda: [0])
    points: Axis = field(default_factory=dict)
    grid: list[Axis] = field(default_factory=list)
    """Every combination of the axes is an arm, labelled 'a / b'."""
    table: str = ""
    """File in analysis/tables; empty: the table of arms by evaluated length."""
    published: str = ""
    """CSV in analysis/published."""
    factor: list[str] = field(default_factory=list)
    """Keys, or beginnings of keys with `*`, of the settings in which the arms differ; none: not declared."""

    @property
    def arms(self) -> dict[str, list[str]]:
        """Overrides by label, in the order of the table."""
        return dict(self.rows())

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Yield label and overrides of every arm, also of two arms with one label."""
        yield from self.points.items()
        for combined in product(*(axis.items() for axis in self.grid)) if self.grid else ():
            yield AXES.join(label for label, _ in combined), [text for _, own in combined for text in own]


def read_ablation(name: str, overrides: Sequence[str] = ()) -> Ablation:
    """Read the file of an ablation, changed by overrides of `sweep`.

    Raises:
        ConfigError: the file is missing or wrong; names file and key.
    """
    from mmprolong.config.decode import decode

    path = named(ABLATIONS, name, ABLATION)
    block, own = _block(path), [text for text in overrides if key_of(text).partition(".")[0] == SWEEP]
    with locating(own, str(path)):
        ablation = decode(_changed(block, own) if own else block, Ablation, SWEEP)
        if problems := [*_problems(ablation, name)]:
            raise InvalidSettings(*problems)
    return ablation


def _block(path: Path) -> dict[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        mark = getattr(error, "problem_mark", None)
        line, message = f":{mark.line + 1}" if mark else "", getattr(error, "problem", error)
        raise ConfigError(f"{path}{line}: {message}; mend the YAML") from error
    if not isinstance(content, dict) or not isinstance(content.get(SWEEP), dict):
        raise ConfigError(f"{path}: no block `{SWEEP}:`; give one with name, question, source, baseline and points")
    return content[SWEEP]


def _changed(block: Mapping[str, Any], overrides: Sequence[str]) -> Any:
    from omegaconf import OmegaConf

    from mmprolong.config.hydra_compose import apply

    config = OmegaConf.create({SWEEP: dict(block)})
    apply(config, overrides)
    plain: Any = OmegaConf.to_container(config, resolve=False)
    return plain.get(SWEEP, {})


def _problems(ablation: Ablation, name: str) -> Iterator[Problem]:
    """Yield the inconsistencies of an ablation whose values have the right types."""
    if ablation.name != name:
        yield Problem(f"{SWEEP}.name", f"{ablation.name!r}; call it {name!r}, as its file")
    labels = Counter(label for label, _ in ablation.rows())
    if not labels:
        yield Problem(SWEEP, "no points and no grid; name at least one arm")
    else:
        yield from check_name(f"{SWEEP}.baseline", ablation.baseline, labels, "label")
    for label, number in labels.items():
        if number > 1:
            yield Problem(SWEEP, f"two arms are called {label!r}; give each a label of its own")
    if len(set(ablation.seeds)) < len(ablation.seeds):
        yield Problem(f"{SWEEP}.seeds", f"{ablation.seeds}; name each once")
    axes = {"points": ablation.points} | {f"grid.{at}": axis for at, axis in enumerate(ablation.grid)}
    for key, (label, texts) in ((key, arm) for key, axis in axes.items() for arm in axis.items()):
        for text in texts:
            if instead := _FOR_ALL.get(key_of(text).partition(".")[0]):
                yield Problem(f"{SWEEP}.{key}.{label}", f"{text!r}; {instead}")
    published = [path.name for path in files_in(PUBLISHED).values()]
    for key, name, files in (("table", ablation.table, files_in(TABLES)), ("published", ablation.published, published)):
        yield from check_name(f"{SWEEP}.{key}", name, files, "file of analysis") if name else ()
