"""The rules of alarms, once: what each is about, over what it is judged, and where its threshold comes from.

Several periods of several are judged (M of N), as in AWS's recommended alarms, so that one bad minute tells
nobody. A single period is enough only where something was lost for good. `threshold` is None where the
resource's own configuration or observe.yaml gives it. Quiet on purpose: tables have no alarm on units,
a queue of dead letters has one on its messages alone, and a rule marked `is_opt_in` exists where observe.yaml
or `Metadata.HybridObserve` names it.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Best_Practice_Recommended_Alarms_AWS_Services.html
"""

from __future__ import annotations

from dashboards.alarms.rule import Rule
from dashboards.alarms.rules_events import EVENTS
from dashboards.alarms.rules_legacy import LEGACY
from dashboards.alarms.rules_pipeline import PIPELINE
from dashboards.alarms.rules_requests import REQUESTS

__all__ = ["RULES", "Rule"]

RULES: dict[str, Rule] = {**REQUESTS, **EVENTS, **LEGACY, **PIPELINE}
