import pytest

from mmprolong.conversations import Image, Message, Pages, Text
from mmprolong.evaluation.prompt_order import PromptOrder, ordered

QUESTION, RULES, PAGES = Text("Who?"), Text("Be brief."), Pages("pdf:a", 0, 2)
BETWEEN = (Image("pdf:a"), Text("then"), Image("pdf:b"))
SYSTEM, BEGUN = Message("system", (Text("s"),)), Message("assistant", (Text("Answer:"),))


@pytest.mark.parametrize(
    ("parts", "order", "expected"),
    [
        ((QUESTION, PAGES), "pages_first", (PAGES, QUESTION)),
        ((PAGES, QUESTION), "pages_first", (PAGES, QUESTION)),
        ((RULES, *BETWEEN, QUESTION), "pages_first", (RULES, *BETWEEN, QUESTION)),
        ((RULES, *BETWEEN, QUESTION), "question_first", (QUESTION, RULES, *BETWEEN)),
        ((PAGES, QUESTION), "question_first", (QUESTION, PAGES)),
        ((QUESTION, PAGES), "question_first", (QUESTION, PAGES)),
        ((QUESTION, PAGES), "official", (QUESTION, PAGES)),
        ((QUESTION,), "pages_first", (QUESTION,)),
    ],
)
def test_the_question_stands_where_it_is_asked_for(parts: tuple, order: PromptOrder, expected: tuple):
    prompt = (SYSTEM, Message("user", parts), BEGUN)
    assert ordered(prompt, order) == (SYSTEM, Message("user", expected), BEGUN)
