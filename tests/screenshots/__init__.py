"""Makes the pictures in the docs: the real service at work, seen in a browser and in a terminal."""
