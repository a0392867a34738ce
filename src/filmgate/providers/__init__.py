"""Providers: somebody else's video APIs behind the port. They don't know each other."""
