"""What a message means in another format: the mapping language, its compiler and its library."""
