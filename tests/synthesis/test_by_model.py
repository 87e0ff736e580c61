import json
from dataclasses import replace
from pathlib import Path

from mmprolong.pipeline.run import run_step
from mmprolong.records import Example
from mmprolong.settings.data import Source
from mmprolong.settings.llm import Llm
from mmprolong.store.jsonl import read_jsonl
from mmprolong.store.store import Store
from tests.llm.server import Response, serving
from tests.tiny_run import OFF, finish, folder_of, step_of, tiny_config


def test_examples_written_by_a_model_become_the_source(tmp_path: Path):
    said = (
        '{"evidence": "page 2", "question": "On page 2, what is named?", "answer": "Document", '
        '"answer_format": "String", "evidence_pages": [2], "evidence_sources": ["Text"]}'
    )

    def answer(body: dict, number: int) -> Response:
        text = json.dumps(body["messages"])
        if body["model"] == "second":
            return Response(json.dumps({"answer": "" if "not shown" in text else "Document"}))
        return Response("no JSON" if number == 0 else said)

    with serving(answer) as server:
        writer = Llm(model="writer", base_url=server.url, retries=0, at_once=1, dpi=20)
        config = tiny_config(tmp_path, llms={"writer": writer, "second": replace(writer, model="second")})
        config.suite.subject = "longpt"
        config.sources["long"] = Source(writer="llm", llm="writer", tasks=["extract_single"], questions_per_task=1)
        config.sources["long"].filter = "second"
        step = step_of(config, "synthesis.long")
        finish(config, "selection")
        record = run_step(Store(Path(config.paths.store)), step, OFF)
        asked = len(server.bodies)
        assert record.metrics["examples"] == 3
        written = [body for body in server.bodies if body["model"] == "writer"]
        images = [part for part in written[-1]["messages"][0]["content"] if part["type"] == "image_url"]
        assert len(images) == 6
        for path in folder_of(config, "synthesis.long").iterdir():
            if path.name == "done.json":
                path.unlink()
        run_step(Store(Path(config.paths.store)), step, OFF)
        assert len(server.bodies) == asked, "the ledger outlives the step"
    examples = list(read_jsonl(folder_of(config, "synthesis.long") / "examples.jsonl", Example))
    assert {example.gold[0].answer for example in examples} == {"Document"}
