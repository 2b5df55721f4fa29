"""Looking at a study, before it runs and while it does; and handing parts of it to other tools."""
