"""The plots of a report as SVG, a file each; ``kinds`` lists them."""
