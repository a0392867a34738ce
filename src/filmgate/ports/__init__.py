"""Floor 2. What the verbs need from the outside, as small protocols. Nothing here does any work."""
