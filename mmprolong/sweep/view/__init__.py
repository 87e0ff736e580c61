"""A sweep as a person sees it: in the terminal, and on a page that needs nothing else."""
