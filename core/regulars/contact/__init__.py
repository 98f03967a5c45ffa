"""Contact: whether, why and from when on a customer may be written to or called."""
