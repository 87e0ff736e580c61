"""Language models that write and judge: requests, flows, chats, ledger, budget."""
