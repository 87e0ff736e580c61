"""What a running step holds: its log, its usage, its failure note, its W&B run."""
