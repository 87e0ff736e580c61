"""Where steps come from: code, packages, machine; and whether the steps of one stage have it in common."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from mmprolong.errors import ArtifactError
from mmprolong.pipeline.plan import Plan
from mmprolong.settings.stages import STAGES
from mmprolong.store.code_digest import code_of
from mmprolong.store.environment import code_version
from mmprolong.store.store import DONE, Store
from mmprolong.sweep.state import unneeded_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What made one finished step; what was not recorded is empty. The fields are those of a `RunRecord`."""

    commit: str = ""
    code: dict[str, str] = field(default_factory=dict)
    """Digest of every source file by its name."""
    packages: dict[str, str] = field(default_factory=dict)
    hardware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Steps of one stage that were made alike."""

    count: int
    example: str
    """`stage/id` of one of them."""
    commits: tuple[str, ...]

    def __str__(self) -> str:
        steps = f"{self.count} step{'s' if self.count > 1 else ''}"
        return f"{steps} at commit {' and '.join(self.commits) or 'unknown'} (such as {self.example})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixed:
    """A stage whose steps were made by different code."""

    stage: str
    files: tuple[str, ...]
    """Source files that differ."""
    sides: tuple[Side, ...]
    """By the first of the files, the side with most steps first."""

    def __str__(self) -> str:
        sides = " and ".join(map(str, self.sides))
        return f"{self.stage}: {', '.join(self.files)} not the same in {sides}"


class MixedCode(ArtifactError):
    """Results were made by different code, so that what differs between them may be the code."""


def read_origin(store: Store, stage: str, step: str) -> Origin | None:
    """Where a step comes from; None if it is not finished, or its folder is gone.

    Raises:
        ArtifactError: its record is damaged.
    """
    path = store.folder(stage, step) / DONE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Origin)
    except OSError:
        return None
    except msgspec.DecodeError as error:
        raise ArtifactError(f"{path}: {error}; delete the folder to run the step again") from error


def _whole_origin(store: Store, stage: str, step: str) -> Origin | None:
    try:
        return read_origin(store, stage, step)
    except ArtifactError:
        return None


def mixed_code(steps: Mapping[str, str], origins: Mapping[str, Origin]) -> list[Mixed]:
    """The stages whose steps were made by different code. Steps of unknown code agree with all.

    Args:
        steps: stage by id.
    """
    return [found for stage in STAGES if (found := _mixed(stage, _of_stage(stage, steps, origins)))]


def require_one_code(ablation: str, steps: Mapping[str, str], origins: Mapping[str, Origin]) -> None:
    """Refuse results of different code.

    Raises:
        MixedCode: names the stages, files, commits, a step of each, and what to do.
    """
    found = mixed_code(steps, origins)
    if found:
        stages = " and ".join(each.stage for each in found)
        raise MixedCode(
            f"{ablation}: different code made steps of one stage: {'; '.join(map(str, found))}. Raise the version of "
            f"{stages} in settings.py and sweep again, or delete the older steps with all that needs them, or report "
            "with --mixed-code"
        )


def mixed_ahead(store: Store, plan: Plan) -> list[Mixed]:
    """The stages that would be of different code if the unfinished steps of `plan` were run by the code of today.

    A step whose record is damaged is one that has to run again.
    """
    stages = {name: step.stage for name, step in plan.steps.items()}
    known = {name: _whole_origin(store, stage, name) for name, stage in stages.items()}
    stages = {
        name: stages[name] for name in stages.keys() - unneeded_steps(plan, {name for name in known if known[name]})
    }
    begun = {stage for name, stage in stages.items() if known[name]}
    origins = {
        name: known[name] or Origin(code=code_of(STAGES[step.stage].module), commit=code_version())
        for name, step in plan.steps.items()
        if name in stages and step.stage in begun
    }
    return mixed_code(stages, origins)


def packages_by_stage(steps: Mapping[str, str], origins: Mapping[str, Origin]) -> dict[str, dict[str, list[str]]]:
    """Packages of which the steps of one stage had different versions: stage -> package -> versions."""
    found: dict[str, dict[str, list[str]]] = {}
    for stage in STAGES:
        versions: dict[str, set[str]] = defaultdict(set)
        for origin in _of_stage(stage, steps, origins).values():
            for name, version in origin.packages.items():
                versions[name].add(version)
        several = {name: sorted(each) for name, each in versions.items() if len(each) > 1}
        found |= {stage: several} if several else {}
    return found


def machines(steps: Iterable[str], origins: Mapping[str, Origin]) -> list[str]:
    """The kinds of machines that made the steps."""
    return sorted({origins[step].hardware for step in steps if step in origins and origins[step].hardware})


def _of_stage(stage: str, steps: Mapping[str, str], origins: Mapping[str, Origin]) -> dict[str, Origin]:
    return {step: origins[step] for step, its in steps.items() if its == stage and step in origins}


def _mixed(stage: str, origins: Mapping[str, Origin]) -> Mixed | None:
    digests: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for step, origin in origins.items():
        for name, digest in origin.code.items():
            digests[name][digest].append(step)
    files = sorted(name for name, by_digest in digests.items() if len(by_digest) > 1)
    if not files:
        return None
    groups = sorted(digests[files[0]].values(), key=lambda steps: -len(steps))
    return Mixed(stage=stage, files=tuple(files), sides=tuple(_side(stage, group, origins) for group in groups))


def _side(stage: str, steps: list[str], origins: Mapping[str, Origin]) -> Side:
    commits = sorted({origins[step].commit for step in steps if origins[step].commit})
    return Side(count=len(steps), example=f"{stage}/{steps[0]}", commits=tuple(commits))
