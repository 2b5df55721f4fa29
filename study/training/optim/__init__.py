"""What an update of the weights is: loss, arithmetic, optimizer and learning rate."""
