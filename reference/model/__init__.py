"""The data types of the reference: operations, their formulations, families of cases, and faults."""
