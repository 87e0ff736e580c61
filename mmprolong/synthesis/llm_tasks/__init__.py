"""Tasks that a vision-language model writes: one file a task."""
