"""What can be typed: the commands and their options."""
