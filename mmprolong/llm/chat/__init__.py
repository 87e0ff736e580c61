"""Chats, which answer requests: `openai` (any server that speaks its protocol) and `scripted` (given answers)."""
