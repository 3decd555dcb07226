"""Delivery: documents are sent in bulk requests whose answers are settled item by item."""
