"""Rules over what both sides tell: signals to windows, windows to findings, findings to people.

    plan          observe.yaml -> rules, flows, objectives and what has to be counted for them
    tally         signals -> parts of windows, idempotent: written by every subscriber
    windows       parts -> sums of a time, each event counted once
    judge_*       sums -> findings: pure
    incidents     findings -> incidents and notices: grouping, inhibition, mute, flapping
    destinations  notices -> requests of PagerDuty, Opsgenie, Slack, SNS, webhooks
    evaluator     the edge: once a minute

State is behind `state.State`: in memory, SQLite or DynamoDB.
"""
