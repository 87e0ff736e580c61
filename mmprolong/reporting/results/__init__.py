"""Results of an ablation from the store, W&B, its offline files or a Parquet file, with the origin of its steps."""
