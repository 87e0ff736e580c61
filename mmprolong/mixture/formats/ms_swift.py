"""ms-swift: messages and images; an answer, or a part of it, says whether it is learned."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.mixture.formats import Facts, Turn, order_problem


@dataclass(frozen=True, slots=True)
class MsSwift:
    """Rows of `messages` and `images`.

    Source: docs/source_en/Customization/Custom-dataset.md, swift/template/base.py (`_swift_prepare_inputs`: answers in
    a row become one, each with its own loss) and swift/loss_scale/base.py in
    https://github.com/modelscope/ms-swift/tree/3602360a562313afbf2ef6065fdf61f271a2c5b9
    """

    version: ClassVar[int] = 1
    trainer: ClassVar[str] = "https://github.com/modelscope/ms-swift/tree/3602360a562313afbf2ef6065fdf61f271a2c5b9"
    templates: ClassVar = {"qwen2_5_vl": "qwen2_5_vl", "qwen3_vl": "qwen3_vl"}
    marks: ClassVar = (
        *("<image>", "<video>", "<audio>", "<bbox>", "<ref-object>", "<cot-process>", "<start-image>", "<img>"),
        *("{{SYSTEM}}", "{{QUERY}}", "{{ROUND0}}", "{{ROUND1}}", "</think>"),
    )

    def problem(self, turns: Sequence[Turn]) -> str:
        """Refuse ends of answers that the trainer would learn where we do not, or the reverse."""
        if problem := order_problem(turns):
            return problem
        answers = [turn.runs for turn in turns if turn.role == "assistant"]
        if any(not runs[-1].learned and any(run.learned for run in runs) for runs in answers):
            return "an answer that is learned ends with text that is given"
        return "" if answers[-1][-1].learned else "the last answer is not learned"

    def row(self, turns: Sequence[Turn], images: Sequence[str]) -> dict[str, Any]:
        """Write an answer that is learned in part as several messages in a row."""
        return {"messages": [message for turn in turns for message in _messages(turn)], "images": list(images)}

    def settings(self, facts: Facts) -> dict[str, Any]:
        """Return settings of `swift sft train.yaml`."""
        return {
            "ENV": {"MIN_PIXELS": str(facts.min_pixels), "MAX_PIXELS": str(facts.max_pixels)},
            "dataset": [str(facts.folder / "data.jsonl")],
            "template": self.templates[facts.backbone],
            "use_chat_template": True,
            "loss_scale": "default",
            "max_length": facts.sequence_length,
            "strict": True,
            "packing": True,
            "packing_length": facts.sequence_length,
            "packing_strategy": "sequential",
            "packing_num_proc": 1,
            "attn_impl": "flash_attn",
            "dataset_shuffle": False,
            "train_dataloader_shuffle": False,
        }

    def files(self) -> dict[str, Any]:
        """Return none."""
        return {}

    def notes(self, facts: Facts) -> list[str]:
        """Return what differs in training."""
        return [
            "Start it with `swift sft train.yaml`, model and optimizer added.",
            "Order: as it stands in `data.jsonl`. `packing_strategy: sequential` fills a pack until the next "
            "conversation does not fit, so packs hold the same conversations in the same order but may end elsewhere.",
            "Loss: the line break after `<|im_end|>` is learned too, one token more an answer than `supervised` says.",
        ]


def _messages(turn: Turn) -> Iterator[dict[str, Any]]:
    if turn.role != "assistant":
        yield {"role": turn.role, "content": turn.text}
        return
    for run in turn.runs:
        yield {"role": "assistant", "content": run.text, "loss": run.learned}
