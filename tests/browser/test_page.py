"""A look at data is one page that needs nothing else, whatever is written in the data."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from mmprolong.browser.data_steps import data_step
from mmprolong.browser.page import data_figures, data_page
from mmprolong.conversations import Message, Text
from mmprolong.errors import ConfigError
from mmprolong.records import Example
from mmprolong.reporting.figures.charts import save
from mmprolong.settings.knobs import Suite
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.store import Store
from tests.corpus.pdfs import write_pdf
from tests.tiny_run import finish, tiny_config

HOSTILE = "</script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u202e"


class Page(HTMLParser):
    """Tags and attributes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory):
    """A store, its mixture and its corpus; one PDF has a hostile name and a page of text."""
    folder = tmp_path_factory.mktemp("data")
    write_pdf(folder / "pool" / "<b onclick=alert(1)>.pdf", ["Words. " * 40] * 3)
    for number in range(4):
        write_pdf(folder / "pool" / f"{number}.pdf", [f"Document {number}, page {page}. " * 9 for page in range(6)])
    config = tiny_config(folder, suite=Suite(subject="longpt"))
    mixture = finish(config, "mixture.longpt")
    store = Store(Path(config.paths.store))
    return store, mixture, store.record(*mixture.needs["corpus"].split("/"))


def test_a_mixture_shows_its_figures_and_examples_of_every_task_with_their_evidence(made):
    store, mixture, _ = made
    page = Page(data_page(store, mixture, number=8))
    assert len(page.of("article")) == 8
    assert {one["data-task"] for one in page.of("article")} == {"extract_single", "reasoning"}
    assert {one["data-component"] for one in page.of("article")} == {"long"}
    assert sum("evidence" in (one.get("class") or "") for one in page.of("div")) >= 8
    names = [name for name, _ in data_figures(data_step(store, mixture))]
    assert names == ["pool_lengths", "example_lengths", "mixture_shares"]
    assert [one["id"] for one in page.of("figure")] == names


def test_a_corpus_shows_documents_with_the_boxes_of_their_blocks_and_writes_figures(made, tmp_path: Path):
    store, _, corpus = made
    text = data_page(store, corpus)
    page = Page(text)
    assert len(page.of("article")) == 5
    assert any(one.get("class") == "paragraph" for one in page.of("rect")) and "Words. Words." in text
    files = [file for name, figure in data_figures(data_step(store, corpus)) for file in save(figure, tmp_path / name)]
    assert {file.suffix for file in files} == {".png", ".svg"} and all(file.stat().st_size for file in files)


def test_nothing_in_the_data_leaves_its_place_and_nothing_is_fetched(made):
    store, mixture, corpus = made
    measured = mixture.needs["measurement.long"]
    step = store.record(*store.record(*measured.split("/")).needs["synthesis"].split("/"))
    file = store.root / step.path / "examples.jsonl"
    written = list(read_jsonl(file, Example))
    said = (Message("user", (Text(HOSTILE),)), Message("assistant", (Text(HOSTILE * 200, learned=True),)))
    bad = Example(
        id=HOSTILE, task=HOSTILE, cluster="c", sources=(), conversations={"answer": said}, facts={"kind": HOSTILE}
    )
    write_jsonl(file, [*written, bad])
    pages = [data_page(store, step, 6), data_page(store, corpus)]
    write_jsonl(file, written)
    for text in pages:
        page = Page(text)
        assert len(page.of("script")) == 1 and not page.of("link") and not page.of("iframe")
        assert all((one.get("src") or "").startswith("data:image/jpeg") for one in page.of("img"))
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
        assert not re.search(r"(src|href)=\"?https?:|url\((?!#)|@import", text)
    assert "characters)" in pages[0] and len(pages[0]) < 2e6


def test_a_step_of_another_kind_is_refused(made):
    store, mixture, _ = made
    with pytest.raises(ConfigError, match="give one of corpus"):
        data_page(store, type(mixture)(id="a", stage="training", version=1, settings={}, needs={}))
