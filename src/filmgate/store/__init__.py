"""Floor 3. Everything that is kept in PostgreSQL, and the embedded PostgreSQL itself."""
