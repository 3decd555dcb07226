"""Verification: the comparison of a full sync without its delivery, and a second look at what differs."""
