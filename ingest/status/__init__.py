"""What the service shows of itself: health for supervisors, metrics for monitoring, a page for people."""
