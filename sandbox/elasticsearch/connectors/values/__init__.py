"""What the members of a connector hold, checked and normalised as the server stores it."""
