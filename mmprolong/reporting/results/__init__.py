"""Results of an ablation from the store, from W&B or its offline files, with the records of its steps."""
