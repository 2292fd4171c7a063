"""What the reference is made of: operations, their formulations, families of cases, and faults."""
