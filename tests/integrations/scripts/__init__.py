"""Scripts as users have them, of libraries that import torchvision, which must load beside a
CPU-only torch as well.
"""

import study.training.runtime.torchvision  # noqa: F401
