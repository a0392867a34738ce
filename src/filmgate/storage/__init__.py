"""Where bytes are kept and how links to them are signed. Who may read is decided elsewhere."""
