"""From documents to instances: questions with evidence, transcriptions, exact token counts."""
