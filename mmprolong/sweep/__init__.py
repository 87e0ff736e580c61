"""Sweeps: from the file of an ablation to finished steps."""
