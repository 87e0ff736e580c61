from pathlib import Path

from mmprolong.records import Document, Reject, Selected
from mmprolong.selection.stage import run
from mmprolong.settings.knobs import Selection
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from tests.working import work_in


def select(folder: Path, documents: list[Document], heldout: float) -> list[Selected]:
    folder.mkdir()
    write_jsonl(folder / "documents.jsonl", documents)
    run(Selection(heldout=heldout), work_in(folder, corpus=folder))
    return list(read_jsonl(folder / "selected.jsonl", Selected))


def test_a_small_pool_has_both_splits(tmp_path: Path):
    documents = [Document(id=str(number), source=f"{number}.pdf") for number in range(5)]
    splits = [each.split for each in select(tmp_path / "quarter", documents, 0.25)]
    assert sorted(splits) == ["heldout"] * 2 + ["train"] * 3
    assert {each.split for each in select(tmp_path / "none", documents, 0.0)} == {"train"}


def test_the_first_of_two_documents_with_one_text_is_kept(tmp_path: Path):
    documents = [Document(id=name, source=f"{name}.pdf", text_digest="same") for name in "ab"]
    blank = [Document(id=name, source=f"{name}.pdf") for name in "cd"]
    selected = select(tmp_path / "out", [*documents, *blank], 0.0)
    assert [each.document for each in selected] == ["a", "c", "d"]
    (reject,) = read_jsonl(tmp_path / "out" / "rejects.jsonl", Reject)
    assert (reject.what, reject.reason, reject.detail) == ("b.pdf", "duplicate text", "of a.pdf")
