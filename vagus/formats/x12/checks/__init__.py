"""What is checked across segments: levels, numbers, situations, codes, and the money."""
