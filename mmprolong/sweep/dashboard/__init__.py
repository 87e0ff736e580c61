"""The page that shows a sweep while it runs: one file that needs nothing else."""
