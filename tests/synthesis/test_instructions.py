import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from mmprolong.conversations import Image, Text, images_of
from mmprolong.errors import ConfigError, DataError
from mmprolong.images.sources import open_images
from mmprolong.records import Example, Reject
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import write_jsonl
from mmprolong.synthesis.instructions import TASKS, find_files, write_instructions

SOURCE = Source(writer="instructions", dataset="onevision", tasks=list(TASKS))
QUESTION, ANSWER = {"from": "human", "value": "<image>\nWhat is it?"}, {"from": "gpt", "value": "A fox."}


def row(images: Any = "fox.png", *turns: dict, **more: Any) -> dict[str, Any]:
    return {"id": "7", "image": images, "conversations": list(turns or (QUESTION, ANSWER)), **more}


def written(root: Path, rows: list[dict[str, Any]], name: str = "a.json") -> list[Example | Reject]:
    path = root / "onevision" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.endswith(".jsonl"):
        write_jsonl(path, rows)
    else:
        path.write_text(json.dumps(rows))
    return list(write_instructions(path, root, SOURCE))


@pytest.mark.parametrize("name", ["a.json", "part/b.jsonl"])
def test_a_row_is_a_conversation_about_its_image(tmp_path: Path, name: str):
    (example,) = written(tmp_path, [row()], name)
    assert isinstance(example, Example) and example.task == "single_image"
    asked, answered = example.conversations["answer"]
    assert asked.parts == (Image("file:onevision/fox.png"), Text("What is it?"))
    assert answered.parts == (Text("A fox.", learned=True),) and example.gold[0].answer == "A fox."
    assert example.id == f"0-onevision/{name}-0"


def test_several_images_stand_where_the_text_names_them(tmp_path: Path):
    asked = {"from": "human", "value": "Is <image> like <image>?"}
    (example,) = written(tmp_path, [row(["a.png", "b.png"], asked, ANSWER)])
    assert isinstance(example, Example) and example.task == "multi_image"
    parts = example.conversations["answer"][0].parts
    kinds = [part.source if isinstance(part, Image) else part.text for part in parts if isinstance(part, Text | Image)]
    assert kinds == ["Is", "file:onevision/a.png", "like", "file:onevision/b.png", "?"]


def test_an_image_that_no_text_names_stands_first(tmp_path: Path):
    what, why = ({"from": "human", "value": text} for text in ("What?", "Why?"))
    (example,) = written(tmp_path, [row("fox.png", what, ANSWER, why, ANSWER)])
    assert isinstance(example, Example)
    first, _, second, _ = example.conversations["answer"]
    assert (len(first.parts), len(second.parts), len(example.gold)) == (2, 1, 2)


def test_images_of_tables_are_named_by_their_cell(tmp_path: Path):
    import pyarrow
    from pyarrow.parquet import write_table

    path = tmp_path / "onevision" / "a.parquet"
    path.parent.mkdir()
    cell = {"bytes": b"png", "path": "x.png"}
    rows = [row(cell), row([cell, cell], {"from": "human", "value": "<image><image>?"}, ANSWER)]
    for number, column in ((0, "image"), (1, "images")):
        table = [{"id": "1", column: rows[number]["image"], "conversations": rows[number]["conversations"]}]
        write_table(pyarrow.Table.from_pylist(table), path)
        (example,) = write_instructions(path, tmp_path, SOURCE)
        assert isinstance(example, Example)
        expected = [Image(f"table:onevision/a.parquet#{column}@0", index) for index in range(number + 1)]
        assert list(images_of(example.conversations["answer"])) == expected


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (row("a.png", QUESTION), "questions and answers do not alternate"),
        (row("a.png", ANSWER, QUESTION), "questions and answers do not alternate"),
        (row(["a.png", "b.png"]), "images and places differ"),
        (row("a.png", {"role": "human"}), "not the layout of LLaVA-OneVision"),
        ({"id": "1", "image": "a.png"}, "not the layout of LLaVA-OneVision"),
    ],
)
def test_a_row_that_is_not_whole_is_a_reject(tmp_path: Path, bad: dict[str, Any], reason: str):
    found, good = written(tmp_path, [bad, row()])
    assert isinstance(found, Reject) and found.reason == reason and isinstance(good, Example)


def test_tasks_choose_rows_by_their_images(tmp_path: Path):
    rows = [row(), {"id": "2", "conversations": [{"from": "human", "value": "Hi"}, ANSWER]}]
    assert [each.task for each in written(tmp_path, rows) if isinstance(each, Example)] == ["single_image", "text_only"]


def test_files_are_found_or_asked_for(tmp_path: Path):
    written(tmp_path, [row()])
    assert [path.name for path in find_files(str(tmp_path), "onevision")] == ["a.json"]
    with pytest.raises(ConfigError, match="image_root"):
        find_files(str(tmp_path), "other")


def test_a_damaged_file_is_named(tmp_path: Path):
    (tmp_path / "onevision").mkdir()
    path = tmp_path / "onevision" / "a.json"
    path.write_text("[{")
    with pytest.raises(DataError, match=r"a\.json"):
        list(write_instructions(path, tmp_path, SOURCE))


def test_its_images_are_drawn_from_the_folder_of_the_corpus(tmp_path: Path):
    (tmp_path / "onevision").mkdir()
    Pillow.fromarray(np.zeros((8, 12, 3), np.uint8)).save(tmp_path / "onevision" / "fox.png")
    (tmp_path / "documents.jsonl").write_text("")
    (tmp_path / "pool.txt").write_text(f"{tmp_path}\n")
    images = open_images(View(), Corpus(image_root=str(tmp_path)), {"corpus": tmp_path})
    assert images.size(Image("file:onevision/fox.png")) == (12, 8)
