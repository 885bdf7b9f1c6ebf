"""What a change of a contract breaks, for whom, and what to do."""
