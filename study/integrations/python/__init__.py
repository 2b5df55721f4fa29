"""What Python users call, by the names of ``study`` itself: a door, as the command line is one."""
