"""Ablation sweeps for long-context training of vision-language models on documents."""

__version__ = "0.2.0"
