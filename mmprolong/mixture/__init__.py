"""The choice of training examples: shares exact in tokens, length distributions, packs, a certificate."""
