"""The path of Qwen2.5-VL-7B on real pages, from PDFs to a score; only the network is narrow."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from mmprolong.models.qwen_vl.inputs import collate
from PIL import Image as Pillow
from safetensors.torch import load_file
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration
from transformers.convert_slow_tokenizer import TikTokenConverter
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.config.compose import Composer
from mmprolong.corpus.pool import find_pdfs, locate
from mmprolong.images.pages import PageImages
from mmprolong.images.renderer import pixel_size
from mmprolong.models.backbone import count, encode, find
from mmprolong.models.qwen_vl import tokens
from mmprolong.pipeline.run import run_step
from mmprolong.pipeline.steps import Step, steps_of
from mmprolong.records import Document, Image, Instance, Message, Pack, Reply, RunRecord, Sample, read_jsonl
from mmprolong.settings.knobs import Config, Tracking
from mmprolong.store.atomic import read_json
from mmprolong.store.store import Store

pytestmark = pytest.mark.xdist_group("full-scale")

QWEN = find("qwen2_5_vl")
VOCABULARY = 152_064
PROCESSOR = Qwen2VLImageProcessorPil(size={"shortest_edge": tokens.MIN_PIXELS, "longest_edge": tokens.MAX_PIXELS})
SPECIAL = [
    *("<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|object_ref_start|>", "<|object_ref_end|>", "<|box_start|>"),
    *("<|box_end|>", "<|quad_start|>", "<|quad_end|>", "<|vision_start|>", "<|vision_end|>", "<|vision_pad|>"),
    *("<|image_pad|>", "<|video_pad|>"),
]
"""In the order of their ids, from 151643."""
TEMPLATE = (
    "{% for message in messages %}{% if loop.first and message['role'] != 'system' %}<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n{% endif %}<|im_start|>{{ message['role'] }}\n"
    "{% if message['content'] is string %}{{ message['content'] }}<|im_end|>\n{% else %}"
    "{% for content in message['content'] %}{% if content['type'] == 'image' or 'image' in content or 'image_url' in "
    "content %}<|vision_start|><|image_pad|><|vision_end|>{% elif 'text' in content %}{{ content['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endif %}{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
"""chat_template.json of Qwen2.5-VL-7B-Instruct without its video and page-counting branches."""
OVERRIDES = [
    "model=qwen2_5_vl_7b",
    "model.dtype=float32",
    "model.window=256",
    "corpus=pages_144",
    "corpus.dpi=18",
    "synthesis=template",
    "phases.longpt.source.turns=2",
    "supervision=vqa",
    "training=longpt_5b",
    "phases.longpt.mixture.tokens=6000",
    "phases.longpt.mixture.repeat=true",
    "phases.longpt.mixture.pack=1024",
    "phases.longpt.optimizer.batch=2048",
    "rope=base_x4",
    "suite=heldout_documents",
    "suite.source.turns=1",
    "suite.new_tokens=4",
    "tracking=off",
]


def narrow_model(folder: Path) -> Path:
    """A folder with weights as the hub has them: the published vocabulary and special tokens, 32 wide, 2 layers."""
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "max_position_embeddings": 128_000,
        "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": [2, 3, 3]},
        "bos_token_id": 151643,
        "eos_token_id": tokens.IM_END,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "out_hidden_size": 32,
        "fullatt_block_indexes": [1],
    }
    config = Qwen2_5_VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=tokens.IMAGE_PAD,
        video_token_id=151656,
        vision_start_token_id=tokens.VISION_START,
        vision_end_token_id=tokens.VISION_END,
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    Qwen2_5_VLForConditionalGeneration(config).save_pretrained(folder)
    return folder


def run_all(store: Store, config: Config) -> dict[str, tuple[Step, RunRecord]]:
    """Every step of a run, as a worker of a sweep runs them."""
    steps = steps_of(config)
    return {role: (step, run_step(store, step, Tracking(mode="off"))) for role, step in steps.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the narrow model and a pool of four documents."""
    folder = tmp_path_factory.mktemp("full-scale")
    narrow_model(folder / "model")
    (folder / "pool").mkdir()
    for path in sorted(find_pdfs(locate("demo")), key=lambda path: path.stat().st_size)[:4]:
        shutil.copy(path, folder / "pool" / path.name)
    return folder


def configure(home: Path, *more: str) -> Config:
    places = [f"model.path={home}/model", f"corpus.path={home}/pool", f"paths.store={home}/store"]
    return Composer().frozen([*OVERRIDES, *places, *more])


