"""What a new database holds: the tariffs as last loaded, 303 policies, and the claims of the year before."""

LOADED_ON = "2009-11-30"
TARIFFS = 40


def tariffs():
    """(code, rate, loaded_on): MX-01 to MX-40."""
    for code in range(1, TARIFFS + 1):
        yield f"MX-{code:02d}", f"0.{150 + 7 * code:04d}", LOADED_ON


def policies():
    """(number, status, tariff, archived): 300 in force, and those that were never cleaned up."""
    for number in range(100, 400):
        yield f"POL-{number}", "in force", f"MX-{number % TARIFFS + 1:02d}", 0
    yield "POL-900", "in force", "MX-77", 0  # sold after the tariffs were last loaded
    yield "POL-901", "in force", "MX-12", 1
    yield "POL-902", "lapsed", "MX-03", 0


def claims():
    """(number, policy, amount_cents, status, registered_at): 96, all of them paid."""
    for i in range(96):
        day = f"2025-{i % 12 + 1:02d}-{i % 28 + 1:02d}T09:{i % 60:02d}:00Z"
        yield f"CLM-{101 + i:06d}", f"POL-{100 + 37 * i % 300}", 18_000 + 9_973 * i % 400_000, "PD", day
