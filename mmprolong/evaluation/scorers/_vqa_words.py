"""Answers normalised as the VQA benchmark does it."""

import re

_MARKS = ';/[]"{}()=+\\_-><@`,?!'
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_NUMBERS = {word: str(number) for number, word in enumerate(f"{_ONES} seventeen eighteen nineteen".split())}
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBERS |= {word: str(10 * number) for number, word in enumerate(_TENS.split(), 2)}
_ARTICLES = {"a", "an", "the"}
_SHORT = (
    "ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's "
    "isn't it'd it'll ma'am mightn't might've mustn't must've needn't not've o'clock oughtn't shan't should've "
    "shouldn't somebody'll somebody's someone'd someone'll someone's something'd something'll that's there'd there're "
    "there's they'd they'll they're they've 'twas wasn't we've weren't what'll what're what's what've when's where'd "
    "where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all you'd you'll "
    "you're you've"
)
_LONG = (
    "couldn't've hadn't've he'd've it'd've mightn't've she'd've shouldn't've somebody'd've someone'd've something'd've "
    "there'd've they'd've we'd've who'd've wouldn't've y'all'll you'd've"
)
"""Contractions with two apostrophes, either of which may be left out."""
_CONTRACTIONS = {word.replace("'", ""): word for word in _SHORT.split()}
_CONTRACTIONS |= {word.replace("'", "", 1): word for word in _LONG.split()}
_CONTRACTIONS |= {"'".join(word.rsplit("'", 1)[:1]) + word.rsplit("'", 1)[1]: word for word in _LONG.split()}
_CONTRACTIONS |= dict.fromkeys(("yall'd've", "y'alld've", "y'all'dve"), "y'all'd've")
_CONTRACTIONS |= {"ow's'at": "'ow's'at", "'ows'at": "'ow's'at", "'ow'sat": "'ow's'at", "somebody'd": "somebodyd"}


def vqa_normal(text: str) -> str:
    """Return `text` in lower case without most punctuation and articles, numbers as digits, contractions whole.

    Source: https://github.com/GT-Vision-Lab/VQA, PythonEvaluationTools/vqaEvaluation/vqaEval.py, as MM-NIAH has it:
    a mark that stands beside a space, or in a text with a comma between digits, goes; any other becomes a space.
    """
    text = text.replace("\n", " ").replace("\t", " ").strip()
    numbers = re.search(r"\d,\d", text) is not None
    plain = text
    for mark in _MARKS:
        alone = numbers or f"{mark} " in text or f" {mark}" in text
        plain = plain.replace(mark, "" if alone else " ")
    plain = re.sub(r"\.(?!\d)", "", plain, count=32)  # officially a flag of value 32 stands where the count belongs
    words = (_NUMBERS.get(word, word) for word in plain.lower().split())
    return " ".join(_CONTRACTIONS.get(word, word) for word in words if word not in _ARTICLES)