@pytest.fixture(scope="module")
def finished(home: Path) -> dict[str, tuple[Step, RunRecord]]:
    return run_all(Store(home / "store"), configure(home))


def record(finished: dict[str, tuple[Step, RunRecord]], role: str) -> RunRecord:
    return finished[role][1]


def folder(home: Path, finished: dict[str, tuple[Step, RunRecord]], role: str) -> Path:
    return home / "store" / finished[role][0].path


def corpus_images(home: Path, finished: dict[str, tuple[Step, RunRecord]], dpi: int) -> PageImages:
    settings = configure(home).corpus
    settings.dpi = dpi
    return PageImages(folder(home, finished, "corpus"), settings)


def test_pdfs_become_a_score(finished):
    assert list(finished) == [
        "corpus",
        "longpt.source",
        "longpt.mixture",
        "longpt.training",
        "suite.source",
        "reply",
        "score",
    ]
    assert record(finished, "longpt.training").metrics["skipped"] == 0
    assert record(finished, "longpt.training").metrics["tokens"] == record(finished, "longpt.mixture").metrics["tokens"]
    assert set(record(finished, "score").metrics["by_task"]) == {"extract_single", "extract_multi", "reasoning"}


def test_the_base_is_four_times_the_native_one(home: Path, finished):
    note = read_json(folder(home, finished, "longpt.training") / "checkpoint.json")
    assert note["rope_base"] == 4e6
    assert note["tokens"] == record(finished, "longpt.mixture").metrics["tokens"]


def test_counts_are_those_of_what_is_encoded(home: Path, finished):
    images = corpus_images(home, finished, dpi=18)
    for instance in read_jsonl(folder(home, finished, "longpt.source") / "instances.jsonl", Instance):
        encoded = encode(QWEN, instance.messages, images.size)
        assert (instance.tokens, instance.supervised) == (len(encoded.ids), encoded.supervised.sum())


def test_a_page_takes_the_tokens_of_its_grid(home: Path, finished):
    images = corpus_images(home, finished, dpi=18)
    document = next(read_jsonl(folder(home, finished, "corpus") / "documents.jsonl", Document))
    shown = [Image(document=document.id, page=page) for page in range(document.pages)]
    encoded = encode(QWEN, [Message(role="user", parts=tuple(shown))], images.size)
    grids = [tokens.image_grid(*pixel_size(size, 18)) for size in document.page_sizes]
    assert int((encoded.ids == tokens.IMAGE_PAD).sum()) == sum(rows * columns for rows, columns in grids)
    assert encoded.grids.tolist() == [[1, 2 * rows, 2 * columns] for rows, columns in grids]
    pixels = collate([encoded], images, tokens.IMAGE_PAD).pixels
    assert pixels is not None and len(pixels) == encoded.grids.prod(1).sum()


def test_every_sample_has_a_reply_and_a_length(home: Path, finished):
    reply = folder(home, finished, "reply")
    samples = list(read_jsonl(reply / "samples.jsonl", Sample))
    replies = list(read_jsonl(reply / "replies.jsonl", Reply))
    assert [each.id for each in samples] == [each.sample for each in replies]
    sources = read_jsonl(folder(home, finished, "suite.source") / "instances.jsonl", Instance)
    tokens_of = {instance.id: instance.tokens for instance in sources}
    for sample in samples:
        length = int(sample.length.removesuffix("K")) * 1024
        assert length / 2 < max(tokens_of[sample.id.removesuffix("-0")], 513) <= length


def test_whole_books_leave_room_for_the_rest(home: Path, finished):
    """Without length bins: transcriptions that no pack holds are counted, the others trained on."""
    more = ["supervision=ocr_full", "phases.longpt.mixture.length.edges=[]", "phases.longpt.mixture.pack=5000"]
    steps = steps_of(configure(home, *more, "phases.longpt.mixture.supervision.vqa=0"))
    step = steps["longpt.mixture"]
    run_step(Store(home / "store"), step, Tracking(mode="off"))
    pool = list(read_jsonl(folder(home, finished, "longpt.source") / "instances.jsonl", Instance))
    long = [each.tokens for each in pool if each.tokens > 5000]
    found = read_json(home / "store" / step.path / "certificate.json")["longer_than_pack"]
    assert long and found == {"instances": len(long), "tokens": sum(long), "longest": max(long)}
    packs = list(read_jsonl(home / "store" / step.path / "packs.jsonl", Pack))
    assert packs and max(each.tokens for each in packs) <= 5000


