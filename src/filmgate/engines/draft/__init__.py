"""The draft engine: procedural pictures on any CPU, no weights. Nothing but the way in stands here."""
