"""The twin in tests: one account to send to, set up and ask; the pytest fixture."""
