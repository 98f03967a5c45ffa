"""Events: the outbox that tells the rest of the world what changed, after it did."""
