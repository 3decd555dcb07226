"""From the body of a call to its declared members, or to the error in the server's words."""
