"""Mixtures that are written for other trainers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from mmprolong.mixture.export import Exported, ExportRequest, export
from mmprolong.mixture.image_export import Drawing
from mmprolong.records import Example, Reject
from mmprolong.settings.data import Component, Length, Mixture, Source
from mmprolong.settings.knobs import Config, Model, Optimizer, Phase, Suite, View
from mmprolong.store.jsonl import read_jsonl
from tests.models.tiny import write_model
from tests.tiny_run import finish, folder_of, step_of, tiny_config

KINDS = ("qwen2_5_vl", "qwen3_vl")
PIXELS = {"qwen2_5_vl": 28 * 28, "qwen3_vl": 32 * 32}
"""Area of a thumbnail of 28 px as the family sees it: less than its own bounds allow."""


class Made(NamedTuple):
    """A finished mixture of stamped thumbnails and whole pages."""

    config: Config
    request: ExportRequest

    @property
    def examples(self) -> dict[str, Example]:
        return {one.id: one for source in self.request.sources for one in read_jsonl(source, Example)}


def mixed(kind: str, home: Path) -> Made:
    path = write_model(kind, home / "model")
    stamped = ["extract_single", "extract_multi", "arithmetic"]
    sources = {
        "stamped": Source(tasks=stamped, documents=4, lengths=[Length("1x", [2, 4])], questions_per_task=2),
        "pages": Source(writer="template", tasks=["ocr_full"]),
    }
    parts = {name: Component(source=name, share=0.5, repeats=0) for name in sources}
    mixture = Mixture(tokens=12_000, sequence_length=4096, components=parts)
    config = tiny_config(
        home,
        view=View(dpi=36, thumbnail=28, min_pixels=PIXELS[kind]),
        sources=sources,
        model=Model(backbone=kind, path=path, native_context=64),
        phases={"longpt": Phase(mixture=mixture, optimizer=Optimizer(tokens_per_update=4096))},
        suite=Suite(subject="longpt"),
    )
    finish(config, "mixture.longpt")
    finish(config, "render")
    folders = {role: str(folder_of(config, role)) for role in ("corpus", "render")}
    return Made(
        config,
        ExportRequest(
            mixture=step_of(config, "mixture.longpt").path,
            packs=folder_of(config, "mixture.longpt") / "packs.jsonl",
            sources=[folder_of(config, f"synthesis.{name}") / "examples.jsonl" for name in sources],
            drawing=Drawing(
                view=config.view, corpus=config.corpus, inputs=folders, backbone=kind, model_path=config.model.path
            ),
            sequence_length=4096,
            format="ms_swift",
        ),
    )


class Written(NamedTuple):
    """An export, read again."""

    made: Made
    format: str
    out: Path
    lines: list[Exported]
    rejects: list[Reject]

    @property
    def rows(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.out / "data.jsonl").read_text().splitlines()]


def write(made: Made, name: str, out: Path) -> Written:
    lines, rejects = export(replace(made.request, format=name), out, silent)
    return Written(made, name, out, lines, rejects)


def silent(done: int, total: int, unit: str) -> None:
    """Tell nobody."""
