"""The other side, simulated: an EHR that sends, peers that accept, files that are dropped."""
