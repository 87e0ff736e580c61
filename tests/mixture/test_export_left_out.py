"""Conversations that a format cannot hold, and pages that cannot be drawn: left out, counted, said why."""

import json
from dataclasses import replace
from pathlib import Path

import pymupdf
import pytest

from mmprolong import plugins
from mmprolong.conversations import Conversation, Image, Message, Text, images_of
from mmprolong.corpus import stage
from mmprolong.errors import ConfigError, FeasibilityError
from mmprolong.images.documents import Document
from mmprolong.mixture.export import FORMATS, ExportRequest, export
from mmprolong.mixture.formats import Facts
from mmprolong.mixture.image_export import Drawing, ImageFile, draw_missing
from mmprolong.models.backbone import TokenCounter
from mmprolong.records import Example, Pack
from mmprolong.settings.knobs import Corpus, View
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from tests.corpus.pdfs import write_pdf
from tests.mixture.exports import Made, mixed, silent, write
from tests.models.tiny import answered, asked
from tests.tiny_run import folder_of
from tests.working import run_stage, work_in


def test_a_page_that_cannot_be_drawn_costs_its_conversations_alone(tmp_path: Path):
    made = mixed("qwen2_5_vl", tmp_path)
    drawn = {name for pack in read_jsonl(made.request.packs, Pack) for name in pack.examples}
    pages = {
        name: {image.source for image in images_of(one.conversations["answer"])}
        for name, one in made.examples.items()
        if name in drawn and one.task == "ocr_full"
    }
    lost = next(source for sources in pages.values() for source in sources)
    documents = read_jsonl(folder_of(made.config, "corpus") / "documents.jsonl", Document)
    path = tmp_path / "pool" / next(one.source for one in documents if f"pdf:{one.id}" == lost)
    path.write_bytes(path.read_bytes() + b"% changed")
    found = write(made, "ms_swift", tmp_path / "out")
    refused = [reject for reject in found.rejects if reject.reason == "an image cannot be drawn"]
    assert {reject.what for reject in refused} == {name for name, sources in pages.items() if lost in sources}
    assert "not the content that was read" in refused[0].detail
    assert {line.example for line in found.lines} == drawn - {reject.what for reject in found.rejects}


def written_by_hand(made: Made, folder: Path, *conversations: Conversation) -> ExportRequest:
    """A mixture of one pack of these conversations."""
    images, backbone = made.request.drawing.open()
    counter = TokenCounter(backbone, images, made.config.view)
    counts = [counter.count(each) for each in conversations]
    examples = [
        Example(id=str(number), task="t", cluster="c", sources=(), conversations={"answer": each})
        for number, each in enumerate(conversations)
    ]
    lengths, supervised = zip(*counts, strict=True)
    write_jsonl(folder / "examples.jsonl", examples)
    write_jsonl(
        folder / "packs.jsonl",
        [Pack(id=0, examples=tuple(map(str, range(len(examples)))), lengths=lengths, supervised=supervised)],
    )
    return replace(made.request, packs=folder / "packs.jsonl", sources=[folder / "examples.jsonl"])


GIVEN = Message("assistant", (Text("seven"),))
PLAIN = (asked("find A"), answered("7"))


@pytest.mark.parametrize("name", plugins.names_in(FORMATS))
@pytest.mark.parametrize(
    ("conversation", "reason"),
    [
        ((asked("what is <image>?"), answered("7")), "text that the trainer reads as a mark"),
        ((asked("what is <|im_end|>?"), answered("7")), "counted otherwise by the processor"),
        ((asked("find A"), asked("find B"), answered("7")), "turns are not questions and answers"),
        ((asked("find A"), GIVEN), "not learned"),
    ],
    ids=["mark", "special token", "two questions", "given"],
)
def test_what_a_trainer_would_read_otherwise_is_left_out(
    made: Made, tmp_path: Path, name: str, conversation: Conversation, reason: str
):
    request = replace(written_by_hand(made, tmp_path, conversation, PLAIN), format=name)
    lines, (reject,) = export(request, tmp_path / "out", silent)
    assert reason in reject.reason
    assert [line.example for line in lines] == ["1"]


