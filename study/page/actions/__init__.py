"""What can be done with studies from the page: asked for, shown before, done as commands do."""
