"""Floor 4. The HTTP door: wire → domain → verb → wire. It decides nothing."""
