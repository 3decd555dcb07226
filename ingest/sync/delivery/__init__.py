"""Delivery: getting it there, in bulk requests whose answers are settled item by item."""
