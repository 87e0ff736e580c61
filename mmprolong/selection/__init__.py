"""The choice of documents: used or refused, for training or for evaluation."""
