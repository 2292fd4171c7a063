"""The reference mathematics: operations, cases, faults and the arithmetics they are evaluated in."""
