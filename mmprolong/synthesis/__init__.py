"""From documents to examples: questions with evidence, and transcriptions."""
