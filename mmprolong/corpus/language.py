"""The language of a document's text."""

from py3langid.langid import MODEL_FILE, LanguageIdentifier

UNKNOWN = "und"
_SURE = 0.5
"""Probability below which the language is unknown."""
_FEWEST, _MOST = 60, 6000
"""Characters of text that are needed, and that are looked at."""
_IDENTIFIER = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True, min_confidence=_SURE)


def language_of(text: str) -> str:
    """Return the language by its ISO 639-1 code; `und`: not known, `zxx`: the text is no language.

    Only the middle of a long text is read: its beginning is names, its end references.
    """
    if len(text) < _FEWEST:
        return UNKNOWN
    start = max(0, (len(text) - _MOST) // 2)
    return _IDENTIFIER.classify(text[start : start + _MOST])[0]
