"""The graph of steps: the stages of a configuration, and their ids."""

from dataclasses import dataclass
from graphlib import TopologicalSorter
from typing import Any

import msgspec

from mmprolong import plugins
from mmprolong.config.consistency import needed_phases
from mmprolong.plugins import identity_of
from mmprolong.settings.knobs import Config, Evaluation, Phase
from mmprolong.settings.stages import (
    STAGES,
    MeasurementSettings,
    MixtureSettings,
    RenderSettings,
    ReplySettings,
    SamplesSettings,
    ScoreSettings,
    SelectionSettings,
    SynthesisSettings,
    TrainingSettings,
)
from mmprolong.store.fingerprint import readable_id
from mmprolong.synthesis.versions import task_versions


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A stage to run: its settings, and the finished steps that it builds on."""

    id: str
    stage: str
    settings: dict[str, Any]
    """The full settings; only their identity is in the id."""
    needs: dict[str, str]
    """`stage/id` by role."""
    label: str = ""

    @property
    def path(self) -> str:
        """`stage/id`: its folder in the store, and how other steps need it."""
        return f"{self.stage}/{self.id}"

    @property
    def inputs(self) -> dict[str, str]:
        """Ids of the steps that it builds on, by role."""
        return {role: split_path(path)[1] for role, path in self.needs.items()}


def split_path(path: str) -> tuple[str, str]:
    """Return stage and id of `stage/id`."""
    stage, _, name = path.partition("/")
    return stage, name


def stage_of(role: str) -> str:
    """Return the stage of a role: `mixture.longpt` is a mixture."""
    return role.partition(".")[0]


def make_step(stage: str, name: str, settings: Any, needs: dict[str, str]) -> Step:
    """Build the step whose id is `name` and the hash of [stage, version, identity of the settings, inputs]."""
    key = [stage, STAGES[stage].version, identity_of(settings), needs]
    return Step(id=readable_id(name, key), stage=stage, settings=msgspec.to_builtins(settings), needs=needs)


def steps_of(config: Config) -> dict[str, Step]:
    """Return the steps of one run, by role, in an order in which they can run.

    Roles: `corpus`, `selection`, `render`, `synthesis.<source>`, `measurement.<source>`, `mixture.<phase>`,
    `training.<phase>`, and for every benchmark `samples.<b>`, `reply.<b>`, `score.<b>`. What nothing needs is left out.

    Args:
        config: consistent.

    Raises:
        InvalidSettings: a task is unknown.
    """
    graph = _Graph(config)
    needed = needed_phases(config)
    starts = {name: phase.start for name, phase in config.phases.items() if name in needed}
    for name in filter(None, TopologicalSorter(starts).static_order()):
        graph.add_phase(name, config.phases[name])
    for name, evaluation in config.suite.benchmarks.items():
        graph.add_evaluation(name, evaluation)
    return graph.steps


class _Graph:
    """Steps so far, by role; a step that several need is added once."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.steps: dict[str, Step] = {}
        self.subject: dict[str, Any] = {
            "model": config.model,
            "view": config.view,
            "corpus": config.corpus,
            "training": config.training,
        }
        """Settings that training and reply share."""

    def add_phase(self, name: str, phase: Phase) -> None:
        """Add a mixture and the training on it, with the data that they need."""
        config, mixture = self.config, phase.mixture
        parts = {each: part for each, part in mixture.components.items() if part.share > 0}
        sources = dict.fromkeys(part.source for part in parts.values())
        others = {each for part in parts.values() for each in part.matched.sources} - sources.keys()
        measured = {f"measurement.{each}": self._measurement(each) for each in sources}
        measured |= {f"matched.{each}": self._measurement(each) for each in sorted(others)}
        longest = max(parts.values(), key=lambda part: part.share)
        settings = MixtureSettings(mixture, config.model.native_context, phase.seed)
        called = f"{name}-{longest.lengths.name}-s{phase.seed}"
        drawn = self._add(f"mixture.{name}", called, settings, {"corpus": self._corpus(), **measured})
        needs = {"mixture": drawn, **self._shown(), **{f"synthesis.{each}": self._synthesis(each) for each in sources}}
        starts = [each for each in phase.start if each]
        needs |= {f"checkpoint.{each}": self.steps[f"training.{each}"].path for each in starts}
        training = TrainingSettings(
            rope=phase.rope,
            optimizer=phase.optimizer,
            objective=phase.objective,
            sequence_length=mixture.sequence_length,
            **self.subject,
        )
        backbone = plugins.split(config.model.backbone)[0]
        self._add(f"training.{name}", f"{name}-{backbone}-s{phase.seed}", training, needs)

    def add_evaluation(self, name: str, evaluation: Evaluation) -> None:
        """Add the questions of a benchmark, the subject's replies and their marks."""
        config, suite = self.config, self.config.suite
        source = evaluation.source
        needs = {"synthesis": self._synthesis(source)} if source else {}
        if evaluation.after:
            self.add_evaluation(evaluation.after, suite.benchmarks[evaluation.after])
            needs["scores"] = self.steps[f"score.{evaluation.after}"].path
        samples = self._add(
            f"samples.{name}", name, SamplesSettings(name, evaluation.benchmark, suite.data_root), needs
        )
        settings = ReplySettings(
            new_tokens=evaluation.new_tokens,
            endpoint=config.llms.get(suite.endpoint),
            prompt_order=suite.prompt_order,
            rope=suite.rope,
            differs=list(suite.differs),
            engine=suite.engine,
            data_root=suite.data_root,
            **self.subject,
        )
        subject = {"checkpoint": self.steps[f"training.{suite.subject}"].path} if suite.subject else {}
        shown = self._shown() if source else {}  # public benchmarks show what lies in the data root
        reply = self._add(f"reply.{name}", name, settings, {"samples": samples, **shown, **subject})
        judge = config.llms.get(evaluation.judge)
        others = {each: config.llms[each] for each in evaluation.other_judges}
        judged = ScoreSettings(evaluation.scorer, evaluation.benchmark, judge, others, suite.overall)
        self._add(f"score.{name}", name, judged, {"samples": samples, "reply": reply})

    def _add(self, role: str, name: str, settings: Any, needs: dict[str, str]) -> str:
        if role not in self.steps:
            self.steps[role] = make_step(stage_of(role), name, settings, needs)
        return self.steps[role].path

    def _corpus(self) -> str:
        path = self.config.corpus.path
        # ids name the pool that ships with the package, never the folder of a user
        return self._add("corpus", path if path == "demo" else "pdfs", self.config.corpus, {})

    def _shown(self) -> dict[str, str]:
        """Return what images are drawn from."""
        needs = {"corpus": self._corpus()}
        if self.config.view.thumbnail:
            view = self.config.view
            settings = RenderSettings(view.renderer, view.thumbnail, self.config.corpus)
            needs["render"] = self._add("render", f"thumbnails-{view.thumbnail}", settings, dict(needs))
        return needs

    def _synthesis(self, name: str) -> str:
        source = self.config.sources[name]
        corpus = self._corpus()
        chosen = SelectionSettings(self.config.selection, self.config.corpus)
        selection = self._add("selection", "pool", chosen, {"corpus": corpus})
        versions = task_versions(source, f"sources.{name}.tasks")
        llms = self.config.llms
        writer, second = llms.get(source.llm), llms.get(source.filter)
        settings = SynthesisSettings(source, versions, writer, second, self.config.corpus)
        called = f"{source.writer}-{source.split}"
        return self._add(f"synthesis.{name}", called, settings, {"corpus": corpus, "selection": selection})

    def _measurement(self, name: str) -> str:
        synthesis, config = self._synthesis(name), self.config
        settings = MeasurementSettings(config.model.backbone, config.view, config.model.path, config.corpus)
        backbone = plugins.split(config.model.backbone)[0]
        return self._add(f"measurement.{name}", backbone, settings, {"corpus": self._corpus(), "synthesis": synthesis})
