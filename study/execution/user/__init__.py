"""What the user of this machine has said once: whose code may run, what hours of it cost."""
