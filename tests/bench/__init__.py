"""`make bench`: measurements that are compared with something in the same run, never with the past."""
