"""Who may ask for what: tokens, hosts, origins, and what a browser is allowed to do."""
