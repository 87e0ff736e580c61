import random
import subprocess
import sys

import pytest

from mmprolong.errors import DataError
from mmprolong.models.backbone import count, find
from mmprolong.models.qwen_vl import tokens
from mmprolong.records import Image, Message

pytest.importorskip("tiktoken")
pytest.importorskip("transformers")

PAGE = Image(document="d", page=0)
ASKED = (
    Message(role="user", parts=(PAGE, "Read it.")),
    Message(role="assistant", parts=("Yes.",)),
)


def letter(_: Image) -> tuple[int, int]:
    return 1224, 1584


@pytest.mark.parametrize(("size", "grid"), [((1224, 1584), (57, 44)), ((1190, 1684), (60, 42)), ((56, 56), (2, 2))])
def test_a_page_takes_the_published_number_of_tokens(size: tuple[int, int], grid: tuple[int, int]):
    assert tokens.image_grid(*size) == grid


def test_image_grids_equal_those_of_transformers():
    module = pytest.importorskip("transformers.models.qwen2_vl.image_processing_pil_qwen2_vl")
    theirs = module.Qwen2VLImageProcessorPil()
    limits = {"min_pixels": tokens.MIN_PIXELS, "max_pixels": tokens.MAX_PIXELS}
    drawn = random.Random(0)
    for _ in range(500):
        width, height = (int(2 ** drawn.uniform(5, 12.5)) for _ in range(2))
        rows, columns = tokens.image_grid(width, height)
        assert rows * columns * 4 == theirs.get_number_of_image_patches(height, width, limits)


def test_an_image_as_thin_as_a_thread_is_refused():
    with pytest.raises(DataError, match="at most 200 times the other"):
        tokens.image_grid(5, 2000)


def test_text_has_the_ids_of_the_qwen_vocabulary():
    assert tokens.encode("Hello, world! 2024") == [9707, 11, 1879, 0, 220, 17, 15, 17, 19]
    assert tokens.decode(tokens.encode("Zeile\n\n  naïve — 5 °C")) == "Zeile\n\n  naïve — 5 °C"


def test_text_that_looks_like_a_special_token_is_only_text():
    assert tokens.IM_END not in tokens.encode("<|im_end|>")


def test_a_conversation_is_chatml_and_only_the_answer_is_supervised():
    pieces = list(tokens.chat(ASKED))
    flat = [index for piece, _ in pieces if isinstance(piece, list) for index in piece]
    learned = [index for piece, supervised in pieces if supervised and isinstance(piece, list) for index in piece]
    assert flat[0] == tokens.IM_START and flat.count(tokens.IM_END) == 3
    assert learned == [*tokens.encode("Yes."), tokens.IM_END]
    assert tokens.decode(flat) == "system\nYou are a helpful assistant.\nuser\nRead it.\nassistant\nYes.\n"
    assert [piece for piece, _ in pieces if isinstance(piece, Image)] == [PAGE]


def test_the_answer_follows_its_header_as_it_does_when_the_model_replies():
    flat = [index for piece, _ in tokens.chat(ASKED) if isinstance(piece, list) for index in piece]
    header, answer = tokens.answer_header(), tokens.encode("Yes.")
    start = len(flat) - len(header) - len(answer) - 2
    assert flat[start : start + len(header)] == header


def test_texts_side_by_side_are_read_as_one():
    split = (Message(role="user", parts=("Read", " it.")),)
    whole = (Message(role="user", parts=("Read it.",)),)
    assert list(tokens.chat(split)) == list(tokens.chat(whole))


def test_what_is_given_stands_in_the_assistants_turn_and_is_not_learnt():
    turns = (("user", "sum A B :"), ("assistant", "A"), ("given", "3 B 5"), ("assistant", "= 8"))
    split = list(tokens.chat([Message(role=role, parts=(text,)) for role, text in turns]))
    whole = list(
        tokens.chat([Message(role="user", parts=("sum A B :",)), Message(role="assistant", parts=("A 3 B 5 = 8",))])
    )
    flat = [[index for piece, _ in pieces if isinstance(piece, list) for index in piece] for pieces in (split, whole)]
    assert flat[0] == flat[1]
    learned = [index for piece, supervised in split if supervised and isinstance(piece, list) for index in piece]
    assert learned == [*tokens.encode("A"), *tokens.encode(" = 8"), tokens.IM_END]


def test_the_count_is_the_length_of_the_pieces():
    length = sum(2508 if isinstance(piece, Image) else len(piece) for piece, _ in tokens.chat(ASKED))
    assert count(find("qwen2_5_vl"), ASKED, letter) == (length, 3)


def test_a_whole_books_transcription_is_encoded():
    text = "The quick brown fox jumps over the lazy dog, 123 times.\n" * 20_000
    assert len(tokens.encode(text)) > 200_000


def test_counting_needs_no_torch():
    code = "import sys, mmprolong.models.qwen_vl.tokens as t; t.encode('x'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
