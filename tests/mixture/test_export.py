"""What every format of other trainers must do, over the folder of formats."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image as Pillow
from transformers import AutoImageProcessor, AutoTokenizer

from mmprolong import plugins
from mmprolong.conversations import Conversation, Text, images_of
from mmprolong.errors import ArtifactError
from mmprolong.mixture.export import FORMATS, Exported, export
from mmprolong.mixture.image_export import relative_path
from mmprolong.pipeline.plan import Plan, Point, save_plan
from mmprolong.pipeline.steps import steps_of
from mmprolong.records import Pack
from mmprolong.store.fingerprint import leaves
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from tests.cli.typed import said as typed
from tests.mixture.exports import PIXELS, Made, Written, write
from tests.tiny_run import step_of


def said(row: dict[str, Any]) -> list[tuple[str, str, bool]]:
    """Role, text and whether it is learned of a row's turns, as the format's guide says; answers in a row are one."""
    if "conversations" in row:
        roles = {"human": "user", "gpt": "assistant"}
        return [(roles[turn["from"]], turn["value"], turn["from"] == "gpt") for turn in row["conversations"]]
    return [(turn["role"], turn["content"], turn.get("loss", turn["role"] == "assistant")) for turn in row["messages"]]


def learned(conversation: Conversation) -> list[str]:
    parts = [part for message in conversation for part in message.parts]
    return [part.text for part in parts if isinstance(part, Text) and part.learned]


def processed(folder: Path, size: dict[str, int], row: dict[str, Any]) -> int:
    """Tokens of a row by the model's own processor: chat template, tokenizer, image processor."""
    images, tokenizer = AutoImageProcessor.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    turns: list[dict[str, Any]] = []
    for role, text, _ in said(row):
        before, *after = text.split("<image>")
        content = [{"type": "text", "text": before}]
        for stretch in after:
            content += [{"type": "image"}, {"type": "text", "text": stretch}]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        else:
            turns.append({"role": role, "content": content})
    text = tokenizer.apply_chat_template(turns, tokenize=False)
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    shown = [Pillow.open(path).convert("RGB") for path in row["images"]]
    grids = images(images=shown, size=size, return_tensors="np")["image_grid_thw"] if shown else np.zeros((0, 3))
    assert ids.count(tokenizer.convert_tokens_to_ids("<|image_pad|>")) == len(shown)
    return len(ids) + sum(int(grid.prod()) // images.merge_size**2 - 1 for grid in grids)


def test_lengths_are_those_of_the_models_own_processor(written: Written):
    size = json.loads((written.out / "processor" / "preprocessor_config.json").read_text())["size"]
    lengths = list(read_jsonl(written.out / "lengths.jsonl", Exported))
    assert lengths == written.lines
    folder = Path(written.made.config.model.path)
    for line, row in zip(lengths, written.rows, strict=True):
        assert processed(folder, size, row) == line.tokens
        assert len(row["images"]) == line.images


def test_lines_are_in_the_order_of_the_packs(written: Written):
    packs = list(read_jsonl(written.made.request.packs, Pack))
    left = {reject.what for reject in written.rejects}
    kept = [(name, pack.id) for pack in packs for name in pack.examples if name not in left]
    assert [(line.example, line.pack) for line in written.lines] == kept
    assert len({line.pack for line in written.lines}) > 1


def test_what_is_learned_is_what_was(written: Written):
    examples = written.made.examples
    for line, row in zip(written.lines, written.rows, strict=True):
        conversation = examples[line.example].conversations["answer"]
        assert [text for _, text, supervised in said(row) if supervised] == learned(conversation)
        texts = ["".join(part.text for part in one.parts if isinstance(part, Text)) for one in conversation]
        assert "".join(text for _, text, _ in said(row)).replace("<image>", "") == "".join(texts)


def test_a_format_that_has_no_half_learned_answers_says_how_many_it_left_out(written: Written):
    drawn = {name for pack in read_jsonl(written.made.request.packs, Pack) for name in pack.examples}
    halves = {name for name in drawn if name.endswith("arithmetic")}
    assert halves
    refused = {reject.what for reject in written.rejects}
    if written.format == "ms_swift":
        assert refused <= halves
        assert {line.example for line in written.lines} & halves
    else:
        assert refused == halves
        assert {reject.reason for reject in written.rejects} == {"an answer is not learned, or not all of it"}
        assert f"- {len(halves)} x an answer is not learned" in (written.out / "README.md").read_text()


def test_images_are_drawn_once_as_the_model_sees_them(written: Written):
    images, backbone = written.made.request.drawing.open()
    examples, view = written.made.examples, written.made.config.view
    kept = [examples[name].conversations["answer"] for name in {line.example for line in written.lines}]
    shown = [image for conversation in kept for image in images_of(conversation)]
    folder = written.out.resolve() / "images"
    files = {folder / relative_path(image): image for image in shown}
    assert len(files) < len(shown)
    assert {Path(path) for row in written.rows for path in row["images"]} == set(files) == set(folder.rglob("*.*"))
    for path, image in files.items():
        page = images.pixels(image)
        page = backbone.fit(page, *backbone.grid(page.shape[1], page.shape[0], view))
        colour = np.broadcast_to(page[..., None], (*page.shape, 3)) if page.ndim == 2 else page
        assert np.array_equal(np.asarray(Pillow.open(path).convert("RGB")), colour)


def test_the_settings_name_the_lengths_the_template_and_the_bounds(written: Written):
    text = (written.out / "train.yaml").read_text()
    size = json.loads((written.out / "processor" / "preprocessor_config.json").read_text())["size"]
    kind = written.made.config.model.backbone
    template = plugins.make(FORMATS, written.format, "format").templates[kind]
    assert {str(size["shortest_edge"]), str(size["longest_edge"]), template} <= set(text.replace("'", "").split())
    assert size["shortest_edge"] == PIXELS[str(kind)]
    capacity = {"ms_swift": 4096, "veomni": 4096, "llamafactory": 4097}[written.format]
    assert capacity in [value for _, value in leaves(yaml.safe_load(text))]


def test_a_second_run_draws_what_is_missing_alone(made: Made, tmp_path: Path):
    first = write(made, "ms_swift", tmp_path / "out")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "images").rglob("*.png")}
    gone = next(iter(before))
    gone.unlink()
    told: list[tuple[int, int, str]] = []
    request = replace(made.request, format="ms_swift")
    assert export(request, tmp_path / "out", lambda *at: told.append(at)) == (first.lines, first.rejects)
    after = {path: path.stat().st_mtime_ns for path in before}
    assert [path for path in before if after[path] != before[path]] == [gone]
    assert told[-1] == (len(before), len(before), "images")
    assert sum(unit == "images" for *_, unit in told) == 1


