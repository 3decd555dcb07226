"""What changed since an earlier snapshot, by row versions, and when these cannot be relied on."""
