from mmprolong.conversations import Image, Text, images_of
from mmprolong.settings.data import Length, Source
from mmprolong.synthesis.stamps import TASKS, write_stamped

POOL = [Image(f"pdf:{name}", page) for name in ("a", "b", "c") for page in range(20)]
SOURCE = Source(tasks=list(TASKS), documents=4, lengths=[Length("1x", [8, 8]), Length("8x", [50, 60])], seed=7)


def test_all_tasks_are_asked_of_the_same_pages():
    found = {example.task: example for example in write_stamped(SOURCE, POOL, 0, 1)}
    assert list(found) == list(TASKS)
    shown = {task: list(images_of(example.conversations["answer"])) for task, example in found.items()}
    assert shown.pop("arithmetic") == []
    first = shown["extract_single"]
    assert len(first) == 8 and all(pages == first for pages in shown.values())
    assert {example.length for example in found.values()} == {"1x"}


def test_an_answer_is_what_is_stamped_on_its_evidence():
    (example,) = (each for each in write_stamped(SOURCE, POOL, 1, 0) if each.task == "extract_single")
    pages = list(images_of(example.conversations["answer"]))
    for gold in example.gold:
        (place,) = gold.evidence
        assert pages[place].stamp[1] == gold.answer


def test_given_values_are_not_learnt():
    (example,) = (each for each in write_stamped(SOURCE, POOL, 0, 0) if each.task == "arithmetic")
    answers = [part for message in example.conversations["answer"][1::2] for part in message.parts]
    assert all(isinstance(part, Text) for part in answers)
    given = [part.text for part in answers if isinstance(part, Text) and not part.learned]
    assert given and all(text.isdigit() for text in given)


def test_a_run_over_two_documents_is_stored_as_two_ranges():
    (example,) = (each for each in write_stamped(SOURCE, POOL, 1, 1) if each.task == "ocr_full")
    parts = example.conversations["answer"][0].parts
    pages = list(images_of(example.conversations["answer"]))
    assert len(parts) - 1 == len({page.source for page in pages}) + (pages[0].source == pages[-1].source) >= 3


def test_documents_start_spread_over_the_pool():
    starts = []
    for number in range(SOURCE.documents):
        example = next(write_stamped(SOURCE, POOL, 0, number))
        first = next(images_of(example.conversations["answer"]))
        starts.append(POOL.index(Image(first.source, first.index)))
    assert [start * SOURCE.documents // len(POOL) for start in starts] == list(range(SOURCE.documents))
