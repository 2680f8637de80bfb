"""How the tests run: Hypothesis profiles, and never the store of whoever runs them."""

import os

from hypothesis import HealthCheck, settings

_QUIET = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
settings.register_profile(
    "day", max_examples=40, deadline=None, suppress_health_check=_QUIET, stateful_step_count=25
)
settings.register_profile(
    "night", max_examples=1000, deadline=None, suppress_health_check=_QUIET, stateful_step_count=60
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "day"))

for name in [name for name in os.environ if name.startswith(("MENDEL_", "AIP_"))]:
    del os.environ[name]
