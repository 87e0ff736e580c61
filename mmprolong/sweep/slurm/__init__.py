"""Steps on a cluster: arrays of jobs, what Slurm says of them, what runs inside them."""
