"""`backproof doctor`: try each function of an adapter on tiny inputs, and say what does not fit."""
