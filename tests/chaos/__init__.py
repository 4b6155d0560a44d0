"""Real nodes in network namespaces, faults, and clients whose replies are judged."""
