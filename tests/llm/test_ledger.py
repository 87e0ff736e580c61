from pathlib import Path

import msgspec
import pytest

from mmprolong.conversations import Image, Message, Pages, Part, Text
from mmprolong.errors import DataError
from mmprolong.llm.chat.scripted import ScriptedChat
from mmprolong.llm.ledger import Cost, Ledger, key_of
from mmprolong.llm.requests import Answer, Request
from mmprolong.settings.llm import Sampling
from tests.llm.asking import question

CHAT = ScriptedChat([])
ANSWER = Answer(text="größer", prompt_tokens=7, completion_tokens=2, model="m-1")


def showing(*parts: Part) -> Request:
    return Request(messages=(Message("user", parts),))


def changed(**attributes: object) -> ScriptedChat:
    chat = ScriptedChat([])
    for name, value in attributes.items():
        setattr(chat, name, value)
    return chat


def test_all_that_an_answer_depends_on_is_in_its_key():
    page = Image("pdf:a", 3)
    asked = showing(Text("t"), page)
    keys = [
        key_of(asked, CHAT),
        key_of(asked, changed(model="other")),
        key_of(asked, changed(view="96 dpi")),
        key_of(asked, changed(sampling=Sampling(temperature=0.1))),
        key_of(msgspec.structs.replace(asked, draw=1), CHAT),
        key_of(msgspec.structs.replace(asked, schema="{}"), CHAT),
        key_of(showing(page, Text("t")), CHAT),
        key_of(showing(Text("t"), Image("pdf:a", 4)), CHAT),
        key_of(showing(Text("t"), Image("pdf:a", 3, crop=(0, 0, 0.5, 1))), CHAT),
        key_of(showing(Text("u"), page), CHAT),
    ]
    assert len(set(keys)) == len(keys)


def test_what_no_answer_depends_on_is_not_in_its_key():
    pages = showing(Pages("pdf:a", 2, 3), Text("t"))
    assert key_of(pages, CHAT) == key_of(showing(Image("pdf:a", 2), Image("pdf:a", 3), Text("t")), CHAT)
    assert key_of(question("t"), CHAT) == key_of(question("t"), changed(view="96 dpi"))
    own = msgspec.structs.replace(question("t"), sampling=CHAT.sampling)
    assert key_of(own, changed(sampling=Sampling(temperature=0))) == key_of(question("t"), CHAT)


def test_answers_outlive_the_process_and_processes_do_not_mix(tmp_path: Path):
    first, second = Ledger(tmp_path, "org/m"), Ledger(tmp_path, "org/m")
    first.put("a", ANSWER, 0.5)
    second.put("b", ANSWER, 0.25)
    assert (first.get("a"), first.get("b")) == (ANSWER, None)
    first.refresh()
    assert (first.get("b"), first.spent) == (ANSWER, Cost(2, 18, 0.75))
    assert Ledger(tmp_path, "org/m").spent == first.spent and Ledger(tmp_path, "org/n").spent == Cost()
    assert len(list(first.folder.iterdir())) == 2


def test_a_torn_last_line_is_not_there(tmp_path: Path):
    ledger = Ledger(tmp_path, "m")
    ledger.put("a", ANSWER, 0.0)
    ledger.put("b", ANSWER, 0.0)
    (path,) = ledger.folder.iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    again = Ledger(tmp_path, "m")
    assert (again.get("a"), again.get("b"), again.spent.calls) == (ANSWER, None, 1)


@pytest.mark.parametrize(("good", "bad"), [(b":7", b":8"), (b'"a"', b'"c"'), (b"{", b"["), (b"\xc3", b"\xff")])
def test_a_damaged_line_is_named(tmp_path: Path, good: bytes, bad: bytes):
    ledger = Ledger(tmp_path, "m")
    ledger.put("b", ANSWER, 0.0)
    (path,) = ledger.folder.iterdir()
    length = path.stat().st_size
    ledger.put("a", ANSWER, 0.0)
    content = path.read_bytes()
    path.write_bytes(content[:length] + content[length:].replace(good, bad, 1))
    with pytest.raises(DataError, match=rf"{path.name}: line at byte {length}: .*; delete the line"):
        Ledger(tmp_path, "m")
