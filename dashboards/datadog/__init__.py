"""Datadog: dashboards, monitors and SLOs, as JSON for its API and as CloudFormation."""
