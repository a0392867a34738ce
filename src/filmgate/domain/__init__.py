"""Floor 1. Nouns, rules and errors: no I/O, no clock, standard library only."""
