"""Following: staying in step with a source, for as long as it may take."""
