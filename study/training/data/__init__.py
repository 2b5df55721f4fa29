"""Images: the data sets, their augmentation, and what feeds them to the device."""
