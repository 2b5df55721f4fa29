"""Small drawings as inline SVG, in the page's colors."""
