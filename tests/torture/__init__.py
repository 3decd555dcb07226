"""Real processes under random faults for minutes: run, recorded, judged from the record (`make torture`)."""
