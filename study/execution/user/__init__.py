"""The user of this machine: whose code may run, what hours cost, who is told of a study."""
