"""How a failure is explained: by a fault of the catalogue, by a structural reading, or not at all."""
