"""LLaMA-Factory: messages and images, and a dataset_info.json; every answer is learned whole."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.mixture.formats import Facts, Turn, order_problem

_NAME = "mmprolong"


@dataclass(frozen=True, slots=True)
class LlamaFactory:
    """Rows of `messages` and `images` (`formatting: sharegpt` with the tags of OpenAI).

    Source: data/README.md, src/llamafactory/data/converter.py, mm_plugin.py, template.py and processor/supervised.py in
    https://github.com/hiyouga/LlamaFactory/tree/ff6d4d12eeb035d6ce06805a5733dd7b29f2ac30
    """

    version: ClassVar[int] = 1
    trainer: ClassVar[str] = "https://github.com/hiyouga/LlamaFactory/tree/ff6d4d12eeb035d6ce06805a5733dd7b29f2ac30"
    templates: ClassVar = {"qwen2_5_vl": "qwen2_vl", "qwen3_vl": "qwen3_vl_nothink"}
    marks: ClassVar = ("<image>", "<video>", "<audio>", "{{content}}", "{{idx}}")

    def problem(self, turns: Sequence[Turn]) -> str:
        """Refuse answers that are not learned, or not whole: the format says so for all of a data set only."""
        if problem := order_problem(turns):
            return problem
        whole = all(turn.whole for turn in turns if turn.role == "assistant")
        return "" if whole else "an answer is not learned, or not all of it"

    def row(self, turns: Sequence[Turn], images: Sequence[str]) -> dict[str, Any]:
        """Return messages and images."""
        return {"messages": [{"role": turn.role, "content": turn.text} for turn in turns], "images": list(images)}

    def settings(self, facts: Facts) -> dict[str, Any]:
        """Return settings of `llamafactory-cli train train.yaml`."""
        return {
            "dataset_dir": str(facts.folder),
            "dataset": _NAME,
            "template": self.templates[facts.backbone],
            "cutoff_len": facts.sequence_length + 1,
            "packing": True,
            "neat_packing": True,
            "image_min_pixels": facts.min_pixels,
            "image_max_pixels": facts.max_pixels,
            "train_on_prompt": False,
            "mask_history": False,
            "disable_shuffling": True,
        }

    def files(self) -> dict[str, Any]:
        """Return dataset_info.json."""
        tags = {"role_tag": "role", "content_tag": "content"}
        tags |= {f"{role}_tag": role for role in ("user", "assistant", "system")}
        columns = {"messages": "messages", "images": "images"}
        described = {"file_name": "data.jsonl", "formatting": "sharegpt", "columns": columns, "tags": tags}
        return {"dataset_info.json": {_NAME: described}}

    def notes(self, facts: Facts) -> list[str]:
        """Return what differs in training."""
        return [
            "Start it with `llamafactory-cli train train.yaml`, model, `stage: sft` and optimizer added.",
            "Length: with packing the trainer takes one token off `cutoff_len`, so it is one more than a pack holds.",
            "Images: it opens the processor of the model's folder. Copy `processor/preprocessor_config.json` over the "
            "one there, unless the bounds there already allow these images.",
            "Order: conversations as they stand in `data.jsonl`, but it packs each 1,000 of them anew by length "
            "(`preprocessing_batch_size`), so its packs are not ours.",
            "Loss: the line break after `<|im_end|>` is learned too, one token more an answer than `supervised` says.",
        ]
