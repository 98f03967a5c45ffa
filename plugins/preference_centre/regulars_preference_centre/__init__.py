"""The preference centre: customers say what they want to hear, where and how often, and see what is known of them."""