def test_a_folder_of_another_export_is_left_alone(made: Made, tmp_path: Path):
    write(made, "ms_swift", tmp_path / "out")
    with pytest.raises(ArtifactError, match="give another folder"):
        write(made, "veomni", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").touch()
    with pytest.raises(ArtifactError, match="not empty, and no export"):
        write(made, "veomni", tmp_path / "mine")


def test_the_command_prints_what_it_left_out(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    where = ["--store", made.config.paths.store, "--model", made.config.model.path]
    words = ["export-data", made.request.mixture, "--format", "llamafactory", "--out", f"{tmp_path}/out", *where]
    told = typed(capsys, *words)
    assert "an answer is not learned, or not all of it" in told
    assert f"{tmp_path}/out/README.md" in told
    direct = write(made, "llamafactory", tmp_path / "direct")
    for name in ("lengths.jsonl", "rejects.jsonl", "dataset_info.json"):
        assert (tmp_path / "out" / name).read_bytes() == (direct.out / name).read_bytes()


def test_the_arm_of_an_ablation_is_written_with_the_model_that_was_planned(
    made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    steps = steps_of(made.config)
    point = Point(label="arm", seed=0, config={}, steps={"mixture.longpt": steps["mixture.longpt"].id})
    plan = Plan(ablation="tiny", baseline="arm", points=(point,), steps={step.id: step for step in steps.values()})
    save_plan(Store(Path(made.config.paths.store)), plan)
    words = ["export-data", "tiny/arm", "--format", "veomni", "--out", f"{tmp_path}/out"]
    assert "conversations of" in typed(capsys, *words, "--store", made.config.paths.store)


def test_what_is_no_mixture_is_refused(made: Made, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    words = ["export-data", step_of(made.config, "corpus").path, "--format", "veomni", "--out", f"{tmp_path}/out"]
    told = typed(capsys, *words, "--store", made.config.paths.store, code=1)
    assert "a corpus step; give a mixture" in told
