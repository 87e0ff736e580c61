"""The surroundings of a running step: its log, its usage, its failure note, its W&B run."""
