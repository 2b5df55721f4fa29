"""The page over all studies, which ``study serve`` serves: a door, as the command line is one."""
