"""Steps on Slurm: arrays of jobs, their states, the function that runs in them."""
