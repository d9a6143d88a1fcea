"""What is told, of no tool: quiet alarms on what a template and observe.yaml describe."""
