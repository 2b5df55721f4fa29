"""The tables that ``study table`` shows, a file each; ``kinds`` lists them."""
