"""Real processes under random trouble for minutes: run, recorded, judged from the record (`make torture`)."""
