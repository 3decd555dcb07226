"""How the rows of a source become the documents of an index."""
