from pathlib import Path

import pymupdf

from mmprolong.conversations import Pages
from mmprolong.corpus import stage as corpus
from mmprolong.images.documents import Document, Selected
from mmprolong.records import Example
from mmprolong.selection import stage as selection
from mmprolong.settings.data import Source
from mmprolong.settings.knobs import Corpus, Selection
from mmprolong.settings.stages import SelectionSettings, SynthesisSettings
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.synthesis import stage
from tests.corpus.pdfs import write_pdf
from tests.working import run_stage, work_in

SENTENCE = "The {name} of the town was built of stone in the year {year} by people who had come from {name}ville. "


def test_pages_evidence_and_numbers_of_a_window_are_its_own(tmp_path: Path):
    names = ["bridge", "harbour", "castle", "market", "tower", "garden", "chapel", "school", "museum", "station"]
    pages = [
        "".join(SENTENCE.format(name=name, year=1700 + 11 * n + k) for k in range(3)) for n, name in enumerate(names)
    ]
    write_pdf(tmp_path / "pool" / "a.pdf", pages)
    (tmp_path / "pool.csv").write_text("path,licence,source\npool/a.pdf,CC0-1.0,https://example.org\n")
    run_stage(corpus, Corpus(path=str(tmp_path / "pool.csv")), work_in(tmp_path / "corpus"))
    (document,) = read_jsonl(tmp_path / "corpus" / "documents.jsonl", Document)
    (tmp_path / "selection").mkdir()
    windows = [(0, 4), (5, 9)]
    selected = [
        Selected(document=document.id, split="train", first_page=first, last_page=last, cluster="c", skipped=(6,))
        for first, last in windows
    ]
    write_jsonl(tmp_path / "selection" / "selected.jsonl", selected)
    work = work_in(tmp_path / "out", corpus=tmp_path / "corpus", selection=tmp_path / "selection")
    source = Source(writer="template", tasks=["ocr_needle"], questions_per_task=6)
    run_stage(stage, SynthesisSettings(source, {"ocr_needle": 1}, corpus=Corpus(path=str(tmp_path / "pool.csv"))), work)
    examples = list(read_jsonl(work.out / "examples.jsonl", Example))
    shown = {}
    for example in examples:
        run = example.conversations["answer"][0].parts[0]
        assert isinstance(run, Pages)
        shown[example.id] = (run.first, run.last)
        evidence = example.gold[0].evidence
        for page in evidence:
            assert f"The {names[run.first + page]} of" in example.gold[0].answer
            assert str(page + 1) in example.conversations["answer"][0].text
            assert run.first + page != 6
        assert example.cluster == "c"
        assert (example.facts["licence"], example.facts["published"]) == ("CC0-1.0", "https://example.org")
    assert set(shown.values()) == set(windows) and len(shown) == len(examples)


def test_no_question_is_on_a_page_that_failed_or_that_its_source_skips(tmp_path: Path):
    prose = "".join(SENTENCE.format(name="bridge", year=1700 + year) for year in range(3))
    entries = "".join(
        f"{number}. Author, A. (19{10 + number}). A paper on the bridge. Journal of Bridges.\n" for number in range(9)
    )
    document = pymupdf.open(write_pdf(tmp_path / "made.pdf", [*[prose] * 6, f"References\n{entries}"]))
    document.new_page(3, width=1400, height=4)  # a strip that no model takes
    document.set_toc([[1, "References", 8, {"kind": 1, "page": 7, "to": pymupdf.Point(30, 55)}]])
    (tmp_path / "pool").mkdir()
    document.save(tmp_path / "pool" / "a.pdf")
    settings = Corpus(path=str(tmp_path / "pool"))
    run_stage(corpus, settings, work_in(tmp_path / "corpus"))
    selecting = work_in(tmp_path / "selection", corpus=tmp_path / "corpus")
    run_stage(selection, SelectionSettings(Selection(heldout=0)), selecting)
    runs = [(one.first_page, one.last_page) for one in read_jsonl(selecting.out / "selected.jsonl", Selected)]
    assert runs == [(0, 2), (4, 7)]
    source = Source(writer="template", tasks=["ocr_needle"], questions_per_task=9, skip=["references"])
    work = work_in(tmp_path / "out", corpus=tmp_path / "corpus", selection=tmp_path / "selection")
    run_stage(stage, SynthesisSettings(source, {"ocr_needle": 1}, corpus=settings), work)
    asked = set()
    for example in read_jsonl(work.out / "examples.jsonl", Example):
        run = example.conversations["answer"][0].parts[0]
        assert isinstance(run, Pages) and (run.first, run.last) in runs
        asked |= {run.first + page for page in example.gold[0].evidence}
    assert asked and asked <= {0, 1, 2, 4, 5, 6}
