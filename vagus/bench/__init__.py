"""The benchmark: the whole engine, and a raw loop doing the same input and output, in one run."""
