"""What the tests of the reference share: a profile that draws the same always."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "reference", derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
settings.load_profile("reference")
