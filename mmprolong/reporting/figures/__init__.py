"""Figures of an ablation."""
