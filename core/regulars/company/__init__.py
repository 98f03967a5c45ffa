"""Company: what the company that runs this server is called, where its days begin, and how its pages look."""
