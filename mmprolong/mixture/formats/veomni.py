"""VeOmni: conversations of `from` and `value`, and images; every answer is learned whole, and ends are stripped."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from mmprolong.mixture.formats import Facts, Turn, order_problem

_ROLES = {"user": "human", "assistant": "gpt"}
_LARGEST = 768 * 28 * 28
"""Area to which the trainer shrinks every image, whatever its settings say [px]."""


@dataclass(frozen=True, slots=True)
class VeOmni:
    """Rows of `conversations` and `images`.

    Of the preprocessors that ship with the trainer, `qwen_omni_offline_av` is the one that takes several images a turn,
    wherever they stand, and changes no text.

    Source: veomni/data/multimodal/preprocess.py, multimodal_chat_template.py and image_utils.py,
    veomni/trainer/vlm_trainer.py (`MAX_PIXELS`) in
    https://github.com/ByteDance-Seed/VeOmni/tree/d9774494f5d8042321386c65c9406e732a271501
    """

    version: ClassVar[int] = 1
    trainer: ClassVar[str] = "https://github.com/ByteDance-Seed/VeOmni/tree/d9774494f5d8042321386c65c9406e732a271501"
    templates: ClassVar = {"qwen2_5_vl": "qwen2_5vl", "qwen3_vl": "qwen3vl"}
    marks: ClassVar = ("<image>", "<video>", "<audio>")

    def problem(self, turns: Sequence[Turn]) -> str:
        """Refuse a system's turn, answers that are not learned whole, and white space that would be stripped."""
        if problem := order_problem(turns):
            return problem
        if turns[0].role == "system":
            return "a system's turn"
        if not all(turn.whole for turn in turns if turn.role == "assistant"):
            return "an answer is not learned, or not all of it"
        return "" if all(turn.text == turn.text.strip() for turn in turns) else "a turn begins or ends with white space"

    def row(self, turns: Sequence[Turn], images: Sequence[str]) -> dict[str, Any]:
        """Return conversations and images."""
        said = [{"from": _ROLES[turn.role], "value": turn.text} for turn in turns]
        return {"conversations": said, "images": list(images)}

    def settings(self, facts: Facts) -> dict[str, Any]:
        """Return settings of `tasks/train_vlm.py`."""
        return {
            "model": {"tokenizer_path": str(facts.folder / "processor")},
            "data": {
                "train_path": str(facts.folder / "data.jsonl"),
                "train_size": facts.tokens,
                "data_type": "conversation",
                "datasets_type": "mapping",
                "source_name": "qwen_omni_offline_av",
                "chat_template": self.templates[facts.backbone],
                "max_seq_len": facts.sequence_length,
                "mm_configs": {"image_min_pixels": facts.min_pixels, "image_max_pixels": facts.max_pixels},
            },
            "train": {"dyn_bsz": True, "micro_batch_size": 1},
        }

    def files(self) -> dict[str, Any]:
        """Return none."""
        return {}

    def notes(self, facts: Facts) -> list[str]:
        """Return what differs in training."""
        shrunk = (
            f"**Images: at this commit the trainer shrinks every image to {_LARGEST:,} px, whatever its settings say, "
            f"and the largest here has {facts.max_pixels:,}. Set `MAX_PIXELS` in `veomni/trainer/vlm_trainer.py` to "
            f"{facts.max_pixels} or more, or every length is wrong.**"
        )
        return [
            "Start it with `bash train.sh tasks/train_vlm.py train.yaml`, `model.model_path` and optimizer added.",
            *([shrunk] if facts.max_pixels > _LARGEST else []),
            "Order: it shuffles and packs anew (`dyn_bsz`), and has no setting to keep an order.",
            "Loss: the line break after `<|im_end|>` is learned too, one token more an answer than `supervised` says.",
        ]
