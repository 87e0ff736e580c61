from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmprolong.errors import ConfigError, FeasibilityError
from mmprolong.images.documents import Document
from mmprolong.mixture.drawing import draw, shuffled
from mmprolong.mixture.packing import pack
from mmprolong.mixture.shares import bins, document_lengths, native_weights, split_tokens
from mmprolong.mixture.stage import run
from mmprolong.records import Measured, Pack
from mmprolong.settings.data import Component, LengthDistribution, Mixture
from mmprolong.settings.stages import MixtureSettings
from mmprolong.store.atomic import read_json
from mmprolong.store.jsonl import read_jsonl, write_jsonl
from mmprolong.store.parquet import write_parquet
from tests.working import work_in

WINDOW = 64


def entry(name: str, task: str, tokens: int, images: int = 1, cluster: str = "d") -> Measured:
    return Measured(
        example=name,
        conversation="answer",
        task=task,
        cluster=cluster,
        length="",
        tokens=tokens,
        supervised=2,
        images=images,
    )


def entries(tasks: list[str], lengths: range) -> list[Measured]:
    return [
        entry(f"{task}-{length}-{copy}", task, length, length // 6, f"d{length}")
        for task in tasks
        for length in lengths
        for copy in range(4)
    ]


def mix(
    root: Path, mixture: Mixture, seed: int = 0, pool: list[Measured] | None = None, native_context: int = WINDOW
) -> dict:
    pool = pool or entries(["extract_single", "extract_multi", "reasoning"], range(64, 512, 3))
    write_parquet(root / "measured.parquet", pool, Measured)
    sizes = [Document(id=str(n), source="x", page_sizes=((595.0, 842.0),) * n) for n in (5, 14, 30, 60)]
    write_jsonl(root / "documents.jsonl", sizes)
    work = work_in(root, corpus=root, measurement__long=root, measurement__short=root)
    run(MixtureSettings(mixture, native_context, seed), work)
    return read_json(root / "certificate.json")


def mixed(tokens: int = 40_000, sequence_length: int = 1024, **changes) -> Mixture:
    settings = {
        "source": "long",
        "tasks": {"extract_single": 0.4, "extract_multi": 0.4, "reasoning": 0.2},
        "lengths": LengthDistribution(edges=[1, 2, 4, 8], tilt=0.0),
    }
    return Mixture(tokens, sequence_length, {"long": Component(**{**settings, **changes})})


@given(st.integers(1, 10**10), st.dictionaries(st.text("aß日", min_size=1), st.floats(0.001, 1e6), min_size=1))
def test_shares_add_up_to_the_budget_exactly(budget: int, weights: dict[str, float]):
    assert sum(split_tokens(budget, weights, "here").values()) == budget


@pytest.mark.parametrize("weights", [{"a": 0.0}, {"a": 1.0, "b": -0.5}])
def test_impossible_shares_are_refused(weights: dict[str, float]):
    with pytest.raises(ConfigError, match="none may be negative"):
        split_tokens(10, weights, "here")


def test_components_have_their_shares_of_the_tokens(tmp_path: Path):
    mixture = mixed()
    mixture.components["long"].share = 0.75
    mixture.components["short"] = Component(source="short", share=0.25)
    mixture.components["unused"] = Component(source="nowhere", share=0.0)
    certificate = mix(tmp_path, mixture)
    assert {name: part["target"] for name, part in certificate["components"].items()} == {
        "long": 30_000,
        "short": 10_000,
    }
    assert all(abs(part["actual"] - part["target"]) <= 512 for part in certificate["components"].values())


def test_native_lengths_are_those_of_the_pool_in_tokens():
    assert native_weights([10, 70, 100, 200, 900], bins([1, 2, 4], WINDOW, 1024)) == [170.0, 200.0]


@pytest.mark.parametrize("native_context", [32_768, 131_072, 262_144])
def test_a_context_longer_than_the_pack_is_no_unit_of_lengths(native_context: int):
    """Qwen3-VL (256K) is trained on the examples that extend Qwen2.5-VL from 32K to 128K."""
    assert bins([1, 2, 4], native_context, 131_072) == [(32_768, 65_536), (65_536, 131_072)]


def test_a_mixture_of_short_packs_is_drawn_for_a_long_context(tmp_path: Path):
    certificate = mix(tmp_path, mixed(sequence_length=512), native_context=4096)
    assert [each["to"] for each in certificate["components"]["long"]["lengths"]] == [128, 256, 512]
    assert abs(certificate["tokens"]["actual"] - 40_000) <= 512


def test_tasks_and_lengths_are_exact_to_within_one_example(tmp_path: Path):
    certificate = mix(tmp_path, mixed())
    longest = 512
    assert abs(certificate["tokens"]["actual"] - 40_000) <= longest
    assert all(
        abs(task["actual"] - task["target"]) <= longest for task in certificate["components"]["long"]["tasks"].values()
    )
    assert all(
        abs(each["share"] - each["target_share"]) < 0.02 for each in certificate["components"]["long"]["lengths"]
    )
    assert certificate["repeats"] == 0


def test_the_certificate_counts_what_is_in_the_packs(tmp_path: Path):
    certificate = mix(tmp_path, mixed())
    packs = list(read_jsonl(tmp_path / "packs.jsonl", Pack))
    assert sum(each.tokens for each in packs) == certificate["tokens"]["actual"]
    assert len(packs) == certificate["packs"]
    assert max(each.tokens for each in packs) <= 1024


def test_pool_native_follows_the_documents_of_the_pool(tmp_path: Path):
    certificate = mix(tmp_path, mixed(lengths=LengthDistribution(edges=[1, 2, 4, 8])))
    tokens = [pages * 6.0 for pages in (14, 30, 60)]
    expected = [each / sum(tokens) for each in tokens]
    assert [each["target_share"] for each in certificate["components"]["long"]["lengths"]] == pytest.approx(
        expected, rel=0.05
    )


def test_native_lengths_count_each_training_document_once_by_its_exact_tokens():
    found = [entry("a", "t", 100, 9, "x"), entry("b", "t", 104, 9, "x"), entry("c", "t", 60, 5, "x")]
    assert document_lengths([*found, entry("d", "t", 7, 1, "composed")], {"x": 9, "y": 90}) == [102, 60]
    assert document_lengths([entry("d", "t", 12, 2, "composed")], {"x": 9, "y": 90}) == [54, 540]


def test_a_histogram_of_lengths_is_met(tmp_path: Path):
    certificate = mix(tmp_path, mixed(lengths=LengthDistribution(edges=[1, 2, 4, 8], shares=[1, 0, 3])))
    lengths = certificate["components"]["long"]["lengths"]
    assert [each["target_share"] for each in lengths] == [0.25, 0, 0.75]
    assert [each["share"] for each in lengths] == pytest.approx([0.25, 0, 0.75], abs=0.03)
    assert all(each["available"]["tokens"] > each["tokens"] for each in lengths)


def test_a_histogram_that_the_pool_cannot_give_says_what_every_bin_lacks(tmp_path: Path):
    with pytest.raises(FeasibilityError) as error:
        mix(tmp_path, mixed(tokens=10_000_000, lengths=LengthDistribution(edges=[1, 2, 4, 8], shares=[1, 0, 3])))
    assert str(error.value).count("too few") == 6 and str(error.value).count("\n") == 6


def test_the_error_of_a_component_is_at_most_one_example(tmp_path: Path):
    (part,) = mix(tmp_path, mixed())["components"].values()
    assert part["error"]["within"] and abs(part["error"]["tokens"]) <= part["error"]["longest"] < 512


def test_the_same_seed_draws_the_same_and_another_does_not(tmp_path: Path):
    drawn = []
    for number, seed in enumerate((0, 0, 1)):
        folder = tmp_path / str(number)
        folder.mkdir()
        mix(folder, mixed(), seed)
        drawn.append((folder / "packs.jsonl").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2]


def test_arms_with_one_seed_share_what_both_want(tmp_path: Path):
    names = []
    for number, tilt in enumerate((2.0, 1.5)):
        folder = tmp_path / str(number)
        folder.mkdir()
        mix(folder, mixed(lengths=LengthDistribution(edges=[1, 2, 4, 8], tilt=tilt)))
        names.append({name for each in read_jsonl(folder / "packs.jsonl", Pack) for name in each.examples})
    assert len(names[0] & names[1]) > 0.8 * min(map(len, names))


def test_too_small_a_pool_says_what_is_missing(tmp_path: Path):
    with pytest.raises(FeasibilityError, match=r"tokens wanted, [\d,]+ in [\d,]+ examples"):
        mix(tmp_path, mixed(tokens=10_000_000))


def test_a_window_longer_than_any_document_is_a_feasibility_message(tmp_path: Path):
    with pytest.raises(FeasibilityError, match="the longest has"):
        mix(tmp_path, mixed(lengths=LengthDistribution(edges=[100, 200, 400])))


def test_repeats_are_counted(tmp_path: Path):
    pool = entries(["extract_single"], range(64, 128, 8))
    mixture = mixed(tasks={"extract_single": 1.0}, repeats=0, lengths=LengthDistribution(edges=[]))
    certificate = mix(tmp_path, mixture, pool=pool)
    shown = certificate["components"]["long"]["exposures"]
    assert certificate["repeats"] > 0 and shown["most"] == max(map(int, shown["examples_by_uses"]))
    uses = sum(int(count) * number for count, number in shown["examples_by_uses"].items())
    assert uses == certificate["components"]["long"]["examples"]


def test_an_example_longer_than_a_pack_is_left_out_and_counted(tmp_path: Path):
    pool = entries(["ocr_full"], range(64, 512, 8))
    book = entry("book", "ocr_full", 9_000, 400, "book")
    mixture = mixed(tokens=20_000, tasks={"ocr_full": 1.0}, lengths=LengthDistribution(edges=[]))
    certificate = mix(tmp_path, mixture, pool=[*pool, book])
    assert certificate["components"]["long"]["longer_than_pack"] == {"examples": 1, "tokens": 9_000, "longest": 9_000}
    assert abs(certificate["tokens"]["actual"] - 20_000) <= 512
    assert "book" not in (tmp_path / "packs.jsonl").read_text()


def test_lengths_that_are_asked_for_beyond_a_pack_are_refused(tmp_path: Path):
    with pytest.raises(FeasibilityError, match="a pack holds 100; raise it"):
        mix(tmp_path, mixed(sequence_length=100))


@given(st.lists(st.integers(1, 1000), min_size=1, max_size=60), st.integers(0, 5))
def test_every_example_is_in_exactly_one_pack(lengths: list[int], seed: int):
    pool = [entry(str(i), "t", n) for i, n in enumerate(lengths)]
    packs = pack(pool, 1000, seed)
    assert sorted(name for each in packs for name in each.examples) == sorted(each.example for each in pool)
    assert all(each.tokens <= 1000 for each in packs)
    assert [each.id for each in packs] == list(range(len(packs)))


def test_packs_are_samples_of_the_mixture_not_sorted_by_length():
    short = [entry(f"s{i}", "short", 20) for i in range(5000)]
    long = [entry(f"l{i}", "long", 400, 9) for i in range(250)]
    packs = pack([*short, *long], 1000, 0)
    assert sum(each.tokens for each in packs) / (1000 * len(packs)) > 0.97
    both = [each for each in packs if {name[0] for name in each.examples} == {"s", "l"}]
    assert len(both) > 0.6 * len(packs)


def test_an_example_longer_than_a_pack_is_refused():
    with pytest.raises(FeasibilityError, match="a pack holds 10; raise it"):
        pack([entry("x", "t", 11)], 10, 0)


def test_a_draw_ends_nearest_to_its_target():
    pool = shuffled(entries(["t"], range(100, 200, 7)), 3)
    for target in (150, 1_000, 3_333):
        assert abs(sum(each.tokens for each in draw(pool, target, 1, where="here")) - target) <= 100
