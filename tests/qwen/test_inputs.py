import numpy as np
import pytest
import torch
from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil

from mmprolong.errors import DataError
from mmprolong.models.backbone import count, encode, find
from mmprolong.models.encoding import Encoded
from mmprolong.models.qwen_vl import weights
from mmprolong.models.qwen_vl.inputs import Inputs, collate, last_hidden
from mmprolong.models.qwen_vl.patches import patchify
from mmprolong.models.qwen_vl.positions import positions
from mmprolong.models.rope import rope_base, rope_fingerprint, set_rope_base
from mmprolong.records import Image, Message
from mmprolong.settings.knobs import Model

PROXY = find("proxy")
PAGES = {}


def show(image: Image) -> np.ndarray:
    rng = np.random.default_rng([int(image.document), image.page])
    return rng.integers(0, 256, (56, 56), dtype=np.uint8)


def document(number: int, pages: int, question: str = "find A", answer: str = "7") -> Encoded:
    images = [Image(document=str(number), page=page, stamp="A7") for page in range(pages)]
    conversation = (Message(role="user", parts=(*images, question)), Message(role="assistant", parts=(answer,)))
    return encode(PROXY, conversation, lambda _: (56, 56))


@pytest.fixture(scope="module")
def model():
    return PROXY.build(Model()).eval()


def hidden(model, *documents: Encoded) -> torch.Tensor:
    with torch.no_grad():
        return last_hidden(model, collate(documents, show, PROXY.image_token))


def test_packed_documents_do_not_see_each_other(model):
    documents = [document(0, 3), document(1, 3), document(2, 5), document(3, 1)]
    alone = torch.cat([hidden(model, each) for each in documents])
    assert torch.allclose(hidden(model, *documents), alone, atol=1e-5)


def test_a_neighbour_changes_nothing(model):
    with_one, with_other = (hidden(model, document(0, 2), document(n, 4)) for n in (1, 2))
    length = len(document(0, 2).ids)
    assert torch.equal(with_one[:length], with_other[:length])
    assert not torch.allclose(with_one[length:], with_other[length:], atol=1e-2)


def test_hidden_states_are_those_of_transformers_own_forward(model):
    """Of pages of several sizes, some larger than a window of the vision tower and not a multiple of it."""
    rng = np.random.default_rng(0)
    pages = {size: rng.integers(0, 256, size, dtype=np.uint8) for size in ((56, 56), (280, 196), (84, 140))}
    images = [Image(document=f"{height}", page=width) for height, width in pages]
    conversation = [Message(role="user", parts=(*images, images[1], "find A")), Message(role="assistant", parts=("7",))]
    encoded = encode(PROXY, conversation, lambda image: (image.page, int(image.document)))
    pack = collate([encoded], lambda image: pages[int(image.document), image.page], PROXY.image_token)
    with torch.no_grad():
        out = model.model(
            input_ids=pack.ids,
            position_ids=pack.positions,
            pixel_values=pack.pixels,
            image_grid_thw=pack.grids,
            use_cache=False,
        )
        assert torch.allclose(last_hidden(model, pack), out.last_hidden_state[0], atol=1e-5)


@pytest.mark.parametrize("part", ["language", "vision"])
def test_our_attention_equals_transformers_own(model, part: str):
    documents = [document(0, 3), document(1, 2), document(2, 2)]
    ours = hidden(model, *documents)
    other = PROXY.build(Model()).eval()
    if part == "language":
        other.model.language_model.config._attn_implementation = "sdpa"
    else:
        other.model.visual.config._attn_implementation = "sdpa"
    assert torch.allclose(hidden(other, *documents), ours, atol=1e-5)


def test_settings_for_a_gpu_change_no_gradient():
    pack = collate([document(0, 3), document(1, 2)], show, PROXY.image_token)
    found = []
    for for_gpu in (False, True):
        model = PROXY.build(Model()).train()
        if for_gpu:
            weights.fit_gpu(model, large=0)
            assert model.is_activation_checkpointing
            assert model.model.language_model.config._attn_implementation == "sdpa"
        last_hidden(model, pack).square().mean().backward()
        found.append({name: parameter.grad for name, parameter in model.named_parameters()})
    assert all(torch.allclose(found[0][name], found[1][name], atol=1e-5) for name in found[0])


def test_positions_are_those_of_transformers(model):
    inputs: Inputs = collate([document(0, 4)], show, PROXY.image_token)
    kinds = (inputs.ids == PROXY.image_token).int()
    expected, _ = model.model.get_rope_index(inputs.ids, mm_token_type_ids=kinds, image_grid_thw=inputs.grids)
    assert torch.equal(inputs.positions[1:], expected)


