"""What a running sync shows of itself: counts, backpressure of Elasticsearch, how far behind it follows."""
