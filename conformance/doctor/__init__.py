"""What `backproof doctor` says of an adapter: the first misfit of each function on tiny inputs, in plain words."""
