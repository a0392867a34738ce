"""Floor 3.

The verbs: one use case a file. They know ports and the domain, and nothing of HTTP or SQL.
"""
