from pathlib import Path

import pymupdf
import pytest

from mmprolong.cli import main


def test_count_says_the_tokens_of_documents_and_what_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    document = pymupdf.open()
    document.new_page(width=612, height=792)
    document.new_page(width=1400, height=4)
    document.save(tmp_path / "a.pdf")
    (tmp_path / "b.pdf").write_bytes(b"%PDF-1.7 not really")
    assert main(["count", "--backbone", "qwen2_5_vl", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "2,510" in said
    assert "a.pdf page 2: 2800 x 8 px" in said and "b.pdf: broken" in said
