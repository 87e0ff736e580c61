"""Evaluation of one subject as a plan: a phase, weights in a folder or the hub's cache, or a server."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import msgspec

from mmprolong.config.compose import Composer
from mmprolong.config.groups import own_folder
from mmprolong.config.overrides import assigned, key_of, refuse_ablation
from mmprolong.errors import ConfigError, nearest
from mmprolong.evaluation.checkpoint_match import find_note
from mmprolong.models import weights
from mmprolong.pipeline.plan import Plan, Point
from mmprolong.pipeline.steps import steps_of
from mmprolong.plugins import names_in
from mmprolong.settings.knobs import Config
from mmprolong.store.environment import code_version
from mmprolong.store.fingerprint import readable_id

_SERVER = "subject"
"""Name among `llms` of a server that is given by its address."""


def plan_evaluation(subject: str, overrides: Sequence[str]) -> tuple[Plan, Config]:
    """Plan the steps that put a subject through a suite; also return the configuration.

    Args:
        subject: a phase, a folder, a hub name in the local cache, one of `llms`, or ADDRESS#MODEL of a server.

    Raises:
        ConfigError: it is none of these, or an override is wrong.
    """
    refuse_ablation(overrides)
    composer = Composer()
    if "://" in subject:
        found = [*_of_address(subject)]
    else:  # phases that nobody needs may be incomplete
        found = [*_of_name(subject, composer.compose([*overrides, "suite.subject=''"]), overrides)]
    texts = [*found, *overrides]
    config = composer.frozen(texts)
    with composer.locating(texts):
        roles = steps_of(config)
    label = subject.rpartition("#")[2].rstrip("/").rpartition("/")[2]
    ids = {role: step.id for role, step in roles.items()}
    name = readable_id(f"evaluate-{label}", [step for role, step in ids.items() if role.startswith("score.")])
    steps = {step.id: replace(step, label=f"{name}/{label}/s{config.seed}/{role}") for role, step in roles.items()}
    point = Point(label=label, seed=config.seed, config=msgspec.to_builtins(config), steps=ids)
    plan = Plan(
        ablation=name,
        question=f"How good is {subject}?",
        baseline=label,
        subject=subject,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        code=code_version(),
        overrides=tuple(overrides),
        config_dir=str(own_folder() or ""),
        points=(point,),
        steps=steps,
    )
    return plan, config


def _of_address(subject: str) -> Iterator[str]:
    """Yield the overrides that ask a server; prices and more are set below `llms.subject`."""
    address, _, model = subject.partition("#")
    if not model:
        raise ConfigError(f"SUBJECT {subject!r}: names no model; write {address}#MODEL, as the server calls it")
    yield assigned(f"llms.{_SERVER}.base_url", address)
    yield assigned(f"llms.{_SERVER}.model", model)
    yield from _of_server(_SERVER)


def _of_server(name: str) -> Iterator[str]:
    yield from ("suite.subject=''", "suite.engine=endpoint", f"suite.endpoint={name}")


def _of_name(subject: str, config: Config, overrides: Sequence[str]) -> Iterator[str]:
    """Yield the overrides that choose a phase, one of `llms`, or weights."""
    if subject in config.phases:
        yield f"suite.subject={subject}"
    elif subject in config.llms:
        yield from _of_server(subject)
    elif folder := weights.find_model(subject):
        yield from _of_weights(folder, config, {key_of(text) for text in overrides})
    else:
        places = "no phase, no folder with a config.json, no model in the hub's cache, none of llms, no ADDRESS#MODEL"
        raise ConfigError(f"SUBJECT {subject!r}: {places}; {nearest(subject, [*config.phases, *config.llms])}")


def _of_weights(folder: str, config: Config, chosen: set[str]) -> Iterator[str]:
    """Yield path and digest, and the family unless the user has chosen a model."""
    yield "suite.subject=''"
    yield assigned("model.path", folder)
    yield assigned("model.digest", weights.weights_digest(folder))
    note, (kind, dtype) = find_note(folder), weights.stated(folder)
    kind = note.backbone if note else kind
    if kind not in names_in("mmprolong.models.backbones") or chosen & {"model", "model.backbone"}:
        return
    yield f"model.backbone={kind}"
    yield from [f"model.dtype={dtype}"] if dtype else []
    if kind != config.model.backbone:
        yield "view.thumbnail=0"  # only the proxy reads stamped thumbnails
