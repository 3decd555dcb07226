"""The members of a connector document: each checked and normalised as the server stores it."""
