"""Every kernel gives each sequence what plain attention gives it, with its gradient."""

import inspect
from itertools import accumulate, pairwise

import pytest
import torch
from torch.nn.attention.varlen import varlen_attn
from torch.nn.functional import scaled_dot_product_attention

from mmprolong.errors import ConfigError
from mmprolong.models.qwen_vl import kernels
from mmprolong.models.qwen_vl.kernels import FLASH, SDPA, VARLEN, Sequences

CPU, GPU = torch.device("cpu"), torch.device("cuda")
HEADS, KEY_HEADS, WIDTH = 4, 2, 8
LENGTHS = {"packed": ([5, 3, 3, 1, 4], [5, 3, 3, 1, 4]), "behind a cache": ([2, 2, 1], [7, 7, 9])}


def sequences(lengths: list[int]) -> Sequences:
    return Sequences(torch.tensor([0, *accumulate(lengths)], dtype=torch.int32), max(lengths))


def plain(query, key, value, queries, keys, causal, scaling):
    """One dense softmax over everything, with whatever must not be seen set to minus infinity."""
    of_query, of_key = (
        torch.arange(len(each.bounds) - 1).repeat_interleave(each.bounds.diff()) for each in (queries, keys)
    )
    ends = keys.bounds[1:] - queries.bounds[1:]
    place = torch.arange(len(query)) + ends[of_query]
    seen = of_query[:, None] == of_key
    if causal:
        seen &= torch.arange(len(key)) <= place[:, None]
    shared = query.shape[1] // key.shape[1]
    key, value = (each.repeat_interleave(shared, 1) for each in (key, value))
    scores = torch.einsum("qhw,khw->hqk", query, key) * (query.shape[2] ** -0.5 if scaling is None else scaling)
    return torch.einsum("hqk,khw->qhw", scores.masked_fill(~seen, -torch.inf).softmax(-1), value)


def flash_attn_varlen_func(
    q,
    k,
    v,
    cu_seqlens_q,
    cu_seqlens_k,
    max_seqlen_q,
    max_seqlen_k,
    dropout_p=0.0,
    softmax_scale=None,
    causal=False,
    window_size=(-1, -1),
    softcap=0.0,
    alibi_slopes=None,
    deterministic=False,
    return_attn_probs=False,
    block_table=None,
):
    """What flash-attn's function of this signature computes: causal is aligned to the last key."""
    assert (max_seqlen_q, max_seqlen_k) == (int(cu_seqlens_q.diff().max()), int(cu_seqlens_k.diff().max()))
    assert cu_seqlens_q.dtype == cu_seqlens_k.dtype == torch.int32
    return one_by_one(q, k, v, cu_seqlens_q, cu_seqlens_k, causal, softmax_scale)


def varlen(
    query,
    key,
    value,
    cu_seq_q,
    cu_seq_k,
    max_q,
    max_k,
    *,
    return_aux=None,
    scale=None,
    window_size=(-1, -1),
    enable_gqa=False,
    seqused_k=None,
    block_table=None,
    num_splits=None,
):
    """What `varlen_attn` computes."""
    assert (max_q, max_k) == (int(cu_seq_q.diff().max()), int(cu_seq_k.diff().max()))
    assert enable_gqa or query.shape[1] == key.shape[1]
    assert window_size in ((-1, 0), (-1, -1))
    return one_by_one(query, key, value, cu_seq_q, cu_seq_k, window_size == (-1, 0), scale)


def one_by_one(q, k, v, of_queries, of_keys, causal, scale):
    found = []
    for (a, b), (c, d) in zip(pairwise(of_queries.tolist()), pairwise(of_keys.tolist()), strict=True):
        mask = torch.ones(b - a, d - c, dtype=torch.bool).tril(d - c - b + a) if causal else None
        heads = (each.transpose(0, 1) for each in (q[a:b], k[c:d], v[c:d]))
        out = scaled_dot_product_attention(*heads, attn_mask=mask, scale=scale, enable_gqa=True)
        found.append(out.transpose(0, 1))
    return torch.cat(found)


KERNELS = {
    SDPA: kernels.by_sdpa,
    FLASH: kernels.by_flash_attention(flash_attn_varlen_func),
    VARLEN: kernels.by_varlen(varlen),
}


@pytest.mark.parametrize("lengths", LENGTHS)
@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("scaling", [None, 0.3])
@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_equals_one_dense_masked_softmax(name: str, causal: bool, scaling: float | None, lengths: str):
    torch.manual_seed(0)
    queries, keys = (sequences(each) for each in LENGTHS[lengths])
    shapes = [(int(queries.bounds[-1]), HEADS, WIDTH), *[(int(keys.bounds[-1]), KEY_HEADS, WIDTH)] * 2]
    inputs = [torch.randn(shape, requires_grad=True) for shape in shapes]
    found, expected = (kernel(*inputs, queries, keys, causal, scaling) for kernel in (KERNELS[name], plain))
    assert torch.allclose(found, expected, atol=1e-6)
    weights = torch.randn_like(expected)
    for ours, theirs in zip(*(torch.autograd.grad(each, inputs, weights) for each in (found, expected)), strict=True):
        assert torch.allclose(ours, theirs, atol=1e-5)


def test_torch_takes_the_arguments_that_its_kernel_is_called_with():
    ours, theirs = (inspect.signature(each).parameters.values() for each in (varlen, varlen_attn))
    assert [(each.name, each.kind, each.default) for each in ours] == [
        (each.name, each.kind, each.default) for each in theirs
    ]
    query, key = (torch.empty(12, heads, WIDTH, device="meta", dtype=torch.bfloat16) for heads in (HEADS, KEY_HEADS))
    bounds = Sequences.equal(3, 4, torch.device("meta"))
    found = kernels.by_varlen(varlen_attn)(query, key, key, bounds, bounds, True, None)
    assert (found.shape, found.dtype) == (query.shape, torch.bfloat16)


@pytest.mark.parametrize(
    ("dtype", "capability", "installed", "name"),
    [
        (torch.bfloat16, (9, 0), True, FLASH),
        (torch.float16, (8, 0), True, FLASH),
        (torch.bfloat16, (9, 0), False, VARLEN),
        (torch.float32, (9, 0), True, SDPA),
        (torch.bfloat16, (7, 5), True, SDPA),
        (torch.bfloat16, None, False, SDPA),
    ],
)
def test_the_fastest_kernel_that_the_device_has_is_chosen(
    dtype: torch.dtype, capability: tuple[int, int] | None, installed: bool, name: str
):
    assert kernels.best(dtype, capability, installed) == name


def test_without_a_gpu_torchs_own_function_is_chosen():
    assert kernels.choose(CPU, torch.bfloat16) == SDPA


def test_a_long_sequence_without_a_kernel_of_its_own_is_refused_on_a_gpu():
    with pytest.raises(ConfigError, match=r"131,072 tokens in float32 .*`pip install flash-attn"):
        kernels.check_length(SDPA, GPU, torch.float32, 131_072)
    kernels.check_length(SDPA, GPU, torch.float32, 32_767)
    kernels.check_length(SDPA, CPU, torch.float32, 131_072)
    kernels.check_length(VARLEN, GPU, torch.bfloat16, 131_072)
