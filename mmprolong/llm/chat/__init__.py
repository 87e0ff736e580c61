"""What answers requests: `openai` (any server that speaks its protocol) and `scripted` (given answers)."""
