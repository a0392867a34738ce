"""Fuller prompts from short ones. Whether a caller asked for that is decided elsewhere."""
