"""What every backbone and its network must do, over the folder of backbones, on tiny random models."""

import subprocess
import sys
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoTokenizer

from mmprolong.conversations import Conversation, Image, Message, Pages, Text, Video, flat
from mmprolong.errors import DataError
from mmprolong.models import weights
from mmprolong.models.backbone import Backbone, TokenCounter, encode
from mmprolong.models.encoding import Encoded
from mmprolong.models.network import Batch, Network, Shard, collate, collate_rows
from mmprolong.models.qwen_vl.image_format import image_format_in
from mmprolong.models.qwen_vl.vision import normalised
from mmprolong.settings.knobs import Model, Rope
from mmprolong.training.objectives.next_token import NextToken
from tests.models.tiny import SMALL, Drawn, answered, asked, stock_pixels

Loaded = tuple[Backbone, Network]
COLOUR = Drawn()
CONVERSATION = (
    asked("find A", Pages("pdf:56x56", 0, 2), Image("pdf:84x112", 7)),
    answered("7"),
    asked("list A B :"),
    Message("assistant", (Text("A ", learned=True), Text("3 "), Text("B 5", learned=True))),
)
OTHER = (asked("find C", Image("pdf:112x56", 3)), answered("8"))
THIRD = (asked("count A :"), answered("1"))


def encoded(backbone: Backbone, conversation: Conversation, answer: bool = False) -> Encoded:
    return encode(backbone, conversation, COLOUR, SMALL, answer)


def packed(backbone: Backbone, *conversations: Conversation) -> Batch:
    return collate([encoded(backbone, each) for each in conversations], backbone, COLOUR)


def hidden(loaded: Loaded, *conversations: Conversation) -> torch.Tensor:
    with torch.no_grad():
        return loaded[1].hidden(loaded[1].embed(packed(loaded[0], *conversations)))[0]


def gradients(network: Network, *batches: Batch) -> tuple[float, dict[str, torch.Tensor]]:
    network.module.zero_grad(set_to_none=True)
    loss = torch.stack([NextToken().loss(network, batch)[0] for batch in batches]).sum()
    loss.backward()
    found = {name: each.grad for name, each in network.module.named_parameters() if each.grad is not None}
    network.module.zero_grad(set_to_none=True)
    return loss.item(), found


def test_packed_is_alone(model: Loaded):
    backbone, network = model
    conversations = (CONVERSATION, OTHER, THIRD, OTHER)
    alone = torch.cat([hidden(model, each) for each in conversations])
    assert torch.allclose(hidden(model, *conversations), alone, atol=1e-5)
    together, whole = gradients(network, packed(backbone, *conversations))
    apart, pieces = gradients(network, *(packed(backbone, each) for each in conversations))
    assert together == pytest.approx(apart, rel=1e-5)
    assert whole.keys() == pieces.keys()
    for name, gradient in whole.items():
        assert torch.allclose(gradient, pieces[name], rtol=1e-5, atol=1e-5 * float(gradient.abs().max())), name


