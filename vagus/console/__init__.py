"""What operators and their tools see of a running engine."""