def test_positions_of_wide_pages_without_marks_between_them(model):
    grids = np.array([[1, 4, 6], [1, 8, 2]])
    ids = np.array([1, *[PROXY.image_token] * 6, *[PROXY.image_token] * 4, 9, 9])
    table = positions(Encoded(ids, ids < 0, (), grids), PROXY.image_token)
    assert table[0].tolist() == list(range(13))
    assert table[1].tolist() == [0, *[1] * 6, *[4] * 4, 8, 9]
    assert table[2].tolist() == [0, 1, 1, 1, 2, 2, 2, 4, 5, 6, 7, 8, 9]
    assert table[3].tolist() == [0, 1, 2, 3, 1, 2, 3, 4, 4, 4, 4, 8, 9]


def test_patches_equal_those_of_transformers_processor():
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size, dtype=np.uint8) for size in ((56, 84, 3), (56, 84, 3), (112, 56, 3))]
    expected = Qwen2VLImageProcessorPil()(images=images, do_resize=False, return_tensors="np")["pixel_values"]
    assert np.allclose(patchify(images), expected, atol=1e-5)


def test_grey_pages_are_read_as_three_equal_colours(model):
    grey = np.random.default_rng(1).integers(0, 256, (56, 56), dtype=np.uint8)
    colour = np.stack([grey] * 3, -1)
    assert np.array_equal(patchify([grey, colour]), patchify([colour, colour]))
    embed, weight = model.model.visual.patch_embed, model.model.visual.patch_embed.proj.weight
    found = [embed(torch.from_numpy(patchify([page]))) for page in (grey, colour)]
    assert torch.allclose(*found, atol=1e-5)
    gradients = [torch.autograd.grad(each.square().sum(), weight)[0] for each in found]
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-3)


def test_the_patch_embedding_is_the_convolution(model):
    pixels = torch.from_numpy(patchify([np.random.default_rng(2).integers(0, 256, (56, 84, 3), dtype=np.uint8)]))
    convolution = model.model.visual.patch_embed.proj
    expected = convolution(pixels.view(-1, 3, 2, 14, 14)).flatten(1)
    assert torch.allclose(model.model.visual.patch_embed(pixels), expected, atol=1e-5)


def test_answers_are_supervised_and_questions_are_not():
    encoded = document(0, 2, "list A B :", "A 3 B 5")
    words = PROXY.decode(encoded.ids[encoded.supervised])
    assert words == "A 3 B 5"
    assert encoded.ids[encoded.supervised][-1] == PROXY.end


def test_given_words_are_part_of_the_answer_but_not_learnt():
    turns = (("user", "sum A B :"), ("assistant", "A"), ("given", "3"), ("assistant", "= 3"), ("user", "find A"))
    messages = [Message(role=role, parts=(text,)) for role, text in turns]
    encoded = encode(PROXY, messages, lambda _: (56, 56))
    assert encoded.supervised.tolist() == [*[False] * 5, True, False, True, True, True, False, False]


def test_the_count_is_the_length_of_what_is_trained_on():
    encoded = document(0, 5)
    images = [Image(document="0", page=page, stamp="A7") for page in range(5)]
    conversation = (Message(role="user", parts=(*images, "find A")), Message(role="assistant", parts=("7",)))
    assert count(PROXY, conversation, lambda _: (56, 56)) == (len(encoded.ids), 2) == (35, 2)


def test_a_word_outside_the_vocabulary_names_the_nearest():
    with pytest.raises(DataError, match="did you mean 'find'"):
        document(0, 1, "fnd A")


def test_the_rotary_base_reaches_the_frequencies():
    model = PROXY.build(Model())
    before = rope_fingerprint(model)
    set_rope_base(model, 4e4)
    frequencies = model.model.language_model.rotary_emb.inv_freq
    assert frequencies[-1] == pytest.approx(4e4 ** (-15 / 16), rel=1e-5)
    assert rope_fingerprint(model) != before


def test_a_base_that_was_only_written_down_is_refused():
    model = PROXY.build(Model())
    model.config.text_config.rope_parameters["rope_theta"] = 4e4
    with pytest.raises(DataError, match="the base was not applied"):
        rope_fingerprint(model)


def test_the_base_survives_saving(tmp_path):
    model = PROXY.build(Model())
    set_rope_base(model, 8e4)
    weights.save(model, tmp_path, "proxy", 1, 10)
    again, note = weights.resume(tmp_path, "float32")
    assert rope_base(again) == note.rope_base == 8e4
    assert rope_fingerprint(again) == note.rope_fingerprint
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
