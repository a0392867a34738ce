"""Floor 3. Engines: one package each, strangers to one another and to the verbs."""
