"""A process of its own for each attempt at a training of the user's own.

What a function does to its process ends with it: nothing of that reaches the next trial. A worker
has a *nursery*, a process that has torch loaded and does nothing but fork: an attempt begins in
milliseconds, not in the seconds of importing torch.

worker                    nursery                   child
  |--- begin, descriptors -->|                         |
  |                          |--- fork --------------->|
  |<======== messages, answers, what it prints =======>|
  |                          |<-- its end -------------|
  |<-- ended ----------------|
"""
