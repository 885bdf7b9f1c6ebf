"""What may be set of an account, by the control plane or in a file."""
