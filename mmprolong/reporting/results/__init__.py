"""Results of an ablation from the store, W&B, its offline files or a Parquet file, and what made them."""
