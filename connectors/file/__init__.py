"""Files in a folder: claimed whole on the way in, written whole on the way out."""
