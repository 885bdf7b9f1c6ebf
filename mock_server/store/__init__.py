"""What is remembered: accounts, their ledgers, the inbox."""
