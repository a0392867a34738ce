"""Getting a caller's files, from URLs and data URIs. What they contain is judged elsewhere."""
