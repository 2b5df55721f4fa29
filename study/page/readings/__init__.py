"""What the page knows of studies: read from their folders, and kept up to date."""
