"""What the index holds: read once into a ledger of a few bytes a document, or asked for a few documents."""
