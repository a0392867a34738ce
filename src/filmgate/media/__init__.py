"""Decodes callers' pictures and sounds, encodes films, in the studio's child. Knows no task."""
