"""Bulk requests: sent in a bounded number of slots, their answers read item by item."""
