"""Where bytes enter and leave: no meaning, no routing, no retry policy."""
