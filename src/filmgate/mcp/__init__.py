"""The tools for agents, as the Model Context Protocol says them. They know no transport.

tools    what each one takes, as JSON Schema      server   what each one does, over ports/films.py

Importing `filmgate.mcp.server` loads the `mcp` package, which takes memory; nobody does before an
agent has come.
"""
