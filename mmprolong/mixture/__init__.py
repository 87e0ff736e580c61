"""Which instances are trained on: shares exact in tokens, length distributions, packs, a certificate."""
