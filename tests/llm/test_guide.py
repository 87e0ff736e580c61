import re
from pathlib import Path

import yaml
from pydantic import TypeAdapter

from mmprolong.settings.llm import Llm

GUIDE = (Path(__file__).parents[2] / "docs" / "language_models.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)


def test_the_flow_of_the_guide_runs():
    (code,) = blocks("python")
    exec(compile(code, "guide", "exec"), {})


def test_the_settings_of_the_guide_are_settings():
    (text,) = blocks("yaml")
    settings = TypeAdapter(Llm).validate_python(yaml.safe_load(text))
    assert settings == Llm(model="Qwen/Qwen3-VL-32B-Instruct")
