"""What is there: schemas, relations, columns, types and keys, as the catalog of the database says."""
