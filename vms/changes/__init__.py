"""What a change of the contract breaks, the breaks that nothing reports first."""