def test_a_neighbour_changes_nothing(model: Loaded):
    one, other = hidden(model, CONVERSATION, OTHER), hidden(model, CONVERSATION, THIRD)
    length = len(encoded(model[0], CONVERSATION))
    assert torch.equal(one[:length], other[:length])


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_shards_of_a_pack_are_the_pack(model: Loaded, count: int):
    """Whatever the border cuts: images, targets; equal stretches, each page encoded by one process."""
    backbone, _ = model
    documents = [encoded(backbone, each) for each in (CONVERSATION, OTHER, THIRD)]
    whole = collate(documents, backbone, COLOUR)
    shards = [collate(documents, backbone, COLOUR, Shard(index, count)) for index in range(count)]
    length, size = whole.ids.shape[1], shards[0].ids.shape[1]
    assert size == -(-length // count)
    for name in ("ids", "positions"):
        assert torch.equal(torch.cat([getattr(each, name) for each in shards], -1)[..., :length], getattr(whole, name))
    places = torch.cat([each.places + index * size for index, each in enumerate(shards)])
    assert torch.equal(places, whole.places)
    assert torch.equal(torch.cat([each.labels for each in shards]), whole.labels)
    assert torch.equal(torch.cat([each.pixels for each in shards if each.pixels is not None]), whole.pixels)
    tokens = (whole.ids == backbone.image_token).sum()
    assert {sum(each.image_tokens) for each in shards} == {int(tokens)}
    before = [int((whole.ids[0, : index * size] == backbone.image_token).sum()) for index in range(count)]
    assert [each.image_tokens_before for each in shards] == before
    assert all(each.bounds.tolist()[:4] == whole.bounds.tolist() for each in shards)


def test_prompts_of_several_rows_are_read_as_each_alone(model: Loaded):
    backbone, network = model
    prompts = [encoded(backbone, (asked("find A", Pages("pdf:56x56", n, n + 1)),), answer=True) for n in (0, 5)]
    with torch.no_grad():
        rows = network.hidden(network.embed(collate_rows(prompts, backbone, COLOUR)), network.new_cache())
        for row, prompt in zip(rows, prompts, strict=True):
            alone = network.hidden(network.embed(collate([prompt], backbone, COLOUR)))[0]
            assert torch.allclose(row, alone, atol=1e-4)


def test_the_count_is_the_length_of_what_is_trained_on(model: Loaded):
    found = encoded(model[0], CONVERSATION)
    counter = TokenCounter(model[0], COLOUR, SMALL)
    assert counter.count(CONVERSATION) == (len(found), int(found.supervised.sum()))
    assert len(found.images) == 4
    for (start, end), (_, rows, columns) in zip(found.spans, found.grids, strict=True):
        assert set(found.ids[start:end]) == {model[0].image_token}
        assert (end - start) * 4 == rows * columns


def test_what_is_learned_and_the_ends_of_those_turns_are_supervised(model: Loaded):
    found = encoded(model[0], CONVERSATION)
    learned = found.ids[found.supervised]
    texts, turn = [], []
    for index in learned.tolist():
        turn.append(index)
        if index == model[0].end[0]:
            texts.append(model[0].decode(turn).split())
            turn = []
    assert texts == [["7"], ["A", "B", "5"]]
    assert turn == []


def test_a_turn_that_learns_nothing_has_no_target(model: Loaded):
    given = (*CONVERSATION[:1], Message("assistant", (Text("7"),)))
    assert not encoded(model[0], given).supervised.any()
    ended = len(encoded(model[0], CONVERSATION[:2]))
    assert len(encoded(model[0], given)) == ended


def test_a_prompt_is_the_conversation_up_to_the_answer(model: Loaded):
    whole, prompt = encoded(model[0], CONVERSATION[:2]), encoded(model[0], CONVERSATION[:1], answer=True)
    assert np.array_equal(whole.ids[: len(prompt)], prompt.ids)
    assert not whole.supervised[: len(prompt)].any()
    assert whole.supervised[len(prompt)]


def test_an_answer_that_is_begun_is_continued(model: Loaded):
    begun = (*CONVERSATION[:1], Message("assistant", (Text("7"),)))
    whole, prompt = encoded(model[0], CONVERSATION[:2]), encoded(model[0], begun, answer=True)
    assert np.array_equal(whole.ids[: len(prompt)], prompt.ids)
    assert whole.ids[len(prompt)] == model[0].end[0]


def test_a_reply_is_decoded_up_to_its_end(model: Loaded):
    ids = encoded(model[0], CONVERSATION).ids
    answer = ids[encoded(model[0], CONVERSATION).supervised][:2].tolist()
    assert answer[1] == model[0].end[0]
    for end in model[0].end:
        assert model[0].decode([answer[0], end, *ids[:3]]) == "7"


def test_a_film_is_refused(model: Loaded):
    film = Message("user", (Video((Image("video:56x56"),), 1.0), Text("find A")))
    with pytest.raises(DataError, match="a film of 1 frames"):
        encoded(model[0], (film,))


def test_an_image_that_no_model_takes_is_named(model: Loaded):
    with pytest.raises(DataError, match=r"image pdf:3x700 page 3: 3 x 700 px"):
        encoded(model[0], (asked("find A", Image("pdf:3x700", 2)),))


def test_every_parameter_is_in_one_part(model: Loaded):
    parts = model[1].parts()
    assert set(parts) == {"vision", "projector", "language"}
    assert all(parts.values())
    ids = [id(each) for part in parts.values() for each in part]
    assert len(ids) == len(set(ids))
    assert set(ids) == {id(each) for each in model[1].module.parameters()}


def test_an_exported_model_has_equal_logits_in_transformers(model: Loaded, exported: Path):
    backbone, network = model
    prompt = encoded(backbone, (asked("find A", Image("pdf:56x56"), Image("pdf:112x84")),), answer=True)
    batch = collate([prompt], backbone, COLOUR)
    other = AutoModelForImageTextToText.from_pretrained(exported)
    with torch.no_grad():
        ours = network.logits(network.hidden(network.embed(batch)))
        kinds = (batch.ids == backbone.image_token).int()
        theirs = other(input_ids=batch.ids, mm_token_type_ids=kinds, **stock_pixels(exported, COLOUR, prompt.images))
    assert torch.allclose(ours, theirs.logits, rtol=1e-4, atol=1e-4)
    assert torch.equal(ours.argmax(-1), theirs.logits.argmax(-1))


def test_the_exported_processor_reads_images_as_we_do(model: Loaded, exported: Path):
    prompt = encoded(model[0], (asked("find A", Image("pdf:56x56"), Image("pdf:112x84"), Image("pdf:280x196")),))
    theirs = stock_pixels(exported, COLOUR, prompt.images)
    assert np.array_equal(prompt.grids, theirs["image_grid_thw"])
    patches = model[0].patches([COLOUR.pixels(image) for image in prompt.images], prompt.grids)
    frames = normalised(torch.from_numpy(patches), image_format_in(exported / "preprocessor_config.json"))
    assert torch.allclose(frames[:, :, None].expand(-1, -1, 2, -1).flatten(1), theirs["pixel_values"], atol=1e-5)


def test_the_exported_template_says_what_we_say(model: Loaded, exported: Path):
    tokenizer = AutoTokenizer.from_pretrained(exported)
    for conversation, answer in ((CONVERSATION, False), (CONVERSATION[:1], True), (CONVERSATION[:3], True)):
        content = [
            {"role": message.role, "content": [_content(part) for part in flat(message.parts)]}
            for message in conversation
        ]
        text = tokenizer.apply_chat_template(content, tokenize=False, add_generation_prompt=answer)
        theirs = iter(tokenizer(text, add_special_tokens=False)["input_ids"])
        found = encoded(model[0], conversation, answer)
        after = dict(found.spans.tolist())
        at, ours = 0, []
        while at < len(found):
            ours.append(int(found.ids[at]))
            at = after.get(at, at + 1)  # the template has one token for an image
        assert ours == list(theirs)


def _content(part: Text | Image | Video) -> dict[str, str]:
    return {"type": "text", "text": part.text} if isinstance(part, Text) else {"type": "image"}


@pytest.mark.parametrize("kind", ["base", "ntk", "yarn"])
def test_rotary_positions_reach_the_frequencies_and_survive_saving(
    model: Loaded, tmp_path: Path, kind: Literal["base", "ntk", "yarn"]
):
    backbone, network = model
    native, before = network.rope_base, network.set_rope(Rope())
    head = 2 * len(rotary(network).inv_freq)
    bases = {"base": 4 * native, "ntk": native * 4 ** (head / (head - 2)), "yarn": native}
    try:
        changed = network.set_rope(Rope(kind=kind, factor=4))
        assert changed != before
        assert network.rope_base == pytest.approx(bases[kind])
        weights.save(network, weights.describe(network, "tiny", 1, 10), tmp_path)
        again, note = weights.load(backbone, Model(), tmp_path), weights.read_note(tmp_path)
        stock = AutoModelForImageTextToText.from_pretrained(tmp_path / weights.FOLDER)
        for reloaded in (rotary(again), stock.model.language_model.rotary_emb):
            assert torch.equal(reloaded.inv_freq, rotary(network).inv_freq)
            assert reloaded.attention_scaling == rotary(network).attention_scaling
            assert reloaded.mrope_section == rotary(network).mrope_section
        assert again.set_rope(Rope()) == note.rope_fingerprint == changed
        assert again.set_rope(Rope(factor=1)) == before  # the factor is of the native base
    finally:
        network.set_rope(Rope(factor=1))
    assert network.set_rope(Rope()) == before


def rotary(network: Network) -> Any:
    return network.module.model.language_model.rotary_emb  # pyright: ignore[reportAttributeAccessIssue]


def test_a_checkpoint_with_other_frequencies_is_refused(model: Loaded, tmp_path: Path):
    weights.save(model[1], weights.describe(model[1], "tiny", 1, 10), tmp_path)
    config = tmp_path / weights.FOLDER / "config.json"
    config.write_text(config.read_text().replace('"rope_theta": ', '"rope_theta": 9'))
    with pytest.raises(DataError, match="are not those of the checkpoint"):
        weights.load(model[0], Model(), tmp_path)


@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_weights_are_loaded_in_the_precision_that_is_asked_for(model: Loaded, exported: Path, dtype: str):
    network = model[0].load(Model(dtype=dtype), exported)
    assert {each.dtype for each in network.module.parameters()} == {getattr(torch, dtype)}
    assert model[1].set_rope(Rope()) == network.set_rope(Rope())


def test_counting_needs_no_torch():
    code = (
        "import sys; from importlib import import_module; from mmprolong import plugins;"
        "[import_module(f'{package}.{name}') for package in sys.argv[1:] for name in plugins.names_in(package)];"
        "sys.exit(bool({'torch', 'transformers'} & set(sys.modules)))"
    )
    registries = ("models.backbones", "training.objectives", "training.engines", "evaluation.engines")
    words = [sys.executable, "-c", code, *(f"mmprolong.{each}" for each in registries)]
    assert subprocess.run(words, check=False).returncode == 0
