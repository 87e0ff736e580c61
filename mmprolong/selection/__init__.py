"""Which documents of the pool are used, and for what."""
