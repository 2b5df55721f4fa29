"""What a simulated study stands on: time, processes, disks, stores, Ray; and what goes wrong there."""
