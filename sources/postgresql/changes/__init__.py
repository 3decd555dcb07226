"""What changed since an earlier snapshot, told by row versions, and when they cannot tell."""
