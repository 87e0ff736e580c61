"""Conversations of Qwen-VL models: ChatML. No torch."""

from collections.abc import Iterator, Sequence
from functools import cache

from mmprolong.conversations import Image, Message, Text, Video, flat
from mmprolong.errors import DataError
from mmprolong.models.encoding import Piece
from mmprolong.models.tokenizer import TextTokenizer

IM_START, IM_END, END_OF_TEXT = "<|im_start|>", "<|im_end|>", "<|endoftext|>"
VISION_START, VISION_END, IMAGE_PAD = "<|vision_start|>", "<|vision_end|>", "<|image_pad|>"


def chat_pieces(
    messages: Sequence[Message], tokenizer: TextTokenizer, default_system: str, answer: bool
) -> Iterator[Piece]:
    """Yield the ChatML of a conversation, in order; what an assistant's turn learns, and its end, is supervised.

    Args:
        default_system: the system's turn of a conversation without one; empty: none.
        answer: the model answers next, or continues a last turn of the assistant that is not learned.

    Source: https://huggingface.co/Qwen/Qwen2.5-VL-7B-Instruct/blob/main/chat_template.json
    https://huggingface.co/Qwen/Qwen3-VL-8B-Instruct/blob/main/chat_template.json
    """
    if default_system and messages[0].role != "system":
        yield _system_turn(default_system, tokenizer), False
    continued = answer and messages[-1].role == "assistant" and not _learned(messages[-1])
    for number, message in enumerate(messages, 1):
        yield from _turn(message, tokenizer, ended=not (continued and number == len(messages)))
    if answer and not continued:
        yield from _turn(Message("assistant", ()), tokenizer, ended=False)


def _learned(message: Message) -> bool:
    return any(isinstance(part, Text) and part.learned for part in message.parts)


@cache
def _system_turn(text: str, tokenizer: TextTokenizer) -> list[int]:
    """Return the ids of a turn that begins many conversations."""
    turn = _turn(Message("system", (Text(text),)), tokenizer, ended=True)
    return [index for ids, _ in turn if isinstance(ids, list) for index in ids]


def _turn(message: Message, tokenizer: TextTokenizer, ended: bool) -> Iterator[Piece]:
    ids, text, learned, any_learned = [tokenizer.id_of(IM_START)], f"{message.role}\n", False, False
    for part in flat(message.parts):
        if isinstance(part, Text) and part.learned == learned:
            text += part.text  # neighbours are read as one text, as the template joins them
            continue
        yield ids + tokenizer.encode(text), learned
        ids, text, learned = [], "", False
        if isinstance(part, Text):
            # what is learned is read apart from what is given, as it is when the model writes it
            text, learned = part.text, part.learned
            any_learned = any_learned or learned
        elif isinstance(part, Image):
            yield [tokenizer.id_of(VISION_START)], False
            yield part, False
            ids = [tokenizer.id_of(VISION_END)]
        elif isinstance(part, Video):
            raise DataError(f"a film of {len(part.frames)} frames: Qwen-VL backbones take no films yet; give images")
    yield ids + tokenizer.encode(text), learned
    if ended:
        yield [tokenizer.id_of(IM_END)], any_learned
        yield tokenizer.encode("\n"), False
