"""Messages: the one way to send anything to a customer; one dispatcher decides, hands over and reports."""
