"""The report of an ablation: its files, its page, its twin in W&B."""
