"""What every run of the service promises, judged from the requests it made."""