def test_weights_of_half_precision_are_trained(home: Path, finished):
    """In bfloat16, where a step of 1e-5 alone would be rounded away."""
    steps = steps_of(configure(home, "model.dtype=bfloat16", "phases.longpt.mixture.tokens=2500"))
    store = Store(home / "store")
    for role in ("longpt.mixture", "longpt.training", "reply", "score"):
        run_step(store, steps[role], Tracking(mode="off"))
    trained = home / "store" / steps["longpt.training"].path
    begun, ended = (load_file(path / "model.safetensors") for path in (home / "model", trained / "model"))
    assert {tensor.dtype for tensor in ended.values()} == {torch.bfloat16}
    moved = [name for name in begun if not torch.equal(begun[name].bfloat16(), ended[name])]
    assert len(moved) > 0.75 * len(begun)  # a norm's weights of 1 are moved by less than half a bfloat16
    full = read_json(folder(home, finished, "longpt.training") / "checkpoint.json")
    assert read_json(trained / "checkpoint.json")["rope_fingerprint"] == full["rope_fingerprint"]


@pytest.fixture(scope="module")
def tokenizer() -> PreTrainedTokenizerFast:
    """Transformers' own, with the vocabulary, special tokens and chat template as published."""
    ranks = str(tokens._ranks_file())
    converter = TikTokenConverter(vocab_file=ranks, pattern=tokens._WORDS, extra_special_tokens=SPECIAL)
    made = PreTrainedTokenizerFast(tokenizer_object=converter.converted(), chat_template=TEMPLATE)
    assert made.convert_tokens_to_ids(["<|im_start|>", "<|image_pad|>"]) == [tokens.IM_START, tokens.IMAGE_PAD]
    return made


def theirs(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], pages: Sequence[int]) -> list[int]:
    """A conversation as transformers' processor encodes it, given the tokens of each page."""
    text = tokenizer.apply_chat_template(list(map(turn, messages)), tokenize=False)
    head, *tails = text.split("<|image_pad|>")
    shown = [f"{'<|image_pad|>' * number}{tail}" for number, tail in zip(pages, tails, strict=True)]
    return tokenizer.encode(head + "".join(shown))


def turn(message: Message) -> dict:
    parts = [{"type": "image"} if isinstance(part, Image) else {"type": "text", "text": part} for part in message.parts]
    return {"role": message.role, "content": parts}


def pages_of(instance: Instance) -> list[Image]:
    return [part for part in instance.messages[0].parts if isinstance(part, Image)]


def test_instances_are_what_transformers_makes_of_them(home: Path, finished, tokenizer):
    images = corpus_images(home, finished, dpi=18)
    pool = list(read_jsonl(folder(home, finished, "longpt.source") / "instances.jsonl", Instance))
    for task in ("extract_multi", "ocr_full", "reasoning"):
        instance = next(each for each in pool if each.task == task)
        ours = collate([encode(QWEN, instance.messages, images.size)], images, tokens.IMAGE_PAD)
        shown = [Pillow.fromarray(images(image)) for image in pages_of(instance)]
        read = PROCESSOR(images=shown, return_tensors="np")
        assert ours.grids is not None and ours.grids.tolist() == read["image_grid_thw"].tolist()
        assert ours.pixels is not None and np.allclose(ours.pixels, read["pixel_values"], atol=1e-5)
        expected = theirs(tokenizer, instance.messages, (read["image_grid_thw"].prod(1) // 4).tolist())
        assert ours.ids[0].tolist() == expected


def test_prompts_are_what_transformers_generates_from(tokenizer):
    asked = (Message(role="user", parts=("Which section begins on page 3?",)),)
    expected = tokenizer.apply_chat_template([turn(asked[0])], tokenize=False, add_generation_prompt=True)
    ours = [index for piece, _ in QWEN.ask(asked) if isinstance(piece, list) for index in piece]
    assert ours == tokenizer.encode(expected)


def test_counts_at_144_dpi_agree_with_transformers_count(home: Path, finished, tokenizer):
    """Pages counted by transformers, text by its tokenizer on the published template; no page is drawn."""
    images = corpus_images(home, finished, dpi=144)
    pool = list(read_jsonl(folder(home, finished, "longpt.source") / "instances.jsonl", Instance))
    for instance in pool[::3]:
        sizes = [images.size(image) for image in pages_of(instance)]
        pages = [PROCESSOR.get_number_of_image_patches(height, width, {}) // 4 for width, height in sizes]
        assert count(QWEN, instance.messages, images.size)[0] == len(theirs(tokenizer, instance.messages, pages))
        assert min(pages) > 2000
