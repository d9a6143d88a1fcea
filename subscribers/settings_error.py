"""A setting of the environment that cannot be used.

SettingsError    the text is a sentence for whoever set it
"""


class SettingsError(ValueError):
    """A setting that cannot be used."""

    reason = "bad_setting"