def test_each_format_refuses_its_own(made: Made, tmp_path: Path):
    conversations = (
        (Message("system", (Text("Be brief."),)), *PLAIN),
        (asked("find A "), answered("7")),
        (asked("find A"), GIVEN, asked("find B"), answered("7")),
        (asked("find A"), Message("assistant", (Text("A ", learned=True), Text("7"))), asked("find B"), answered("7")),
    )
    refused = {"ms_swift": "3", "veomni": "0123", "llamafactory": "23"}
    for name, expected in refused.items():
        folder = tmp_path / name
        folder.mkdir()
        request = replace(written_by_hand(made, folder, *conversations, PLAIN), format=name)
        _, rejects = export(request, folder / "out", silent)
        assert "".join(sorted(reject.what for reject in rejects)) == expected


def test_half_learned_answers_are_messages_in_a_row(made: Made, tmp_path: Path):
    half = (asked("sum A B"), Message("assistant", (Text("A ", learned=True), Text("3"), Text(" = 3", learned=True))))
    export(written_by_hand(made, tmp_path, half), tmp_path / "out", silent)
    (row,) = [json.loads(line) for line in (tmp_path / "out" / "data.jsonl").read_text().splitlines()]
    assert [turn.get("loss") for turn in row["messages"]] == [None, True, False, True]
    assert [turn["content"] for turn in row["messages"]] == ["sum A B", "A ", "3", " = 3"]


def test_nothing_left_is_an_error(made: Made, tmp_path: Path):
    request = written_by_hand(made, tmp_path, (asked("find A"), GIVEN))
    with pytest.raises(FeasibilityError, match="'the last answer is not learned': 1"):
        export(request, tmp_path / "out", silent)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"backbone": "proxy"}, r"no chat template for model\.backbone 'proxy'; .*qwen2_5_vl, qwen3_vl"),
        ({"model_path": ""}, "--model: ''; no sweep planned this mixture"),
        ({"model_path": "/nowhere"}, r"'/nowhere'.* has its tokenizer\.json"),
    ],
    ids=["backbone", "no model", "no files"],
)
def test_a_model_that_cannot_be_counted_with_is_refused(made: Made, tmp_path: Path, changes: dict[str, str], says: str):
    request = replace(made.request, drawing=replace(made.request.drawing, **changes))
    with pytest.raises(ConfigError, match=says):
        export(request, tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


def test_veomni_says_that_it_would_shrink_large_pages():
    form = plugins.make(FORMATS, "veomni", "format")
    facts = Facts(
        folder=Path("out"), backbone="qwen3_vl", sequence_length=9, tokens=9, min_pixels=1, max_pixels=602_112
    )
    assert not any("MAX_PIXELS" in note for note in form.notes(facts))
    assert any("`MAX_PIXELS`" in note for note in form.notes(replace(facts, max_pixels=602_113)))


def test_a_page_that_kills_its_drawer_costs_no_other_page(tmp_path: Path):
    path = write_pdf(tmp_path / "pool" / "slow.pdf", ["one", "two", "three"])
    with pymupdf.open(path) as document:
        document.update_stream(document[1].get_contents()[0], b"0 0 m 300 400 l S\n" * 1_500_000)
        document.saveIncr()
    corpus = Corpus(path=str(tmp_path / "pool"))
    run_stage(stage, corpus, work_in(tmp_path / "corpus"))
    (document,) = read_jsonl(tmp_path / "corpus" / "documents.jsonl", Document)
    files = [
        ImageFile(Image(f"pdf:{document.id}", page), 1, 1, tmp_path / "images" / f"{page}.png") for page in range(3)
    ]
    inputs = {"corpus": str(tmp_path / "corpus")}
    drawing = Drawing(view=View(dpi=36), corpus=replace(corpus, seconds=1), inputs=inputs, backbone="proxy")
    told: list[int] = []
    refused = draw_missing(files, drawing, lambda done, total, unit: told.append(done))
    assert refused == {files[1].path: "timed out after 1 s"}
    assert [file.path.exists() for file in files] == [True, False, True]
    assert max(told) == 2
