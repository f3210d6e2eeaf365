"""What the tests share: salons and people, servers on loopback, ways to call."""
