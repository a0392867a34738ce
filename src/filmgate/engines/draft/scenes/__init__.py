"""Which class paints which scene. No painting here."""
