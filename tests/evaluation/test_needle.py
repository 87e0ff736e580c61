"""The grid of depths and lengths on any PDFs."""

from pathlib import Path

import pytest

from mmprolong.conversations import images_of
from mmprolong.errors import ConfigError, DataError
from mmprolong.evaluation.benchmarks import Inputs
from mmprolong.evaluation.benchmarks._haystack import Haystack, Page
from mmprolong.evaluation.benchmarks.needle import Needle, Spot, spent
from mmprolong.images.image_files import FileImages
from mmprolong.images.renderer import find_renderer
from mmprolong.models.backbone import TokenCounter, find
from mmprolong.records import Reject, Sample
from mmprolong.settings.knobs import Evaluation, Model, View
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from tests.corpus.pdfs import write_pdf
from tests.evaluation.data_sets import questions, score, shown
from tests.models.tiny import write_model
from tests.tiny_run import finish, folder_of, tiny_config


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five PDFs of six pages, each with a line of its own, and one that is none."""
    root = tmp_path_factory.mktemp("data")
    for name in "abcde":
        pages = [f"Page {name}{page} says here one two {name}-{page}." for page in range(6)]
        write_pdf(root / "needle" / "more" / f"{name}.pdf", pages)
    (root / "needle" / "broken.pdf").write_text("no PDF")
    write_model("qwen2_5_vl", root / "model")
    return root


def grid(root: Path, **options: object) -> Needle:
    known = {"lengths": ("2K", "3K"), "depths": 3, "samples_per_cell": 2, "dpi": 72, "max_pixels": 80_000}
    return Needle(path=str(root / "model"), **{**known, **options})  # pyright: ignore[reportArgumentType]


def test_every_cell_of_the_grid_has_its_questions_in_the_models_tokens(root: Path):
    found, rejects = questions(grid(root), root)
    assert [each.what for each in rejects] == ["needle/broken.pdf"]
    assert len(found) == 2 * 3 * 2 and len({each.id for each in found}) == 12
    images = FileImages(root, find_renderer("pymupdf"), 72)
    counter = TokenCounter(find("qwen2_5_vl", str(root / "model")), images, View(max_pixels=80_000))
    a_page = 11 * 7 + 2
    for each in found:
        tokens, most = int(each.facts["tokens"]), int(each.length[:-1]) * 1024
        assert counter.count(each.prompt)[0] <= tokens <= most
        assert tokens > most - 3 * a_page - 256
        pages, stretch = len(list(images_of(each.prompt))), int(each.facts["depth_bin"])
        assert int(stretch / 3 * pages) <= each.gold.evidence[0] < int((stretch + 1) / 3 * pages)


def test_the_answer_is_the_end_of_a_line_that_is_there_once(root: Path):
    found, _ = questions(grid(root), root)
    for each in found:
        page = list(images_of(each.prompt))[each.gold.evidence[0]]
        name, number = page.source[-5], page.index
        assert each.gold.answer == f"one two {name}-{number}."
        assert f'begins with "Page {name}{number} says here"' in each.prompt[0].text


def test_depths_of_one_number_show_the_same_pages(root: Path):
    found, _ = questions(grid(root), root)
    same = [list(images_of(each.prompt)) for each in found if each.id.startswith("2K") and each.id.endswith("-1")]
    assert len(same) == 3 and same[0] == same[1] == same[2]
    assert found == questions(grid(root), root)[0]


def test_a_note_stands_between_pages(root: Path):
    found, _ = questions(grid(root, kind="note"), root)
    assert all(f"is {each.gold.answer}.<image>" in shown(each) for each in found)


def test_more_is_asked_where_scores_leave_the_mean_uncertain(root: Path, tmp_path: Path):
    cells = [("2K", 0), ("2K", 1), ("2K", 2), ("3K", 0), ("3K", 1)]
    wrong = [score(0, length=length, depth_bin=depth) for length, depth in cells for _ in range(4)]
    write_jsonl(tmp_path / "scores.jsonl", [*wrong, *(score(value, length="3K", depth_bin=2) for value in (0, 1))])
    inputs = Inputs(data_root=root, scores=tmp_path)
    found = [each for each in grid(root, budget=6).samples("more", inputs) if isinstance(each, Sample)]
    assert len(found) == 6
    ids = [each.id for each in found]
    assert len(set(ids)) == 6 and not {each.id for each in questions(grid(root), root)[0]} & set(ids)
    assert ids[-5:] == [f"3K-d2-{number}" for number in range(2, 7)]


def test_questions_go_where_they_lower_the_variance_most():
    sure, even, unknown = Spot("1K", 0), Spot("1K", 1), Spot("1K", 2)
    marks = {sure: [1.0] * 50, even: [0.0, 1.0] * 10, unknown: []}
    assert spent(marks, 1) == {sure: 0, even: 0, unknown: 1}
    assert sum(spent(marks, 100).values()) == 100
    many = spent(marks, 100)
    assert many[unknown] > many[even] > many[sure]
    assert spent({}, 5) == {}


def test_what_cannot_be_filled_is_named(root: Path, tmp_path: Path):
    small = list(grid(root, lengths=("0.25K",)).samples("set", Inputs(data_root=root)))
    assert all(isinstance(each, Reject) for each in small) and "no page fits" in small[-1].detail
    (tmp_path / "needle").mkdir()
    with pytest.raises(DataError, match="no PDF that can be read"):
        questions(grid(root), tmp_path)
    with pytest.raises(ConfigError, match="needle"):
        questions(grid(root), tmp_path / "none")


def test_a_page_whose_text_cannot_be_read_is_counted_once(tmp_path: Path):
    path = write_pdf(tmp_path / "needle" / "a.pdf")
    write_model("qwen2_5_vl", tmp_path / "model")
    stack = Haystack(tmp_path, "needle", find("qwen2_5_vl", str(tmp_path / "model")), View())
    path.unlink()
    assert stack.lines(Page("needle/a.pdf", 0)) == stack.lines(Page("needle/a.pdf", 0)) == []
    assert [(each.what, each.reason) for each in stack.unread] == [("needle/a.pdf, page 1", "text cannot be read")]


def test_a_second_round_follows_the_scores_of_the_first(root: Path, tmp_path: Path):
    config = tiny_config(tmp_path)
    config.model = Model(backbone="qwen2_5_vl", path=str(root / "model"))
    config.view = View(dpi=30)
    config.suite.data_root = str(root)
    choice = {"name": "needle", "lengths": ["1K"], "depths": 2, "samples_per_cell": 1, "dpi": 30}
    choice["path"] = config.model.path
    config.suite.benchmarks = {
        "grid": Evaluation(benchmark=choice, new_tokens=2),
        "more": Evaluation(benchmark={**choice, "budget": 3}, after="grid", new_tokens=2),
    }
    assert finish(config, "samples.more").metrics["lengths"] == {"1K": 3}
    files = [folder_of(config, f"samples.{name}") / "samples.jsonl" for name in ("grid", "more")]
    first, second = ({each.id for each in read_jsonl(file, Sample)} for file in files)
    assert not first & second
